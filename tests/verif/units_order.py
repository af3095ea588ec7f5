# SPDX-License-Identifier: MIT
"""The automaton of T6 (pytest): on numbers, right sequences and each wrong one beside them; and
on assembly, that the events of the machine code reach it."""
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import KERNEL, explored  # noqa: E402
from spec import descriptor as d  # noqa: E402
from spec.state import ConcreteState  # noqa: E402
from spec.translation import Order  # noqa: E402

from verif import order, premises  # noqa: E402
from verif.errors import UnmodelledError  # noqa: E402
from verif.isa import system  # noqa: E402
from verif.world import Event  # noqa: E402
from verif.safety import Handled  # noqa: E402

C = premises.constants(KERNEL)
SELF, OTHER, UNUSED, DEAD = 1, 2, 3, 4          # processes
ROOT_PAGE, L1, L2, L3, FRAME, CTX, FREE, OTHER_ROOT, OLD_L3 = range(2, 11)
CLOCK, OLD_CLOCK = 5, 6                         # mapped devices, of SELF and of DEAD
BASE = 0x4000_0000
Step = tuple[str, *tuple[object, ...]]


class Kept(ConcreteState):
    """A state on numbers that is never changed."""

    def set(self, name: str, key: tuple[int, ...], value: int) -> ConcreteState:
        return ConcreteState.set(self.copy(), name, key, value)

    def zero_page(self, page: int) -> ConcreteState:
        return ConcreteState.zero_page(self.copy(), page)

    def copy_page(self, to: int, source: int) -> ConcreteState:
        return ConcreteState.copy_page(self.copy(), to, source)


def state() -> ConcreteState:
    """Process SELF runs and has a frame; OTHER lives; DEAD died and has a table."""
    s: ConcreteState = Kept()
    for name, value in (("machine.pages_pa", BASE), ("machine.empty_root", BASE + (99 << 12)),
                        ("sys.ttbr0_el1", BASE + (ROOT_PAGE << 12) | SELF << 48)):
        s = s.set(name, (), value)
    for pid, kind, root in ((SELF, C.HV_PROC_LIVE, ROOT_PAGE), (OTHER, C.HV_PROC_LIVE, OTHER_ROOT),
                            (DEAD, C.HV_PROC_ZOMBIE, 0), (UNUSED, C.HV_PROC_UNUSED, 0)):
        s = s.set("procs.state", (pid,), kind).set("procs.root", (pid,), root)
    for page, kind, owner in (
            (ROOT_PAGE, C.HV_PAGE_L0, SELF), (L1, C.HV_PAGE_L1, SELF), (L2, C.HV_PAGE_L2, SELF),
            (L3, C.HV_PAGE_L3, SELF), (FRAME, C.HV_PAGE_FRAME, SELF), (CTX, C.HV_PAGE_CTX, SELF),
            (FREE, C.HV_PAGE_FREE, SELF), (OTHER_ROOT, C.HV_PAGE_L0, OTHER),
            (OLD_L3, C.HV_PAGE_L3, DEAD)):
        s = s.set("page_descs.type", (page,), kind).set("page_descs.owner", (page,), owner)
    for table, named in ((ROOT_PAGE, L1), (L1, L2), (L2, L3)):
        s = s.set("pages", (table, 0), d.table(s, named))
    for device, owner, table in ((CLOCK, SELF, L3), (OLD_CLOCK, DEAD, OLD_L3)):
        s = s.set("devices.state", (device,), C.HV_DEVICE_MAPPED)
        s = s.set("devices.owner", (device,), owner).set("devices.pa", (device,), device << 20)
        s = s.set("pages", (table, 2), d.device(s.ops, device << 20, 1))
    s = s.set("pages", (OLD_L3, 0), d.leaf(s, FREE, 1))
    return s.set("pages", (L3, 0), d.leaf(s, FRAME, 1))


START = state()
LEAF = d.leaf(START, FRAME, 0)
NEW = d.leaf(START, FREE, 1)
EMPTY = START.get("machine.empty_root")
INVALID: Step = ("store", L3, 0, 0)
ISHST, ISH, ISB = ("dsb", "dsb ishst"), ("dsb", "dsb ish"), ("synchronize",)
TLBI: Step = ("invalidate", SELF << 48)
FREED: Step = ("change_page", "page_descs.type", FRAME, C.HV_PAGE_FREE)
KILLED: Step = ("change_state", SELF, C.HV_PROC_ZOMBIE)
BORN: Step = ("change_state", UNUSED, C.HV_PROC_EMBRYO)
UNLOAD: Step = ("load", EMPTY)
UNLINK = (INVALID, ISHST, TLBI, ISH)
NO_CLOCK: Step = ("store", L3, 2, 0)
UNMAPPED: Step = ("change_device", "devices.state", CLOCK, C.HV_DEVICE_UNMAPPED)
LINK = (("zero", FREE), ("change_page", "page_descs.type", FREE, C.HV_PAGE_FRAME), ISHST,
        ("store", L3, 1, NEW), ISHST)
