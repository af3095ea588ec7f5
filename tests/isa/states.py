# SPDX-License-Identifier: MIT
"""Random instructions of each encoding class, and random states to run them on.

Values at the edges of 32 and 64 bits are favoured. Memory accesses go to the
32 words that belong to the state, branches into the code around the slot.
"""
import random
import struct
from dataclasses import dataclass, replace

from reach import EL0_OPERATIONS, EL0_REGISTERS

from verif.isa.decode import Instruction
from verif.isa.encoding import Encoding, Fields
from verif.isa.system import BARRIERS, DOMAINS, OPERATIONS, REGISTERS

MASK = (1 << 64) - 1
MEMORY_BYTES = 256
REACH = 7500        # words of code on both sides of the slot
STATE = struct.Struct("<31QQQQQQ64Q256s")
EDGES = (0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0xFFFF, 0x7FFFFFFF, 0x80000000,
         0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63,
         (1 << 63) + 1, MASK - 1, MASK)
# What the core implements of FPCR (C5.2.8) and FPSR (C5.2.10).
WRITABLE = {"fpcr": 0x07C00000, "fpsr": 0x0800009F}
BRANCHES = {"branch_immediate": ("imm26", 26), "branch_condition": ("imm19", 19),
            "compare_branch": ("imm19", 19), "test_branch": ("imm14", 14)}
NOP = 0xD503201F
EXCLUSIVE, ORDERED = "register_exclusive", "register_ordered"
ACCESSES = ("register_", "pair_", "system_instruction")


@dataclass(frozen=True)
class State:
    """x0..x30, SP, NZCV (bits 31:28), the address where execution goes on, FPCR, FPSR, the
    halves of q0..q31 from the low one of q0, and 256 bytes of memory."""

    regs: tuple[int, ...]
    sp: int
    nzcv: int
    landed: int
    fpcr: int
    fpsr: int
    quads: tuple[int, ...]
    memory: bytes

    def pack(self) -> bytes:
        """As the runner takes it."""
        return STATE.pack(*self.regs, self.sp, self.nzcv, self.landed, self.fpcr, self.fpsr,
                          *self.quads, self.memory)


def unpack(data: bytes) -> State:
    """The inverse of State.pack."""
    words = STATE.unpack(data)
    return State(words[:31], *words[31:36], words[36:100], words[100])


@dataclass(frozen=True)
class Machine:
    """Addresses in the runner: of the instruction under test and of the memory."""

    slot: int
    memory: int


def values(rng: random.Random) -> tuple[int, ...]:
    """Words to draw from: half of them edges of some sort, half random."""
    near = tuple((edge + d) & MASK for edge in EDGES for d in (-3, -2, -1, 0, 0, 0, 1, 2))
    powers = tuple(1 << i for i in range(64))
    return (near + powers + tuple(rng.getrandbits(64) for _ in range(200))
            + tuple(rng.getrandbits(32) for _ in range(80)))


def _branch_offset(rng: random.Random, encoding: Encoding) -> int:
    name, width = BRANCHES[encoding.name]
    offset = rng.choice((1, 2, 3, -1, -2, rng.randrange(4, REACH), rng.randrange(-REACH, -3)))
    return offset & ((1 << width) - 1)


def _system_fields(rng: random.Random, encoding: Encoding, found: Fields) -> Fields:
    """Of the classes of system instructions only what EL0 may run is drawn."""
    if encoding.name == "barrier":
        found.update(CRm=rng.choice(tuple(DOMAINS)), op2=rng.choice(tuple(BARRIERS)))
    elif encoding.name == "hint":
        found.update(CRm=0, op2=rng.choice((0, 2, 5)))      # not WFI: it waits
    elif encoding.name == "system_instruction":
        op1, crn, crm, op2 = rng.choice([place for place, (name, _) in OPERATIONS.items()
                                         if name in EL0_OPERATIONS])
        found.update(op1=op1, CRn=crn, CRm=crm, op2=op2)
    elif encoding.name == "system_register":
        op0, op1, crn, crm, op2 = rng.choice([place for place, name in REGISTERS.items()
                                              if name in EL0_REGISTERS])
        found.update(o0=op0 - 2, op1=op1, CRn=crn, CRm=crm, op2=op2)
    return found


def fields(rng: random.Random, encoding: Encoding) -> Fields:
    """Random fields; some combinations are unallocated and are to be drawn again."""
    found = {f.name: rng.getrandbits(f.width) for f in encoding.fields}
    for name in ("Rd", "Rn", "Rm", "Ra", "Rt", "Rt2"):
        if name in found and rng.randrange(8) == 0:
            found[name] = 31
    for name, edges in (("imm6", (0, 1, 31, 32, 63)), ("imms", (0, 30, 31, 32, 62, 63)),
                        ("immr", (0, 1, 31, 32, 63)), ("imm12", (0, 1, 0xFFF))):
        if name in found and rng.randrange(3) == 0:
            found[name] = rng.choice(edges)
    if encoding.name in BRANCHES:
        found[BRANCHES[encoding.name][0]] = _branch_offset(rng, encoding)
    if encoding.name in (EXCLUSIVE, ORDERED):
        found["Rt2"] = 31
        if encoding.name == ORDERED or found["L"]:
            found["Rs"] = 31
    return _system_fields(rng, encoding, found)


