# SPDX-License-Identifier: MIT
"""Faults in the linked kernel: one instruction becomes another."""
from collections.abc import Iterator

from verif.isa.decode import Instruction

from .mutant import Mutant
from .reach import Code, file_offset

NOP = 0xD503201F
# Barriers: see barrier.py; `brk` ends a path that is dead anyhow.
LEFT_OUT = ("barrier", "hint", "exception_generation")
NUMBERS = ("imm12", "imm16", "imm7", "imm9", "immr", "imms", "imm5", "imm6", "nzcv")
BRANCHES = ("compare_branch", "test_branch")


def _with(found: Instruction, **fields: int) -> int:
    """The word with other fields."""
    return found.encoding.join({**found.fields, **fields})


def _commutes(found: Instruction) -> bool:
    """Does the order of the two operands make no difference, or only, as that of a comparison,
    to some conditions?"""
    fields, name = found.fields, found.encoding.name
    if name in ("three_source", "compare_register") or fields.get("S") and fields.get("Rd") == 31:
        return True
    if name == "register_offset":
        return fields["option"] == 3 and fields["S"] == 0
    is_plain = fields.get("imm6") == 0
    return is_plain and (name == "add_sub_shifted" and fields["op"] == 0
                         or name == "logical_shifted" and fields["N"] == 0)


def does_nothing(found: Instruction) -> bool:
    """Is it `add xN, xN, #0`, the low half of an aligned address?"""
    fields = found.fields
    return found.encoding.name == "add_sub_immediate" and fields["sf"] == 1 and \
        fields["S"] == fields["imm12"] == 0 and fields["Rn"] == fields["Rd"]


def changes(found: Instruction) -> Iterator[tuple[str, int]]:
    """Operator and new word."""
    fields, name = found.fields, found.encoding.name
    if name in LEFT_OUT:
        return
    if not does_nothing(found):
        yield "nop", NOP
    if "cond" in fields and fields["cond"] < 14:
        yield "flip-condition", _with(found, cond=fields["cond"] ^ 1)
    if name in BRANCHES:
        yield "flip-condition", _with(found, op=fields["op"] ^ 1)
    if "Rt2" in fields and fields["Rt"] != fields["Rt2"]:
        yield "swap-registers", _with(found, Rt=fields["Rt2"], Rt2=fields["Rt"])
    if {"Rn", "Rm"} <= set(fields) and fields["Rn"] != fields["Rm"] and not _commutes(found):
        yield "swap-registers", _with(found, Rn=fields["Rm"], Rm=fields["Rn"])
    for field in found.encoding.fields:
        if field.name in NUMBERS:
            yield "change-immediate", _with(found, **{field.name: fields[field.name] ^ 1})


def faults(code: Code) -> Iterator[Mutant]:
    """Every one, of every instruction that some hypercall or leaf can run."""
    image, debug = code.kernel.image, code.kernel.debug
    for address in sorted(frozenset().union(*code.subjects().values())):
        found = code.at(address)
        offset = file_offset(image.path, address)
        old = image.word(address)
        for operator, new in changes(found):
            if new == old:
                continue
            yield Mutant("binary", operator, "build/hv8.elf", image.function_at(address),
                         debug.line_of(address), offset, offset + 4,
                         old.to_bytes(4, "little").hex(), new.to_bytes(4, "little").hex())
