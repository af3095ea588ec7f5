# SPDX-License-Identifier: MIT
"""Faults in the assembly between an exception and `eret`: of every instruction, each tried on the
proof of all of vectors.S and direct.S, in a process of its own that starts with the kernel read."""
import multiprocessing
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

from verif import boot, image, refine, segments, stamped, target
from verif.errors import VerifError
from verif.isa.decode import Instruction
from verif.plan import OF_CODE, Plan
from verif.result import Row

from .binary import NOP, does_nothing
from .mutant import Mutant
from .reach import Code, file_offset

FIRST = 0x400           # of el2_vectors: what is before it is entered by no process
EMPTY = 0               # UDF #0, between the vectors
STACK = 32              # SP, beside x0..x30
OPERANDS = ("Rd", "Rn", "Rm", "Rt", "Rt2")
OFFSETS = ("imm7", "imm9", "imm12")
# The order of what is asked: T6 of what the others do not notice, for it takes longest.
TURNS = (("T1", "T2", "T8"), ("T6",))
# An instruction of these has no order with others that registers show.
CONTROL = ("branch_immediate", "branch_condition", "branch_register", "compare_branch",
           "exception_return", "barrier", "hint")


def places(code: Code) -> Iterator[int]:
    """Addresses of all instructions, in their order."""
    kernel = code.kernel.image
    for name in segments.CODE:
        symbol = kernel.function(name)
        start = symbol.address + (FIRST if name == "el2_vectors" else 0)
        for address in range(start, symbol.address + symbol.size, 4):
            if kernel.word(address) != EMPTY:
                yield address


# ---- which neighbours may not change places ------------------------------------------------


def _is_transfer(found: Instruction) -> bool:
    """A load or store."""
    return found.encoding.name.startswith(("pair_", "register_"))


def _is_store(found: Instruction) -> bool:
    fields = found.fields
    return _is_transfer(found) and fields.get("L", fields.get("opc")) == 0


def _base(found: Instruction) -> set[int]:
    fields = found.fields
    is_stack = fields.get("Rn") == 31 and (_is_transfer(found) or
                                           found.encoding.name == "add_sub_immediate")
    return {STACK if is_stack else fields["Rn"]} if "Rn" in fields else set()


def _writes(found: Instruction) -> set[int]:
    """Registers that it writes."""
    fields, name = found.fields, found.encoding.name
    written = {fields["Rd"]} if "Rd" in fields else set()
    if name == "add_sub_immediate" and fields["Rd"] == 31 and not fields["S"]:
        return {STACK}
    is_loaded = _is_transfer(found) and not _is_store(found) or fields.get("L") == 1
    if is_loaded and name != "pair_simd":
        written |= {fields[n] for n in ("Rt", "Rt2") if n in fields}
    if name.endswith(("_pre", "_post")):
        written |= _base(found)
    return written - {31}


def _reads(found: Instruction) -> set[int]:
    """Registers that it reads, or may."""
    fields = found.fields
    read = _base(found) | {fields[n] for n in ("Rm", "Rt", "Rt2") if n in fields}
    return read - {31} if found.encoding.name != "pair_simd" else _base(found)


def ordered(one: Instruction, other: Instruction) -> bool:
    """Can it make a difference which comes first?"""
    if does_nothing(one) or does_nothing(other):
        return False
    if {one.encoding.name, other.encoding.name} & set(CONTROL):
        return True
    mine, its = _writes(one), _writes(other)
    return bool(mine & (its | _reads(other)) or its & _reads(one))


# ---- faults ----------------------------------------------------------------------------------


def _variants(found: Instruction, chance: random.Random) -> Iterator[tuple[str, int]]:
    """Operator and new word: another offset, another register."""
    fields = found.fields
    for name in OFFSETS:
        if _is_transfer(found) and name in fields:
            value = fields[name] ^ chance.randrange(1, 8)
            yield "offset", found.encoding.join({**fields, name: value})
    names = [n for n in OPERANDS if n in fields]
    if names:
        name = chance.choice(names)
        number = chance.choice([n for n in range(32) if n != fields[name]])
        yield "register", found.encoding.join({**fields, name: number})


def _faults_at(code: Code, address: int, has_next: bool) -> Iterator[tuple[str, list[int]]]:
    """Operator and new words from the address on."""
    kernel, found = code.kernel.image, code.at(address)
    word = kernel.word(address)
    if word != NOP:
        yield "nop", [NOP]
    if has_next and kernel.word(address + 4) != word and ordered(found, code.at(address + 4)):
        yield "swap", [kernel.word(address + 4), word]
    for operator, new in _variants(found, random.Random(kernel.function_at(address))):
        yield operator, [new]


def faults(code: Code) -> Iterator[Mutant]:
    """Every one. Which register or offset it becomes is drawn by the name of the place."""
    kernel, every = code.kernel.image, set(places(code))
    for address in sorted(every):
        offset = file_offset(kernel.path, address)
        for operator, words in _faults_at(code, address, address + 4 in every):
            old = b"".join(kernel.word(address + 4 * n).to_bytes(4, "little")
                           for n in range(len(words)))
            new = b"".join(word.to_bytes(4, "little") for word in words)
            yield Mutant("vectors", operator, "build/hv8.elf", kernel.function_at(address),
                         code.kernel.debug.line_of(address), offset, offset + len(old), old.hex(),
                         new.hex(), segments.NAMES)


# ---- trials ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """What the proof of a changed kernel says: rows of the first segment that fails, none if
    all hold, and what the verifier refuses, if anything."""

    rows: tuple[Row, ...] = ()
    refusal: str = ""


@cache
def _plan(elf: Path) -> Plan:
    """Of the kernel as it is, whose debug information and leaves the changed ones share."""
    kernel = target.load(elf)
    return Plan(kernel, elf.parent, OF_CODE, boot.files(kernel, None), ())


def _prove(plan: Plan, elf: Path, address: int, to: Connection) -> None:
    """In the child: sends the Trial."""
    found = Trial()
    try:
        plan.target = replace(plan.target, image=image.load(elf),
                              kernel_hash=stamped.kernel_hash(elf))
        refine.SHOWN_FAILURES = 1
        every = chain.from_iterable(plan.vectors(some, address) for some in TURNS)
        found = Trial(tuple(next((rows for rows in every if any(r.failures for r in rows)), ())))
    except VerifError as error:
        found = Trial(refusal=f"{type(error).__name__}: vectors: {error}")
    to.send(found)


def prove(base: Path, elf: Path, address: int, limit: float) -> Trial | None:
    """The changed `elf`, of which the instruction at `address` is another than in `base`; None
    after `limit` seconds."""
    plan = _plan(base)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(False)
    child = context.Process(target=_prove, args=(plan, elf, address, sender), daemon=True)
    child.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(limit) else None
    except EOFError:
        return Trial(refusal="the proof ended without a word")
    finally:
        child.kill()
        child.join()
