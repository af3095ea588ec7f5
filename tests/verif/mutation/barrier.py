# SPDX-License-Identifier: MIT
"""Faults in the order of descriptor writes, barriers and TLB maintenance: in C, in prim.h, and
in the linked kernel."""
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from verif.isa.decode import Instruction

from .binary import NOP
from .mutant import Mutant, line_of
from .reach import Code, file_offset
from .source_c import Body, statements

# Statements whose order matters; of these, what is no write.
ORDERING = ("dsb_", "isb(", "tlbi_")
WRITES = ("pte_write", "sysreg_write(ttbr0")
REUSES = re.compile(r"page_descs\[\w+\]\.type = |devices\[\w+\]\.state = |"
                    r"sync_if_executable\(|pte_write\(")
ENDS = re.compile(r"pte_write\(|procs\[\w+\]\.state = HV_PROC_ZOMBIE")
FLUSHES = ("tlbi_asid(", "proc_flush(")
WEAKER = {"dsb_ish()": "dsb_ishst()", "dsb_ishst()": "isb()", "tlbi_asid(pid)": "tlbi_el1()"}
# prim.h: what the line of a primitive holds, and what it becomes.
PRIMITIVES = (
    ("dsb_ish", '"dsb ish"', '"dsb ishst"'), ("dsb_ish", '"dsb ish"', '"nop"'),
    ("dsb_ishst", '"dsb ishst"', '"dsb ishld"'), ("dsb_ishst", '"dsb ishst"', '"dmb ishst"'),
    ("dsb_ishst", '"dsb ishst"', '"nop"'), ("isb", '"isb"', '"nop"'),
    ("tlbi_asid", "aside1is", "aside1"), ("tlbi_asid", "asid << 48", "asid << 47"),
    ("tlbi_asid", "asid << 48", "0ULL"), ("tlbi_asid", '"tlbi aside1is, %0"', '"nop // %0"'),
)
ASIDE1 = 7                          # CRm; that of ASIDE1IS is 3
ISH, ISHST, ISHLD = 11, 10, 9       # CRm of DSB


def _texts(body: Body) -> list[tuple[int, int, str]]:
    """Start, end and text of each statement that is an expression."""
    found = []
    for first, last in statements(body):
        start, end = body.tokens[first].start, body.tokens[last].end
        found.append((start, end, body.text[start:end]))
    return found


def _moved(body: Body, operator: str, one: tuple[int, int, str],
           other: tuple[int, int, str]) -> Mutant:
    """What the two statements enclose, with the first behind the second (late), or the second
    before the first (early)."""
    between = body.text[one[1]:other[0]]
    new = between.lstrip() + other[2] + " " + one[2] if operator == "late" else \
        other[2] + " " + one[2] + between.rstrip()
    return _mutant(body, operator, one[0], other[1], new)


def _mutant(body: Body, operator: str, start: int, end: int, new: str) -> Mutant:
    return Mutant("barrier", operator, body.file, body.name,
                  f"{body.file}:{line_of(body.text, start)}", start, end, body.text[start:end], new)


def in_c(body: Body) -> Iterator[Mutant]:
    """Of one function: a barrier or TLBI dropped, weaker or swapped with its neighbour, a
    reuse before the flush, what needs one behind it, another ASID."""
    found = _texts(body)
    for start, end, text in found:
        if text.startswith(ORDERING):
            yield _mutant(body, "drop", start, end, ";")
        for word, weaker in WEAKER.items():
            if text == f"{word};":
                yield _mutant(body, "weaker", start, end, f"{weaker};")
        if text == "tlbi_asid(pid);":
            yield _mutant(body, "wrong-asid", start, end, "tlbi_asid(pid + 1);")
    for one, other in pairwise(found):
        is_ordered = [s[2].startswith(ORDERING + WRITES) for s in (one, other)]
        is_near = body.text[one[1]:other[0]].strip() == ""
        if all(is_ordered) and is_near:
            yield _mutant(body, "swap", one[0], other[1],
                          other[2] + body.text[one[1]:other[0]] + one[2])
    yield from _around_flushes(body, found)


def _around_flushes(body: Body, found: list[tuple[int, int, str]]) -> Iterator[Mutant]:
    """What comes before a flush behind it, what comes after it before it."""
    for flush in (s for s in found if s[2].startswith(FLUSHES)):
        for s in found:
            if s[1] < flush[0] and ENDS.match(s[2]):
                yield _moved(body, "late", s, flush)
            if s[0] > flush[1] and REUSES.match(s[2]):
                yield _moved(body, "early", flush, s)


def in_primitives(root: Path, file: str) -> Iterator[Mutant]:
    """In the inline assembly itself, so everywhere at once."""
    text = (root / file).read_text()
    for name, old, new in PRIMITIVES:
        at = text.index(old, text.index(f"static inline void {name}("))
        yield Mutant("barrier", "primitive", file, name, f"{file}:{line_of(text, at)}", at,
                     at + len(old), old, new)


# ---- the linked kernel ---------------------------------------------------------------------


def _is_tlbi(found: Instruction) -> bool:
    return found.encoding.name == "system_instruction" and found.fields["CRn"] == 8


def _changes(found: Instruction) -> Iterator[tuple[str, int]]:
    """Operator and new word."""
    fields = found.fields
    if found.encoding.name == "barrier":
        yield "drop", NOP
        weaker = {ISH: ISHST, ISHST: ISHLD}.get(fields["CRm"])
        if fields["op2"] == 4 and weaker is not None:
            yield "weaker", found.encoding.join({**fields, "CRm": weaker})
    elif _is_tlbi(found):
        yield "drop", NOP
        yield "not-broadcast", found.encoding.join({**fields, "CRm": ASIDE1})
        yield "wrong-asid", found.encoding.join({**fields, "Rt": 31})


def in_binary(code: Code, address: int, following: int | None) -> Iterator[Mutant]:
    """Of the barrier or TLBI at an address; `following` is the next one of its function."""
    image, found = code.kernel.image, code.at(address)
    changes = [(operator, address + 4, [new]) for operator, new in _changes(found)]
    if following is not None and image.word(following) != image.word(address):
        between = [image.word(a) for a in range(address + 4, following, 4)]
        changes.append(("swap", following + 4,
                        [image.word(following), *between, image.word(address)]))
    for operator, end, words in changes:
        old = b"".join(image.word(a).to_bytes(4, "little") for a in range(address, end, 4))
        new = b"".join(word.to_bytes(4, "little") for word in words)
        offset = file_offset(image.path, address)
        yield Mutant("barrier", operator, "build/hv8.elf", image.function_at(address),
                     code.kernel.debug.line_of(address), offset, offset + len(old), old.hex(),
                     new.hex())


def places(code: Code) -> Iterator[tuple[int, int | None]]:
    """Each barrier or TLBI that some hypercall or leaf runs, and the next one of its function."""
    every = sorted(a for a in frozenset().union(*code.subjects().values())
                   if code.at(a).encoding.name == "barrier" or _is_tlbi(code.at(a)))
    for at, address in enumerate(every):
        later = every[at + 1] if at + 1 < len(every) else None
        names = [code.kernel.image.function_at(a).partition("+")[0]
                 for a in (address, later) if a is not None]
        yield address, later if len(set(names)) == 1 and len(names) == 2 else None