def marking(instruction: Instruction) -> int | None:
    """The exclusive load to XZR from the address of an exclusive store; None for any other."""
    f = instruction.fields
    if instruction.encoding.name != EXCLUSIVE or f["L"]:
        return None
    return instruction.encoding.join({**f, "L": 1, "o0": 0, "Rs": 31, "Rt": 31})


def obstacle(encoding: Encoding, f: Fields) -> str:
    """Why no state can be prepared for this word, or the empty string: it is constrained
    unpredictable, never ends, or its base register cannot be an address."""
    if encoding.name == "register_offset" and (f["Rm"] == f["Rn"] or f["Rm"] == 31):
        return "base and index are not independent"
    if encoding.name == "branch_register" and f["Rn"] == 31:
        return "branch to XZR"
    if "pair" in encoding.name and f["L"] and f["Rt"] == f["Rt2"]:
        return "constrained unpredictable"
    if encoding.name == "system_instruction" and f["Rt"] == 31:
        return "address 0"
    if encoding.name in BRANCHES:
        name, width = BRANCHES[encoding.name]
        offset = _signed(f[name], width)
        if offset == 0:
            return "branch to itself"
        return "" if abs(offset) <= REACH else "branch out of the runner's code"
    return ""


def random_state(rng: random.Random, pool: tuple[int, ...]) -> State:
    """A state without regard to the instruction."""
    words = rng.choices(pool, k=31 + 1 + 64 + 2 + 16)
    # Bytes of any kind, then words of the pool.
    memory = rng.randbytes(MEMORY_BYTES // 2) + struct.pack("<16Q", *words[98:])
    return State(tuple(words[:31]), words[31] & ~15 & MASK, rng.randrange(16) << 28, 0,
                 words[96] & WRITABLE["fpcr"], words[97] & WRITABLE["fpsr"],
                 tuple(words[32:96]), memory)


def _signed(number: int, width: int) -> int:
    return number - (1 << width) if number >> (width - 1) else number


def _displacement(encoding: Encoding, f: Fields, regs: tuple[int, ...]) -> int:
    """What the instruction adds to its base register, from the manual's text."""
    if encoding.name == "register_unsigned":
        return f["imm12"] << f["size"]
    if encoding.name in ("register_unscaled", "register_pre"):
        return _signed(f["imm9"], 9)
    if encoding.name == "register_offset":
        amount = regs[f["Rm"]]
        if f["option"] & 1 == 0:
            amount &= 0xFFFFFFFF
            amount = _signed(amount, 32) if f["option"] & 4 else amount
        return amount << (f["size"] if f["S"] else 0)
    if encoding.name in ("pair_offset", "pair_pre"):
        return _signed(f["imm7"], 7) * (8 if f["opc"] == 2 else 4)
    return _signed(f["imm7"], 7) * 16 if encoding.name == "pair_simd" else 0


def _based(state: State, number: int, base: int) -> State:
    if number == 31:
        return replace(state, sp=base)
    regs = list(state.regs)
    regs[number] = base
    return replace(state, regs=tuple(regs))


def prepared(rng: random.Random, pool: tuple[int, ...], machine: Machine, encoding: Encoding,
             f: Fields) -> State:
    """A state in which the instruction touches only what is the state's."""
    state = random_state(rng, pool)
    if encoding.name == "branch_register":
        words = rng.choice((1, 2, rng.randrange(3, REACH), rng.randrange(-REACH, 0)))
        return _based(state, f["Rn"], machine.slot + 4 * words)
    if encoding.name == "system_register" and not f["L"] and f["Rt"] != 31:
        allowed = WRITABLE[REGISTERS[2 + f["o0"], f["op1"], f["CRn"], f["CRm"], f["op2"]]]
        return _based(state, f["Rt"], state.regs[f["Rt"]] & allowed)
    if not encoding.name.startswith(ACCESSES):
        return state
    if encoding.name == "system_instruction":       # DC ZVA takes a whole block of 64 bytes
        return _based(state, f["Rt"], machine.memory + rng.randrange(64, 192))
    target = machine.memory + 8 * rng.randrange(MEMORY_BYTES // 8 - 4)
    if encoding.name in (EXCLUSIVE, ORDERED):
        target += rng.randrange(8) & -(1 << f["size"])
    elif encoding.name.startswith("register_"):
        target += rng.randrange(8)
    return _based(state, f["Rn"], (target - _displacement(encoding, f, state.regs)) & MASK)
