# SPDX-License-Identifier: MIT
"""What of the kernel's text a program at EL0 can run, and for the rest why not."""
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from verif import image
from verif.isa.decode import Instruction, decode
from verif.isa.encoding import Fields
from verif.isa.system import OPERATIONS, REGISTERS

EL0_OPERATIONS = ("dc zva", "dc cvau", "dc civac")
EL0_REGISTERS = ("fpcr", "fpsr")

# System registers with the number of EL0 in them that are not compared.
OTHER_REGISTERS = {
    "tpidr_el0": "the runner keeps x0 there",
    "tpidrro_el0": "EL0 may not write it",
    "tpidr2_el0": "the core has no FEAT_SME",
    "cntv_ctl_el0": "qemu-aarch64 has no timer",
    "cntv_cval_el0": "qemu-aarch64 has no timer",
    "cntpct_el0": "changes by itself: a fresh value in the proofs",
    "cntvct_el0": "changes by itself: a fresh value in the proofs",
    "ctr_el0": "a constant of the core: free in the proofs",
}


def _hint(f: Fields) -> str:
    return "waits for an interrupt" if f["CRm"] << 3 | f["op2"] == 3 else ""


def _system_instruction(f: Fields) -> str:
    name, _ = OPERATIONS[f["op1"], f["CRn"], f["CRm"], f["op2"]]
    return "" if name in EL0_OPERATIONS else f"{name} is not for EL0"


def _system_register(f: Fields) -> str:
    name = REGISTERS[2 + f["o0"], f["op1"], f["CRn"], f["CRm"], f["op2"]]
    if f["op1"] != 3:
        return "register of EL2" if f["op1"] == 4 else "register of EL1"
    return "" if name in EL0_REGISTERS else f"{name}: {OTHER_REGISTERS[name]}"


REASONS: dict[str, Callable[[Fields], str]] = {
    "exception_return": lambda _: "ERET is not for EL0",
    "exception_generation": lambda _: "takes an exception",
    "undefined": lambda _: "takes an exception",
    "hint": _hint,
    "system_instruction": _system_instruction,
    "system_register": _system_register,
}


def excuse(instruction: Instruction) -> str:
    """Why the instruction cannot be compared at EL0; empty if it can. KeyError for a system
    register that EL0 might reach and nobody has thought of."""
    reason = REASONS.get(instruction.encoding.name)
    return "" if reason is None else reason(instruction.fields)


@dataclass(frozen=True)
class Text:
    """The kernel's text that stays after boot: each word with the number of its places."""

    words: Counter[int]

    def by_class(self) -> dict[str, Counter[int]]:
        """Words by encoding class."""
        found: dict[str, Counter[int]] = {}
        for word, count in self.words.items():
            found.setdefault(decode(word, 0).encoding.name, Counter())[word] = count
        return found


def text_of(elf: Path) -> Text:
    """Reads the ELF; raises for a word that the verifier does not decode."""
    img = image.load(elf)
    start, end = img.markers["__text_start"], img.markers["__text_end"]
    return Text(Counter(img.word(address) for address in range(start, end, 4)))
