# SPDX-License-Identifier: MIT
"""T10 (coverage): every word of the kernel's text is on a proved path, or it is said why not.

The rows of T2 name the words that their paths run through (fact WORDS). An exploration follows
every branch, so a word of a routine that was explored and that no path reaches is not reached
from any entry that was explored; and there are no others: the vectors for lower exception
levels, the table of handlers, and what these call.
"""
import time
from collections.abc import Iterable, Iterator

from .errors import VerifError
from .flow import Flow, successors
from .image import Image
from .lin import signed
from .result import Failure, Row, row
from .target import Target

WORDS = "words"
NAME = "kernel text"
FROM_EL2 = range(0, 0x400, 0x80)    # vectors for exceptions of EL2 itself (D1.3.1)
AT_BOOT = frozenset({"leave_boot", "leave_boot_core"})
PADDING = frozenset({0x00000000, 0xD503201F})   # UDF #0, NOP
SHOWN = 8


def packed(addresses: Iterable[int]) -> str:
    """Addresses of words as ranges "first-last", hexadecimal, in order."""
    runs: list[list[int]] = []
    for address in sorted(addresses):
        if runs and runs[-1][1] + 4 == address:
            runs[-1][1] = address
        else:
            runs.append([address, address])
    return " ".join(f"{first:x}-{last:x}" for first, last in runs)


def unpacked(text: str) -> Iterator[int]:
    """The addresses of `packed`."""
    for run in text.split():
        first, last = (int(part, 16) for part in run.split("-"))
        yield from range(first, last + 4, 4)


def _after_panic(target: Target, flow: Flow) -> set[int]:
    """What can run once EL2 has taken an exception of its own: by all direct branches."""
    base = target.image.function("el2_vectors").address
    found: set[int] = set()
    todo = [base + offset for offset in FROM_EL2]
    while todo:
        pc = todo.pop()
        if pc in found:
            continue
        found.add(pc)
        instruction = flow.instruction(pc)
        if instruction.encoding.name == "branch_immediate":
            todo.append(pc + 4 * signed(instruction.fields["imm26"], 26))
        if instruction.encoding.name != "branch_immediate" or instruction.fields["op"]:
            todo += successors(pc, instruction)
    return found


def _text(image: Image) -> range:
    return range(image.markers["__text_start"], image.markers["__text_end"], 4)


def _kinds(target: Target, flow: Flow, proved: set[int]) -> Iterator[tuple[int, str]]:
    """Each word of the text and what is known of it; empty if nothing."""
    image = target.image
    panics = _after_panic(target, flow)
    explored = {owner.name for owner in map(flow.owner, proved) if owner is not None}
    for pc in _text(image):
        owner = flow.owner(pc)
        if pc in proved:
            yield pc, "proved"
        elif owner is not None and owner.name in AT_BOOT:
            yield pc, "at boot"
        elif pc in panics:
            yield pc, "after panic"
        elif image.word(pc) in PADDING and (owner is None or owner.name in explored):
            yield pc, "padding"
        elif owner is not None and owner.name in explored:
            flow.instruction(pc)
            yield pc, "unreachable"
        else:
            yield pc, ""


def prove(target: Target, rows: list[Row]) -> Row:
    """The row T10, from the rows T2 of the whole kernel."""
    begin = time.process_time()
    flow = Flow(target.image)
    proved = {pc for r in rows if r.theorem == "T2" and r.passed for pc in unpacked(r.fact(WORDS))}
    counts: dict[str, int] = {}
    open_words: dict[str, list[int]] = {}
    failures: list[Failure] = []
    try:
        for pc, kind in _kinds(target, flow, proved):
            counts[kind] = counts.get(kind, 0) + 1
            if not kind:
                owner = flow.owner(pc)
                open_words.setdefault(owner.name if owner else "no function", []).append(pc)
    except VerifError as error:
        failures.append(Failure(f"a word that is not decoded: {error}", "", "", "failed", (), ""))
    failures += [Failure(f"{len(words)} words of {name} are on no proved path",
                         f"{target.debug.line_of(words[0])} ({target.image.function_at(words[0])})",
                         "", "failed", (), "") for name, words in list(open_words.items())[:SHOWN]]
    total = sum(counts.values())
    known = total - counts.get("", 0)
    facts = {"words in all": total, **{kind: n for kind, n in counts.items() if kind},
             "percent": f"{100 * known / total:.1f}" if total else "0"}
    return row(NAME, "T10", time.process_time() - begin, facts, failures, (), "linker.ld")
