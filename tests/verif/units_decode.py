# SPDX-License-Identifier: MIT
"""The decoder (pytest): against itself, and against binutils, which knows nothing of it."""
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import KERNEL  # noqa: E402

from verif.errors import UndecodedError, UnmodelledError  # noqa: E402
from verif.isa.decode import GROUPS, decode  # noqa: E402
from verif.isa.encoding import Encoding, Fields  # noqa: E402
from verif.isa.system import OPERATIONS, REGISTERS  # noqa: E402
from verif.lin import signed  # noqa: E402

EVERY = [e for group in GROUPS for e in group]
SEED = 1
SAMPLES = 400
CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le",
              "al", "nv")
START, END = KERNEL.image.markers["__text_start"], KERNEL.image.markers["__text_end"]


# ---- against itself ----

@pytest.mark.parametrize("encoding", EVERY, ids=lambda e: e.name)
def test_re_encodes(encoding: Encoding) -> None:
    """Random fields make a word that splits into them again, and is of this class alone."""
    rng = random.Random(f"{SEED} {encoding.name}")
    for _ in range(SAMPLES):
        fields = {f.name: rng.getrandbits(f.width) for f in encoding.fields}
        word = encoding.join(fields)
        assert encoding.split(word) == fields
        assert decode(word, 0x1000).encoding is encoding


def test_fields_and_fixed_bits_are_all_bits() -> None:
    for encoding in EVERY:
        covered = encoding.mask
        for field in encoding.fields:
            bits = ((1 << field.width) - 1) << field.low
            assert not covered & bits, (encoding.name, field.name)
            covered |= bits
        assert covered == 0xFFFFFFFF, encoding.name


def test_no_two_classes_overlap() -> None:
    for at, left in enumerate(EVERY):
        for right in EVERY[at + 1:]:
            common = left.mask & right.mask
            overlaps = left.value & common == right.value & common
            assert not overlaps, (left.name, right.name)


@pytest.mark.parametrize("word", [0x1E602820, 0x08A07C00, 0x887F7C00, 0xF8200020, 0xD61F081F])
def test_unknown_words_are_named(word: int) -> None:
    """FADD, CASB, LDXP, LDADD, and BRAA, a neighbour of BR."""
    with pytest.raises(UndecodedError, match=f"{word:#010x} at 0x1000"):
        decode(word, 0x1000)


def test_unmodelled_system_register_is_named() -> None:
    instruction = decode(0xD5384000, 0x1000)  # mrs x0, spsr_el1
    assert instruction.encoding.name == "system_register"
    unknown = decode(0xD5380000, 0x1000)  # mrs x0, midr_el1
    with pytest.raises(UnmodelledError, match="S3_0_C0_C0_0 at 0x1000"):
        unknown.encoding.run(_Nobody(), unknown.fields)


class _Nobody:
    """A core at an address, without registers."""

    pc = 0x1000


# ---- against binutils ----

def _add_sub(f: Fields) -> str:
    return ("add", "adds", "sub", "subs")[2 * f["op"] + f["S"]]


def _logic_register(f: Fields) -> str:
    return ("and", "bic", "orr", "orn", "eor", "eon", "ands", "bics")[2 * f["opc"] + f["N"]]


def _transfer(letters: str) -> Callable[[Fields], str]:
    def name(f: Fields) -> str:
        size = ("b", "h", "", "")[f["size"]]
        if f["opc"] < 2:
            return ("st", "ld")[f["opc"]] + letters + size
        return f"ld{letters}s{('b', 'h', 'w')[f['size']]}"
    return name


def _exclusive(f: Fields) -> str:
    order = ("", "a") if f["L"] else ("", "l")
    return f"{'ld' if f['L'] else 'st'}{order[f['o0']]}xr{('b', 'h', '', '')[f['size']]}"


def _ordered(f: Fields) -> str:
    return f"{'lda' if f['L'] else 'stl'}r{('b', 'h', '', '')[f['size']]}"


def _pair(f: Fields) -> str:
    return "ldp" if f["L"] else "stp"


