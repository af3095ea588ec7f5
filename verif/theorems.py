# SPDX-License-Identifier: MIT
"""The theorems in the words of the report: for someone who has not read the manual."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Theorem:
    """Its number, a name of one or two words, and what it says. `is_of_calls`: there is a
    row of it for each hypercall."""

    key: str
    name: str
    says: str
    is_of_calls: bool = True


THEOREMS = (
    Theorem("T1", "refinement",
            "The machine code does exactly what the specification says: on every path the "
            "result and every table afterwards are equal to those of the specification, "
            "refused calls included."),
    Theorem("T2", "safety",
            "No memory access leaves its object or is misaligned, no undefined instruction is "
            "reached, kernel code and constants are not written, the stack suffices, and the "
            "registers that a function must keep come back."),
    Theorem("T3", "invariants",
            "What is assumed of the kernel's tables before a call holds again after it, so that "
            "the assumption is good for the next call."),
    Theorem("T4", "boot",
            "When the kernel that was proved has booted on a machine and is about to enter its "
            "first process, every table, every register that must have a value, and everything "
            "that is mapped is as the specification says: what T1 and T3 start from.", False),
    Theorem("T5", "isolation",
            "Whatever a process can reach through its translation tables, handles and registers "
            "is its own, or is shown to it read-only on purpose, or was given to it: of every "
            "state in which the invariants hold, and of what each call changes."),
    Theorem("T6", "translation",
            "Whenever a page or an address space identifier gets another use, no TLB of any "
            "core can still hold a translation to it: on every path, writes to translation "
            "tables, barriers and invalidations come in the order that the architecture asks "
            "for. So do the acknowledgement and the end of an interrupt."),
    Theorem("T8", "bound",
            "No path takes more instructions or more bytes of stack than its row "
            "of the table says, from the handler's entry to its return."),
    Theorem("T9", "progress",
            "Every process that can run does so after at most as many ticks of a core that it may "
            "run on as there are other processes, and on no other core: in every state in which "
            "the invariants hold the tick is armed, and who is ready waits for nothing; no "
            "transition passes a ready process over, and each tick ends the turn of who runs."),
    Theorem("T10", "coverage",
            "Every word of the kernel's text is on a proved path, or no path reaches it, or it "
            "runs at boot alone.", False),
)


def explained(key: str) -> Theorem:
    """The theorem with that number, or one without words."""
    return next((t for t in THEOREMS if t.key == key), Theorem(key, "", ""))


def ordered(keys: set[str]) -> list[str]:
    """Those of THEOREMS first, in their order, then others by name."""
    known = [t.key for t in THEOREMS]
    return known + sorted(keys - set(known))
