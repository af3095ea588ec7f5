# SPDX-License-Identifier: MIT
"""What the system registers hold when the first process is entered (theorem T4).

Restated from the manual (DDI 0487J.a; the chapter that holds the register is beside it);
nothing here comes from the C code. A value is a word of 64 bits, of which `mask` says what
bits are required. `fields(3, 31)` has bits 3 and 31 set. What depends on the core is a
function of its ID registers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable

from .descriptor import SPSR_START
from .devices import Board
from .words import MASK

Encoding = tuple[int, int, int, int, int]       # op0, op1, CRn, CRm, op2 (C5.3.1)

GENERAL, DEBUG, MONITORS, TIMER = "D19.2", "D19.3", "D19.5", "D19.12"
STATE, GIC = "C5.2", "IHI 0069H 12"
DAIF_ALL = 0b1111 << 6


@dataclass(frozen=True)
class Facts:
    """What values depend on. `ids`: the registers of IDENTITY; `board`: the machine; `context`:
    words that the process's context page has for registers; the rest are addresses: EL2 virtual
    ones of the vectors, the core's structure, the top of its stack and pages[], physical ones of
    the two level-0 tables, the process's entry point. `alarm`: counter value of the next tick;
    `affinities`: MPIDR_EL1 of each core, in order."""

    ids: Mapping[str, int]
    board: Board
    context: Mapping[str, int]
    vectors: int
    cpu: int
    stack: int
    pages: int
    el2_root: int
    process_root: int
    entry: int
    alarm: int
    affinities: tuple[int, ...]

    @property
    def cores(self) -> int:
        """How many there are."""
        return len(self.affinities)

    @property
    def gic(self) -> int:
        """Version of the interrupt controller: 2 or 3."""
        return self.board.gic

    def id(self, register: str, low: int) -> int:
        """The field of four bits from bit `low` on of an ID register."""
        return self.ids[register] >> low & 15


Value = Callable[[Facts], int]
Test = Callable[[Facts], bool]


def always(_: Facts) -> bool:
    """Every core has it."""
    return True


@dataclass(frozen=True)
class Required:
    """(Register & mask) == value & mask. `encoding` is None for what MRS does not read."""

    name: str
    section: str
    encoding: Encoding | None
    value: Value
    mask: int = MASK
    exists: Test = always

    def holds(self, facts: Facts, actual: int) -> bool:
        """Is this the required value?"""
        return (actual ^ self.value(facts)) & self.mask == 0


def fields(*bits: int) -> int:
    """A word with these bits set."""
    return sum(1 << bit for bit in set(bits))


def exactly(value: int) -> Value:
    """The same on each core."""
    return lambda facts: value


# ---- what the core has (D19.2: ID_AA64*_EL1) ---------------------------------------------

IDENTITY: dict[str, Encoding] = {
    "MIDR_EL1": (3, 0, 0, 0, 0), "MPIDR_EL1": (3, 0, 0, 0, 5),
    "ID_AA64PFR0_EL1": (3, 0, 0, 4, 0), "ID_AA64PFR1_EL1": (3, 0, 0, 4, 1),
    "ID_AA64DFR0_EL1": (3, 0, 0, 5, 0),
    "ID_AA64MMFR0_EL1": (3, 0, 0, 7, 0), "ID_AA64MMFR1_EL1": (3, 0, 0, 7, 1),
    "CNTFRQ_EL0": (3, 3, 14, 0, 0), "CNTPCT_EL0": (3, 3, 14, 0, 1),
}


def has_ras(f: Facts) -> bool:
    """FEAT_RAS: PFR0.RAS."""
    return f.id("ID_AA64PFR0_EL1", 28) != 0


def has_sme(f: Facts) -> bool:
    """FEAT_SME: PFR1.SME."""
    return f.id("ID_AA64PFR1_EL1", 24) != 0


def has_gic_registers(f: Facts) -> bool:
    """The CPU interface of GICv3 is system registers: PFR0.GIC."""
    return f.id("ID_AA64PFR0_EL1", 24) != 0


def has_monitors(f: Facts) -> bool:
    """FEAT_PMUv3: DFR0.PMUVer is neither 0 nor implementation-defined."""
    return f.id("ID_AA64DFR0_EL1", 8) not in (0, 15)


def has_fine_traps(f: Facts) -> bool:
    """FEAT_FGT: MMFR0.FGT."""
    return f.id("ID_AA64MMFR0_EL1", 56) != 0


def is_gicv3(f: Facts) -> bool:
    """System registers, and a distributor that goes with them."""
    return f.gic == 3


def has_v2_of_two(f: Facts) -> bool:
    """The core could do GICv3, the machine has a GICv2."""
    return f.gic == 2 and has_gic_registers(f)


def _physical_size(f: Facts) -> int:
    """TCR.PS, IPS: as many bits as the core has (MMFR0.PARange), at most 48, which is 5."""
    return min(f.id("ID_AA64MMFR0_EL1", 0), 5)


# ---- EL2: what traps and what runs the kernel ---------------------------------------------


def hcr(f: Facts) -> int:
    """RW; FMO, IMO, AMO: interrupts are the kernel's; TVM: no control of translation; TSC: no
    firmware; TACR, TIDCP, TSW, TPCP, TTLB, TID2, TWI. All else off: no stage 2 (VM, DC), no
    VHE (E2H, TGE), no keys, no tags. TLOR with FEAT_LOR; TERR, TEA with FEAT_RAS."""
    value = fields(31, 3, 4, 5, 26, 19, 21, 20, 22, 23, 25, 17, 13)
    value |= fields(35) if f.id("ID_AA64MMFR1_EL1", 16) else 0
    return value | (fields(36, 37) if has_ras(f) else 0)


def mdcr(f: Facts) -> int:
    """TDA, TDOSA, TDRA: debug is trapped. TPM, TPMCR and all counters in HPMN, if there are
    monitors; TPMS (profiling), TTRF (trace filter), TDCC (the channel) as far as there are."""
    value = fields(9, 10, 11)
    if has_monitors(f):
        value |= fields(5, 6) | f.ids["PMCR_EL0"] >> 11 & 31
    value |= fields(14) if f.id("ID_AA64DFR0_EL1", 32) else 0
    value |= fields(19) if f.id("ID_AA64DFR0_EL1", 40) else 0
    return value | (fields(27) if has_fine_traps(f) else 0)


def cptr(f: Facts) -> int:
    """RES1, among it TZ (SVE) and TSM (SME); TFP, TTA, TCPAC; TAM with activity monitors."""
    value = 0x33FF | fields(10, 20, 31)
    return value | (fields(30) if f.id("ID_AA64PFR0_EL1", 44) else 0)


def tcr_el2(f: Facts) -> int:
    """48 bits of address, walks write-back and inner shareable, 4 KiB; RES1 (23, 31)."""
    return 64 - 48 | 1 << 8 | 1 << 10 | 3 << 12 | _physical_size(f) << 16 | fields(23, 31)


# M, C, SA, I, WXN; RES1
SCTLR_EL2 = fields(0, 2, 3, 12, 19) | fields(4, 5, 11, 16, 18, 22, 23, 28, 29)
# byte 0: normal, write-back; 1: device nGnRE; 2: normal, not cacheable
MAIR = 0x44_04_FF

KERNELS = (
    Required("HCR_EL2", GENERAL, (3, 4, 1, 1, 0), hcr),
    Required("MDCR_EL2", DEBUG, (3, 4, 1, 1, 1), mdcr),
    Required("CPTR_EL2", GENERAL, (3, 4, 1, 1, 2), cptr),
    Required("HSTR_EL2", GENERAL, (3, 4, 1, 1, 3), exactly(0xFFFF)),
    Required("ACTLR_EL2", GENERAL, (3, 4, 1, 0, 1), exactly(0)),
    Required("SCTLR_EL2", GENERAL, (3, 4, 1, 0, 0), exactly(SCTLR_EL2)),
    Required("TCR_EL2", GENERAL, (3, 4, 2, 0, 2), tcr_el2),
    Required("MAIR_EL2", GENERAL, (3, 4, 10, 2, 0), exactly(MAIR)),
    Required("TTBR0_EL2", GENERAL, (3, 4, 2, 0, 0), lambda f: f.el2_root),
    Required("VBAR_EL2", GENERAL, (3, 4, 12, 0, 0), lambda f: f.vectors),
    Required("TPIDR_EL2", GENERAL, (3, 4, 13, 0, 2), lambda f: f.cpu),
    Required("VTTBR_EL2", GENERAL, (3, 4, 2, 1, 0), exactly(0)),
    Required("VTCR_EL2", GENERAL, (3, 4, 2, 1, 2), exactly(fields(31))),
    Required("VPIDR_EL2", GENERAL, (3, 4, 0, 0, 0), lambda f: f.ids["MIDR_EL1"]),
    Required("VMPIDR_EL2", GENERAL, (3, 4, 0, 0, 5), lambda f: f.ids["MPIDR_EL1"]),
    Required("SP_EL2", STATE, None, lambda f: f.stack),
    Required("CurrentEL", STATE, (3, 0, 4, 2, 2), exactly(2 << 2), 3 << 2),
    Required("SPSel", STATE, (3, 0, 4, 2, 0), exactly(1), 1),
    Required("DAIF", STATE, (3, 3, 4, 2, 1), exactly(DAIF_ALL), DAIF_ALL),
)

# Extensions: nothing new is let through (FEAT_HCX), the coarse traps decide (FEAT_FGT), one
# time for all (FEAT_ECV), no error is pending (FEAT_RAS).
EXTENSIONS = (
    Required("HCRX_EL2", GENERAL, (3, 4, 1, 2, 2), exactly(0),
             exists=lambda f: f.id("ID_AA64MMFR1_EL1", 40) != 0),
    Required("HFGRTR_EL2", GENERAL, (3, 4, 1, 1, 4), exactly(0), exists=has_fine_traps),
    Required("HFGWTR_EL2", GENERAL, (3, 4, 1, 1, 5), exactly(0), exists=has_fine_traps),
    Required("HFGITR_EL2", GENERAL, (3, 4, 1, 1, 6), exactly(0), exists=has_fine_traps),
    Required("HDFGRTR_EL2", GENERAL, (3, 4, 3, 1, 4), exactly(0), exists=has_fine_traps),
    Required("HDFGWTR_EL2", GENERAL, (3, 4, 3, 1, 5), exactly(0), exists=has_fine_traps),
    Required("CNTPOFF_EL2", TIMER, (3, 4, 14, 0, 6), exactly(0),
             exists=lambda f: f.id("ID_AA64MMFR0_EL1", 60) > 1),
    Required("VSESR_EL2", GENERAL, (3, 4, 5, 2, 3), exactly(0), exists=has_ras),
)

# The tick: armed, not masked (ENABLE 1, IMASK 0). EL1 may read the counter and not its timer.
TIMERS = (
    Required("CNTHP_CTL_EL2", TIMER, (3, 4, 14, 2, 1), exactly(1), 3),
    Required("CNTHP_CVAL_EL2", TIMER, (3, 4, 14, 2, 2), lambda f: f.alarm),
    Required("CNTHCTL_EL2", TIMER, (3, 4, 14, 1, 0), exactly(1)),
    Required("CNTVOFF_EL2", TIMER, (3, 4, 14, 0, 3), exactly(0)),
    Required("CNTP_CTL_EL0", TIMER, (3, 3, 14, 2, 1), exactly(0)),
)

# GICv3: acknowledged by system registers; the group that all interrupts are in is let through,
# with no preemption, and ended in two steps (EOImode); nothing of it is EL1's (TC, TALL0, TALL1; no
# virtual interrupt).
INTERRUPTS = (
    # SRE, DFB, DIB. Enable (bit 3) may be RAO/WI, where SRE of EL1 is as well.
    Required("ICC_SRE_EL2", GIC, (3, 4, 12, 9, 5), exactly(0b111), 7, is_gicv3),
    Required("ICC_SRE_EL2 (GICv2)", GIC, (3, 4, 12, 9, 5), exactly(0), 15, has_v2_of_two),
    Required("ICH_HCR_EL2", GIC, (3, 4, 12, 11, 0), exactly(fields(10, 11, 12)), exists=is_gicv3),
    Required("ICH_VMCR_EL2", GIC, (3, 4, 12, 11, 7), exactly(0), 3, is_gicv3),
    Required("ICC_PMR_EL1", GIC, (3, 0, 4, 6, 0), exactly(0xF0), 0xFF, is_gicv3),
    Required("ICC_BPR1_EL1", GIC, (3, 0, 12, 12, 3), exactly(7), 7, is_gicv3),
    Required("ICC_CTLR_EL1", GIC, (3, 0, 12, 12, 4), exactly(0b10), 3, is_gicv3),
    Required("ICC_IGRPEN1_EL1", GIC, (3, 0, 12, 12, 7), exactly(1), 1, is_gicv3),
)

# ---- EL1: what the process runs with and cannot change ------------------------------------

# M, C, I, SA, SA0, DZE; RES1. Off: A, UMA, UCT, UCI, nTWI, nTWE, WXN, EE, E0E.
SCTLR_EL1 = fields(0, 2, 12, 3, 4, 14) | fields(11, 20, 22, 23, 28, 29)
ASID = 1                    # of the first process: its pid (ASID: TTBR0_EL1 63:48)


def tcr_el1(f: Facts) -> int:
    """The lower range as at EL2; EPD1: no walks of the upper one (T1SZ, TG1 are valid all the
    same); ASIDs of 16 bits (AS), of TTBR0 (A1 is 0); no tagged addresses, no hardware AF."""
    lower = 64 - 48 | 1 << 8 | 1 << 10 | 3 << 12
    return lower | 64 - 48 << 16 | fields(23) | 2 << 30 | _physical_size(f) << 32 | fields(36)


PROCESS = (
    Required("SCTLR_EL1", GENERAL, (3, 0, 1, 0, 0), exactly(SCTLR_EL1)),
    Required("TCR_EL1", GENERAL, (3, 0, 2, 0, 2), tcr_el1),
    Required("MAIR_EL1", GENERAL, (3, 0, 10, 2, 0), exactly(MAIR)),
    Required("AMAIR_EL1", GENERAL, (3, 0, 10, 3, 0), exactly(0)),
    Required("TTBR0_EL1", GENERAL, (3, 0, 2, 0, 0), lambda f: f.process_root | ASID << 48),
    Required("TTBR1_EL1", GENERAL, (3, 0, 2, 0, 1), exactly(0)),
    Required("CONTEXTIDR_EL1", GENERAL, (3, 0, 13, 0, 1), exactly(0)),
    Required("CPACR_EL1", GENERAL, (3, 0, 1, 0, 2), exactly(3 << 20)),
    Required("CSSELR_EL1", GENERAL, (3, 2, 0, 0, 0), exactly(0)),
    Required("AFSR0_EL1", GENERAL, (3, 0, 5, 1, 0), exactly(0)),
    Required("AFSR1_EL1", GENERAL, (3, 0, 5, 1, 1), exactly(0)),
    # SS, TDCC, KDE, MDE: no step, no debug events
    Required("MDSCR_EL1", DEBUG, (2, 0, 0, 2, 2), exactly(0), fields(0, 12, 13, 15)),
    Required("PMUSERENR_EL0", MONITORS, (3, 3, 9, 14, 0), exactly(0), exists=has_monitors),
    Required("PMCR_EL0", MONITORS, (3, 3, 9, 12, 0), exactly(0), 1, has_monitors),
    Required("PMINTENSET_EL1", MONITORS, (3, 0, 9, 14, 1), exactly(0), exists=has_monitors),
    Required("SPSR_EL2", STATE, (3, 4, 4, 0, 0), exactly(SPSR_START)),
    Required("ELR_EL2", STATE, (3, 4, 4, 0, 1), lambda f: f.entry),
)


def _saved(name: str, section: str, encoding: Encoding | None,
           exists: Test = always) -> Required:
    return Required(name, section, encoding, lambda f: f.context[name.lower()], exists=exists)


# What a switch loads is what the context page has; so nothing of the firmware's is left.
SWITCHED = (
    _saved("SP_EL0", STATE, (3, 0, 4, 1, 0)), _saved("SP_EL1", STATE, (3, 4, 4, 1, 0)),
    _saved("ELR_EL1", STATE, (3, 0, 4, 0, 1)), _saved("SPSR_EL1", STATE, (3, 0, 4, 0, 0)),
    _saved("ESR_EL1", GENERAL, (3, 0, 5, 2, 0)), _saved("FAR_EL1", GENERAL, (3, 0, 6, 0, 0)),
    _saved("VBAR_EL1", GENERAL, (3, 0, 12, 0, 0)), _saved("PAR_EL1", GENERAL, (3, 0, 7, 4, 0)),
    _saved("TPIDR_EL0", GENERAL, (3, 3, 13, 0, 2)),
    _saved("TPIDR_EL1", GENERAL, (3, 0, 13, 0, 4)),
    _saved("TPIDRRO_EL0", GENERAL, (3, 3, 13, 0, 3)),
    _saved("CNTKCTL_EL1", TIMER, (3, 0, 14, 1, 0)),
    _saved("CNTV_CTL_EL0", TIMER, (3, 3, 14, 3, 1)),
    _saved("CNTV_CVAL_EL0", TIMER, (3, 3, 14, 3, 2)),
    _saved("VDISR_EL2", GENERAL, (3, 4, 12, 1, 1), has_ras),
    _saved("TPIDR2_EL0", GENERAL, (3, 3, 13, 0, 5), has_sme),
    *(_saved(f"X{n}", "B1.2", None) for n in range(31)),
)

REQUIRED = (*KERNELS, *EXTENSIONS, *TIMERS, *INTERRUPTS, *PROCESS, *SWITCHED)
# Of a core that has started and runs nobody: nothing that a process brings or its load sets.
LOADED = ("TTBR0_EL1", "AFSR0_EL1", "AFSR1_EL1", "SPSR_EL2", "ELR_EL2")
OF_OTHERS = (*KERNELS, *EXTENSIONS, *TIMERS, *INTERRUPTS,
             *(r for r in PROCESS if r.name not in LOADED),
             Required("TTBR0_EL1", GENERAL, (3, 0, 2, 0, 0), lambda f: f.process_root))


def tick_is_near(f: Facts, compare: int, hertz: int) -> bool:
    """CNTHP_CVAL_EL2 is at most one period of the tick ahead of the counter (D11.2.4)."""
    ahead = compare - f.ids["CNTPCT_EL0"]
    return ahead <= f.ids["CNTFRQ_EL0"] // hertz