NAMES: dict[str, Callable[[Fields], str]] = {
    "pc_relative": lambda f: "adrp" if f["op"] else "adr",
    "add_sub_immediate": _add_sub, "add_sub_shifted": _add_sub, "add_sub_extended": _add_sub,
    "logical_immediate": lambda f: ("and", "orr", "eor", "ands")[f["opc"]],
    "logical_shifted": _logic_register,
    "move_wide": lambda f: ("movn", "", "movz", "movk")[f["opc"]],
    "bitfield": lambda f: ("sbfm", "bfm", "ubfm")[f["opc"]],
    "extract": lambda _: "extr",
    "compare_register": lambda f: "ccmp" if f["op"] else "ccmn",
    "compare_immediate": lambda f: "ccmp" if f["op"] else "ccmn",
    "conditional_select": lambda f: ("csel", "csinc", "csinv", "csneg")[2 * f["op"] + f["o2"]],
    "three_source": lambda f: {(0, 0): "madd", (0, 1): "msub", (1, 0): "smaddl", (1, 1): "smsubl",
                               (2, 0): "smulh", (5, 0): "umaddl", (5, 1): "umsubl",
                               (6, 0): "umulh"}[f["op31"], f["o0"]],
    "two_source": lambda f: {2: "udiv", 8: "lslv", 9: "lsrv", 10: "asrv", 11: "rorv"}[f["opcode"]],
    "one_source": lambda f: {0: "rbit", 4: "clz"}.get(f["opcode"], "rev"),
    "register_unsigned": _transfer("r"), "register_offset": _transfer("r"),
    "register_post": _transfer("r"), "register_pre": _transfer("r"),
    "register_unscaled": _transfer("ur"),
    "register_exclusive": _exclusive, "register_ordered": _ordered,
    "pair_offset": _pair, "pair_post": _pair, "pair_pre": _pair, "pair_simd": _pair,
    "branch_immediate": lambda f: "bl" if f["op"] else "b",
    "branch_condition": lambda f: f"b.{CONDITIONS[f['cond']]}",
    "compare_branch": lambda f: "cbnz" if f["op"] else "cbz",
    "test_branch": lambda f: "tbnz" if f["op"] else "tbz",
    "branch_register": lambda f: ("br", "blr", "ret")[f["opc"]],
    "exception_return": lambda _: "eret",
    "exception_generation": lambda f: {(0, 1): "svc", (0, 2): "hvc", (0, 3): "smc", (1, 0): "brk",
                                       (2, 0): "hlt"}[f["opc"], f["LL"]],
    "undefined": lambda _: "udf",
    "hint": lambda _: "hint",
    "barrier": lambda f: {4: "dsb", 5: "dmb", 6: "isb"}[f["op2"]],
    "system_instruction": lambda _: "sys",
    "system_register": lambda f: "mrs" if f["L"] else "msr",
}
# In the order in which the assembler writes them.
OPERANDS = {"three_source": ("Rd", "Rn", "Rm", "Ra"), "pair_simd": ("Rt", "Rt2", "Rn")}
ORDER = ("Rd", "Rt", "Rt2", "Rn", "Rm")


def _registers(name: str, f: Fields) -> list[int]:
    order = OPERANDS.get(name, ORDER)
    if name in ("register_exclusive", "register_ordered"):
        order = ("Rt", "Rn") if f["Rs"] == 31 else ("Rs", "Rt", "Rn")
    found = [f[field] for field in order if field in f]
    if name == "three_source" and f["op31"] in (2, 6):
        return found[:3]
    return [] if name == "system_instruction" and f["Rt"] == 31 else found


def _shown_registers(operands: str) -> list[int]:
    """Numbers of the general and SIMD registers in a text, SP and XZR as 31."""
    shown = re.findall(r"\b(?:[xwq](\d+)|[xw]zr|w?sp)\b", re.sub(r"<.*>", "", operands))
    return [int(number) if number else 31 for number in shown]


def _target(name: str, f: Fields, address: int) -> int | None:
    """Where the instruction points, from the manual's text."""
    for field, width in (("imm26", 26), ("imm19", 19), ("imm14", 14)):
        if field in f:
            return address + 4 * signed(f[field], width)
    if name != "pc_relative":
        return None
    offset = signed(f["immhi"] << 2 | f["immlo"], 21)
    return (address & -4096) + (offset << 12) if f["op"] else address + offset