ACKNOWLEDGED, SY, ENDED = ("acknowledge",), ("dsb", "dsb sy"), ("end_interrupt",)
DEATH = (KILLED, UNLOAD, ISB, ISHST, TLBI, ISH)


def wrong(steps: tuple[Step, ...], saves: bool = True) -> list[str]:
    """What the demands say that do not hold on the path with these steps. `saves`: what does
    not hold is left out as impossible, as it is after a solver has said so."""
    path = Order(C, START, lambda truth: saves and not truth)
    for name, *words in steps:
        getattr(path, name)(*words)
    path.end()
    return [demand.what for demand in path.demands if not demand.must]


RIGHT = {
    "unlink": UNLINK, "free": (*UNLINK, FREED), "link": LINK, "death": DEATH,
    "unlink with stronger barriers": (INVALID, ("dsb", "dsb sy"), TLBI, ("dsb", "dsb sy")),
    "protect": (*UNLINK, ("sync",), ("store", L3, 0, LEAF), ISHST),
    "two at once": (INVALID, ("store", L2, 0, 0), ISHST, TLBI, ISH),
    "the same descriptor again": (("store", L3, 0, START.get("pages", L3, 0)), ISHST),
    "an invalid one": (("store", L3, 5, 0x1234_0000), ISHST),
    "a context": (("store", CTX, 0, 7),),
    "death of another": (("change_state", OTHER, C.HV_PROC_ZOMBIE), ISHST,
                         ("invalidate", OTHER << 48), ISH),
    "of the dead": (("change_page", "page_descs.owner", OLD_L3, SELF),
                    ("change_page", "page_descs.type", OLD_L3, C.HV_PAGE_FREE), ("zero", OLD_L3)),
    "device unmapped": (NO_CLOCK, ISHST, TLBI, ISH, UNMAPPED),
    "device of the dead": (
        ("change_device", "devices.state", OLD_CLOCK, C.HV_DEVICE_UNMAPPED),
        ("change_device", "devices.owner", OLD_CLOCK, SELF)),
    "birth": (BORN,),
    "load": (("load", BASE + (OTHER_ROOT << 12) | OTHER << 48), ISB),
    "wait": (INVALID, ISHST, TLBI, ISH, ("wait",)),
    "interrupt": (ACKNOWLEDGED, SY, ENDED, ISB, ENDED, ISB),
    "no interrupt": (ACKNOWLEDGED, SY),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    assert wrong(RIGHT[name]) == wrong(RIGHT[name], False) == []


STALE = "a stale translation may exist at the end"
HANDS = "a page changes hands while a stale translation may exist"
UNSEEN = "a store to a table is not visible at the end"
UNKNOWN = "an interrupt is ended before its acknowledgement has taken effect"
WAITS = "the core waits while a store may not be complete"
CONTENT = "a descriptor becomes valid before a store to what it names is visible"

WRONG = {
    "no TLBI": ((INVALID, ISHST, ISH), STALE),
    "no DSB before TLBI": ((INVALID, TLBI, ISH), STALE),
    "no DSB after TLBI": ((INVALID, ISHST, TLBI), STALE),
    "DSB of stores after TLBI": ((INVALID, ISHST, TLBI, ISHST), STALE),
    "DSB of loads before TLBI": ((INVALID, ("dsb", "dsb ishld"), TLBI, ISH), STALE),
    "ISB instead of DSB": ((INVALID, ISHST, TLBI, ISB), STALE),
    "TLBI before the write": ((ISHST, TLBI, INVALID, ISH), STALE),
    "DSB and TLBI swapped": ((INVALID, TLBI, ISHST, ISH), STALE),
    "another's ASID": ((INVALID, ISHST, ("invalidate", OTHER << 48), ISH), STALE),
    "ASID in the wrong bits": ((INVALID, ISHST, ("invalidate", SELF), ISH), STALE),
    "one of two writes after the DSB": ((INVALID, ISHST, ("store", L2, 0, 0), TLBI, ISH), STALE),
    "freed before the write": ((FREED, *UNLINK), "a page that is still translated changes hands"),
    "freed before TLBI": ((INVALID, ISHST, FREED, TLBI, ISH), HANDS),
    "freed before DSB": ((INVALID, ISHST, TLBI, FREED, ISH), HANDS),
    "given away while mapped": ((("change_page", "page_descs.owner", FRAME, OTHER),),
                                "a page that is still translated changes hands"),
    "another page is freed": ((*UNLINK, ("change_page", "page_descs.type", L3, C.HV_PAGE_FREE)),
                              "a page that is still translated changes hands"),
    "freed after it is mapped again": ((*UNLINK, ("store", L3, 0, LEAF), ISHST, FREED),
                                       "a page that is still translated changes hands"),
    "device unmapped before the write": ((UNMAPPED, NO_CLOCK, ISHST, TLBI, ISH),
                                         "a device that is still translated changes hands"),
    "device unmapped before TLBI": ((NO_CLOCK, ISHST, UNMAPPED, TLBI, ISH),
                                    "a device changes hands while a stale translation may exist"),
    "device given away while mapped": ((("change_device", "devices.owner", CLOCK, OTHER),),
                                       "a device that is still translated changes hands"),
    "another entry is unmapped": ((*UNLINK, UNMAPPED),
                                  "a device that is still translated changes hands"),
    "zeroed while mapped": ((("zero", FRAME),), "a page that is still translated is reused"),
    "zeroed before the flush": ((INVALID, ISHST, ("zero", FRAME), TLBI, ISH),
                                "a page is reused while a stale translation may exist"),
    "copied over before the flush": ((INVALID, ISHST, ("copy", FREE, FRAME), TLBI, ISH),
                                     "a page is reused while a stale translation may exist"),
    "synced before the flush": ((INVALID, ISHST, ("sync",), TLBI, ISH),
                                "a page is made executable while a stale translation may exist"),
    "translated before the flush": ((INVALID, ISHST, ("translate",), TLBI, ISH),
                                    "an address is translated while a stale translation may exist"),
    "a frame's word is written": ((("store", FRAME, 3, 5), ISHST),
                                  "a page that is still translated is written"),
    "make without break": ((("store", L3, 0, LEAF), ISHST, TLBI, ISH),
                           "a valid descriptor becomes another valid one, "
                           "without break before make"),
    "make before the flush": ((INVALID, ISHST, ("store", L3, 0, LEAF), TLBI, ISH),
                              "what may be translated by a stale translation is written, "
                              "or made again"),
    "link without the last DSB": (LINK[:-1], UNSEEN),
    "link before the content": ((*LINK[:2], *LINK[3:]), CONTENT),
    "link with a DSB of loads": ((*LINK[:2], ("dsb", "dsb ishld"), *LINK[3:]), CONTENT),
    "a root without DSB": ((("zero", FREE), ("change_page", "page_descs.type", FREE, C.HV_PAGE_L0)),
                           UNSEEN),
    "a context becomes a table": ((("store", CTX, 0, 1),
                                   ("change_page", "page_descs.type", CTX, C.HV_PAGE_L3)),
                                  "a context page becomes another before a store to it is visible"),
    "death without TLBI": (DEATH[:4], STALE),
    "death without TTBR0": ((KILLED, ISHST, TLBI, ISH), STALE),
    "death without ISB": ((KILLED, UNLOAD, ISHST, TLBI, ISH), STALE),
    "death without DSB before": ((KILLED, UNLOAD, ISB, TLBI, ISH), STALE),
    "death without DSB after": (DEATH[:-1], STALE),
    "death behind its flush": ((*DEATH[1:], KILLED), STALE),
    "birth while stale": ((INVALID, BORN, ISHST, TLBI, ISH),
                          "an ASID is used again while a stale translation may exist"),
    "another root": ((("change_root", SELF, FREE),),
                     "a process that is built or lives gets another root"),
    "TTBR0 not synchronized": ((UNLOAD,), "TTBR0_EL1 is not synchronized at the end"),
    "TTBR0 of a dead process": ((("load", BASE | DEAD << 48), ISB),
                                "TTBR0_EL1 becomes neither empty nor root and ASID of one live "
                                "process"),
    "TTBR0 with another's ASID": ((("load", BASE + (OTHER_ROOT << 12) | SELF << 48), ISB),
                                  "TTBR0_EL1 becomes neither empty nor root and ASID of one live "
                                  "process"),
    "TTBR0 while stale": ((INVALID, ("load", BASE + (ROOT_PAGE << 12) | SELF << 48), ISB, ISHST,
                           TLBI, ISH),
                          "TTBR0_EL1 gets an ASID of which a stale translation may exist"),
    "wait without DSB": ((("wait",),), WAITS),
    "wait behind a DSB of stores": ((ISHST, ("wait",)), WAITS),
    "wait behind a store": ((ISH, ("store", CTX, 0, 7), ("wait",)), WAITS),
    "ended at once": ((ACKNOWLEDGED, ENDED, SY, ISB), UNKNOWN),
    "ended behind another DSB": ((ACKNOWLEDGED, ISH, ENDED, SY, ISB), UNKNOWN),
    "acknowledged without DSB": ((ACKNOWLEDGED, ISH), "an acknowledgement has not taken effect at "
                                                      "the end"),
    "ended without ISB": ((ACKNOWLEDGED, SY, ENDED), "the end of an interrupt is not synchronized "
                                                     "at the end"),
    "TTBR0 before the table is seen": ((("store", L3, 5, 0), UNLOAD, ISB, ISHST),
                                       "TTBR0_EL1 is written before a store to a table is visible"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str) -> None:
    steps, what = WRONG[name]
    assert what in wrong(steps), wrong(steps)
    assert wrong(steps, False)


def test_birth_of_a_loaded_asid() -> None:
    """A pid may not begin while TTBR0_EL1 has its ASID, stale or not."""
    path = Order(C, START.set("sys.ttbr0_el1", (), UNUSED << 48))
    path.change_state(UNUSED, C.HV_PROC_EMBRYO)
    assert [x.what for x in path.demands if not x.must] == \
        ["an ASID is used again while TTBR0_EL1 has it"]


# ---- machine code -----------------------------------------------------------------------


def status(text: str, folder: Path) -> list[str]:
    """What T6 of a routine says that fails."""
    handled = Handled(KERNEL.hypercalls[0], explored(text), premises.Hypotheses((), ()), 0.0)
    row = order.prove(KERNEL, handled, folder)
    return [failure.what for failure in row.failures]


EMPTY_ROOT = KERNEL.layout.families["machine.empty_root"]
AT = EMPTY_ROOT.base + EMPTY_ROOT.offset
LOAD_EMPTY = "\n".join([f"movz x9, #{AT & 0xFFFF}", *(
    f"movk x9, #{AT >> n & 0xFFFF}, lsl #{n}" for n in (16, 32, 48)), "ldr x10, [x9]"])

CODE: dict[str, tuple[str, list[str]]] = {
    "nothing": ("ret", []),
    "empty root": (f"{LOAD_EMPTY}\nmsr ttbr0_el1, x10\nisb\nret", []),
    "no ISB": (f"{LOAD_EMPTY}\nmsr ttbr0_el1, x10\nret",
               ["TTBR0_EL1 is not synchronized at the end"]),
    "ERET instead": (f"{LOAD_EMPTY}\nmsr ttbr0_el1, x10\neret", []),
    "interrupt": ("mrs x0, s3_0_c12_c12_0\ndsb sy\nmsr s3_0_c12_c12_1, x0\nisb\n"
                  "msr s3_0_c12_c11_1, x0\nisb\nret", []),
    "interrupt at once": ("mrs x0, s3_0_c12_c12_0\nmsr s3_0_c12_c12_1, x0\nisb\ndsb sy\nret",
                          ["an interrupt is ended before its acknowledgement has taken effect"]),
    "deactivated late": ("mrs x0, s3_0_c12_c12_0\ndsb sy\nmsr s3_0_c12_c11_1, x0\nret",
                         ["the end of an interrupt is not synchronized at the end"]),
    "any root": ("msr ttbr0_el1, x0\nisb\nret",
                 ["TTBR0_EL1 becomes neither empty nor root and ASID of one live process"]),
}


@pytest.mark.parametrize("name", CODE)
def test_code(name: str, tmp_path: Path) -> None:
    text, expected = CODE[name]
    assert status(text, tmp_path) == expected


def test_rules() -> None:
    """Each operation that is modelled has a rule, or is known to need none; DC ZVA is met
    nowhere but in page_zero, and anywhere else would be an error."""
    for name, takes_register in system.OPERATIONS.values():
        event = Event(name, (0,) * takes_register, 0)
        if name == "dc zva":
            with pytest.raises(UnmodelledError):
                order.follow(Order(C, START), event)
        else:
            order.follow(Order(C, START), event)
