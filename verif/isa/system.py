# SPDX-License-Identifier: MIT
"""Hints, barriers, system instructions and registers (DDI 0487J.a, C4.1.92.4 to .11, C5)."""
from ..errors import UnmodelledError
from .cpu import Cpu
from .encoding import Encoding, Fields, encoding, unallocated

# (op0, op1, CRn, CRm, op2), C5.2 and D19.2; the GIC's from IHI 0069H, 12.2 and 12.4.
REGISTERS = {
    (3, 4, 13, 0, 2): "tpidr_el2", (3, 0, 2, 0, 0): "ttbr0_el1",
    (3, 4, 5, 2, 0): "esr_el2", (3, 4, 6, 0, 0): "far_el2",
    (3, 4, 4, 0, 1): "elr_el2", (3, 4, 4, 0, 0): "spsr_el2",
    (3, 0, 4, 1, 0): "sp_el0", (3, 4, 4, 1, 0): "sp_el1",
    (3, 0, 4, 0, 1): "elr_el1", (3, 0, 4, 0, 0): "spsr_el1",
    (3, 0, 5, 2, 0): "esr_el1", (3, 0, 6, 0, 0): "far_el1",
    (3, 0, 12, 0, 0): "vbar_el1", (3, 0, 7, 4, 0): "par_el1",
    (3, 3, 13, 0, 2): "tpidr_el0", (3, 0, 13, 0, 4): "tpidr_el1",
    (3, 3, 13, 0, 3): "tpidrro_el0", (3, 0, 14, 1, 0): "cntkctl_el1",
    (3, 3, 14, 3, 1): "cntv_ctl_el0", (3, 3, 14, 3, 2): "cntv_cval_el0",
    (3, 4, 12, 1, 1): "vdisr_el2", (3, 3, 13, 0, 5): "tpidr2_el0",
    (3, 3, 4, 4, 0): "fpcr", (3, 3, 4, 4, 1): "fpsr",
    (3, 4, 1, 1, 2): "cptr_el2", (3, 0, 5, 1, 0): "afsr0_el1", (3, 0, 5, 1, 1): "afsr1_el1",
    (3, 4, 14, 2, 2): "cnthp_cval_el2", (3, 3, 14, 0, 1): "cntpct_el0",
    (3, 3, 14, 0, 2): "cntvct_el0", (3, 3, 0, 0, 1): "ctr_el0", (3, 1, 0, 0, 1): "clidr_el1",
    (3, 0, 12, 12, 0): "icc_iar1_el1", (3, 0, 12, 12, 1): "icc_eoir1_el1",
    (3, 0, 12, 11, 1): "icc_dir_el1", (3, 0, 12, 11, 5): "icc_sgi1r_el1",
    (3, 4, 12, 11, 0): "ich_hcr_el2",
    (3, 4, 12, 11, 5): "ich_elrsr_el2", (3, 4, 12, 11, 7): "ich_vmcr_el2",
    (3, 4, 12, 9, 0): "ich_ap1r0_el2", (3, 4, 12, 12, 0): "ich_lr0_el2",
    (3, 4, 12, 12, 1): "ich_lr1_el2", (3, 4, 12, 12, 2): "ich_lr2_el2",
    (3, 4, 12, 12, 3): "ich_lr3_el2",
}

# (op1, CRn, CRm, op2) of SYS: DC, IC, TLBI, AT (C5.3 to C5.5); True: takes a register.
OPERATIONS = {
    (3, 7, 4, 1): ("dc zva", True), (3, 7, 11, 1): ("dc cvau", True),
    (3, 7, 14, 1): ("dc civac", True), (0, 7, 1, 0): ("ic ialluis", False),
    (0, 8, 3, 2): ("tlbi aside1is", True), (0, 8, 7, 2): ("tlbi aside1", True),
    (4, 8, 7, 0): ("tlbi alle2", False), (4, 8, 3, 0): ("tlbi alle2is", False),
    (4, 8, 7, 4): ("tlbi alle1", False), (0, 7, 8, 0): ("at s1e1r", True),
}

HINTS = {2: "wfe", 3: "wfi", 5: "sevl"}
BARRIERS = {4: "dsb", 5: "dmb", 6: "isb"}
DOMAINS = {15: "sy", 14: "st", 13: "ld", 11: "ish", 10: "ishst", 9: "ishld"}


@encoding("C4.1.92.6 Hints", "11010101000000110010 CRm:4 op2:3 11111")
def hint(cpu: Cpu, f: Fields) -> None:
    """NOP, WFE, WFI, SEVL; every other hint is not modelled."""
    number = f["CRm"] << 3 | f["op2"]
    if number in HINTS:
        cpu.event(HINTS[number])
    elif number != 0:
        raise UnmodelledError(f"hint #{number} at {cpu.pc:#x}")


@encoding("C4.1.92.7 Barriers", "11010101000000110011 CRm:4 op2:3 11111")
def barrier(cpu: Cpu, f: Fields) -> None:
    """DSB, DMB, ISB."""
    kind = BARRIERS.get(f["op2"])
    if kind is None:
        raise UnmodelledError(f"barrier {f['op2']} at {cpu.pc:#x}")
    if kind == "isb":
        cpu.event("isb")
        return
    domain = DOMAINS.get(f["CRm"])
    if domain is None:
        raise UnmodelledError(f"{kind} #{f['CRm']} at {cpu.pc:#x}")
    cpu.event(f"{kind} {domain}")


@encoding("C4.1.92.10 System instructions", "1101010100 0 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5")
def system_instruction(cpu: Cpu, f: Fields) -> None:
    """SYS: DC, IC, TLBI, AT by their encoding."""
    found = OPERATIONS.get((f["op1"], f["CRn"], f["CRm"], f["op2"]))
    if found is None:
        raise UnmodelledError(
            f"sys #{f['op1']}, c{f['CRn']}, c{f['CRm']}, #{f['op2']} at {cpu.pc:#x}")
    name, takes_register = found
    if not takes_register and f["Rt"] != 31:
        raise unallocated(f"{name} with a register")
    cpu.event(name, cpu.get(f["Rt"]) if takes_register else None)


@encoding("C4.1.92.11 System register move", "1101010100 L:1 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5")
def system_register(cpu: Cpu, f: Fields) -> None:
    """MRS, MSR (register)."""
    place = (2 + f["o0"], f["op1"], f["CRn"], f["CRm"], f["op2"])
    name = REGISTERS.get(place)
    if name is None:
        raise UnmodelledError("system register S%d_%d_C%d_C%d_%d at %#x" % (*place, cpu.pc))
    if f["L"]:
        cpu.put(f["Rt"], cpu.get_system(name))
    else:
        cpu.put_system(name, cpu.get(f["Rt"]))


ENCODINGS: tuple[Encoding, ...] = (hint, barrier, system_instruction, system_register)