def disassembled(start: int, end: int) -> list[tuple[int, int, str, str]]:
    """Address, word, name and operands of each instruction of the ELF, as binutils has them."""
    text = subprocess.run(
        ["aarch64-linux-gnu-objdump", "-d", "-z", "-M", "no-aliases", f"--start-address={start}",
         f"--stop-address={end}", KERNEL.image.path], check=True, stdout=subprocess.PIPE).stdout
    found = []
    for line in text.decode().splitlines():
        match = re.match(r" *([0-9a-f]+):\t([0-9a-f]{8}) \t(\S+)(?:\t(.*))?$", line)
        if match:
            operands = (match[4] or "").split("//")[0]
            found.append((int(match[1], 16), int(match[2], 16), match[3], operands))
    return found


def test_every_word_of_text_is_what_binutils_says() -> None:
    """Name, registers in order, and branch targets, of each word that stays after boot."""
    listed = disassembled(START, END)
    assert len(listed) == (END - START) // 4
    for address, word, name, operands in listed:
        assert KERNEL.image.word(address) == word
        instruction = decode(word, address)
        where = (hex(address), hex(word), name, operands, instruction.encoding.name)
        fields = instruction.fields
        assert NAMES[instruction.encoding.name](fields) == name, where
        shown = _shown_registers(operands)
        if instruction.encoding.name != "branch_register" or operands:
            assert _registers(instruction.encoding.name, fields) == shown, where
        points = _target(instruction.encoding.name, fields, address)
        if points is not None:
            assert f"{points:x} <" in operands + " ", where


def test_names_of_the_system_are_what_binutils_says() -> None:
    """System registers and operations, DC, IC, TLBI and AT, of each word of the text that has
    one: of all that are modelled by their names, and no other has one of these names."""
    checked, modelled = 0, set(REGISTERS.values()) | {name for name, _ in OPERATIONS.values()}
    for address, word, name, operands in disassembled(START, END):
        f, words = decode(word, address).fields, operands.replace(" ", "").split(",")
        if name in ("mrs", "msr") and "o0" in f:
            place = (2 + f["o0"], *(f[n] for n in ("op1", "CRn", "CRm", "op2")))
            said, known = words[name == "mrs"].lower(), REGISTERS.get(place)
            numbers = "s%d_%d_c%d_c%d_%d" % place
        elif name in ("dc", "ic", "tlbi", "at"):
            said = f"{name} {words[0].lower()}"
            known, _ = OPERATIONS.get(tuple(f[n] for n in ("op1", "CRn", "CRm", "op2")), (None, 0))
            numbers = ""
        else:
            continue
        checked += 1
        if known is None:
            assert said not in modelled, (hex(address), hex(word), said)
        else:
            assert said in (known, numbers), (hex(address), hex(word), said, known)
    assert checked > 60, checked


def test_conditions_and_amounts_are_what_binutils_says() -> None:
    """Constants that some classes carry, for each word of the text that has them."""
    checked = 0
    for address, word, _, operands in disassembled(START, END):
        instruction = decode(word, address)
        f, words = instruction.fields, operands.split(", ")
        if instruction.encoding.name in ("conditional_select", "compare_immediate",
                                         "compare_register"):
            assert words[-1].strip() == CONDITIONS[f["cond"]]
        elif instruction.encoding.name == "bitfield":
            assert words[2:] == [f"#{f['immr']}", f"#{f['imms']}"]
        elif instruction.encoding.name == "move_wide":
            assert words[1] == f"#{f['imm16']:#x}"
            assert words[2:] == ([f"lsl #{16 * f['hw']}"] if f["hw"] else [])
        elif instruction.encoding.name == "add_sub_immediate":
            assert words[2] == f"#{f['imm12']:#x}"
            assert words[3:] == (["lsl #12"] if f["sh"] else [])
        elif instruction.encoding.name == "test_branch":
            assert words[1] == f"#{f['b5'] << 5 | f['b40']}"
        else:
            continue
        checked += 1
    assert checked > 1000
