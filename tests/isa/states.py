# SPDX-License-Identifier: MIT
"""Random instructions of each encoding class, and random states to run them on.

Values at the edges of 32 and 64 bits are favoured. Memory accesses go to the
32 words that belong to the state, branches into the page around the code slot.
"""
import random
import struct
from dataclasses import dataclass, replace

from verif.isa.decode import GROUPS
from verif.isa.encoding import Encoding, Fields

MASK = (1 << 64) - 1
MEMORY_WORDS = 32
STATE = struct.Struct("<31QQQQ8Q32Q")
EDGES = (0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0xFFFF, 0x7FFFFFFF, 0x80000000,
         0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63,
         (1 << 63) + 1, MASK - 1, MASK)

# Classes that EL0 cannot run, or that end the program.
PRIVILEGED = frozenset({"system_instruction", "system_register", "exception_generation",
                        "exception_return", "undefined", "hint"})
BRANCHES = {"branch_immediate": ("imm26", 26), "branch_condition": ("imm19", 19),
            "compare_branch": ("imm19", 19), "test_branch": ("imm14", 14)}


@dataclass(frozen=True)
class State:
    """x0..x30, SP, NZCV (bits 31:28), where execution landed, q0..q3 and memory, as words."""

    regs: tuple[int, ...]
    sp: int
    nzcv: int
    landed: int
    quads: tuple[int, ...]
    memory: tuple[int, ...]

    def pack(self) -> bytes:
        """As the runner takes it."""
        return STATE.pack(*self.regs, self.sp, self.nzcv, self.landed, *self.quads, *self.memory)


def unpack(data: bytes) -> State:
    """The inverse of State.pack."""
    words = STATE.unpack(data)
    return State(words[:31], words[31], words[32], words[33], words[34:42], words[42:])


@dataclass(frozen=True)
class Machine:
    """Addresses in the runner."""

    slot: int
    memory: int


def classes() -> tuple[Encoding, ...]:
    """Every encoding class that can be run at EL0."""
    return tuple(e for group in GROUPS for e in group if e.name not in PRIVILEGED)


def value(rng: random.Random) -> int:
    """A word, likely at an edge."""
    kind = rng.randrange(6)
    if kind < 2:
        return rng.choice(EDGES)
    if kind == 2:
        return (rng.choice(EDGES) + rng.randrange(-3, 4)) & MASK
    if kind == 3:
        return 1 << rng.randrange(64)
    if kind == 4:
        return rng.getrandbits(32)
    return rng.getrandbits(64)


def fields(rng: random.Random, encoding: Encoding) -> Fields:
    """Random fields; some combinations are unallocated and are to be drawn again."""
    found = {f.name: rng.getrandbits(f.width) for f in encoding.fields}
    for name in ("Rd", "Rn", "Rm", "Ra", "Rt", "Rt2"):
        if name in found and rng.randrange(8) == 0:
            found[name] = 31
    if encoding.name in BRANCHES:
        name, width = BRANCHES[encoding.name]
        offset = rng.choice([o for o in (1, 2, 3, -1, -2, rng.randrange(4, 500),
                                         rng.randrange(-500, -3))])
        found[name] = offset & ((1 << width) - 1)
    if encoding.name == "pair_simd":
        found["Rt"], found["Rt2"] = rng.randrange(4), rng.randrange(4)
    if encoding.name == "barrier":
        found["CRm"], found["op2"] = rng.choice((15, 11, 10)), rng.choice((4, 5, 6))
    return found


def is_sensible(encoding: Encoding, f: Fields) -> bool:
    """Not constrained unpredictable, and with registers that can hold addresses."""
    if encoding.name.startswith("register_") and "Rm" in f and (f["Rm"] == f["Rn"] or f["Rm"] == 31):
        return False
    if encoding.name == "branch_register":
        return f["Rn"] != 31
    if "pair" in encoding.name and f["L"] and f["Rt"] == f["Rt2"]:
        return False
    return True


def random_state(rng: random.Random) -> State:
    """A state without regard to the instruction."""
    return State(tuple(value(rng) for _ in range(31)), value(rng) & ~15 & MASK,
                 rng.randrange(16) << 28, 0, tuple(value(rng) for _ in range(8)),
                 tuple(value(rng) for _ in range(MEMORY_WORDS)))


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


def prepared(rng: random.Random, machine: Machine, encoding: Encoding, f: Fields) -> State:
    """A state in which the instruction touches only what is the state's."""
    state = random_state(rng)
    if encoding.name == "branch_register":
        regs = list(state.regs)
        regs[f["Rn"]] = machine.slot + 4 * rng.choice((1, 2, rng.randrange(-500, 0)))
        return replace(state, regs=tuple(regs))
    if not encoding.name.startswith(("register_", "pair_")):
        return state
    target = machine.memory + 8 * rng.randrange(MEMORY_WORDS - 4)
    base = (target - _displacement(encoding, f, state.regs)) & MASK
    if f["Rn"] == 31:
        return replace(state, sp=base)
    regs = list(state.regs)
    regs[f["Rn"]] = base
    return replace(state, regs=tuple(regs))
