# SPDX-License-Identifier: MIT
"""The verifier's semantics, run on one state: once on numbers, once on terms.

On terms the registers and all that is loaded are free; each state is then
substituted into what came out, so what the proofs use is what is compared.
"""
from dataclasses import dataclass, field

import z3
from states import MASK, MEMORY_BYTES, Machine, State

from verif.flags import Bool, Flags, PlainFlags, as_term, fold, holds, immediate, known
from verif.isa.decode import Instruction
from verif.lin import Lin, bv, const, extend, lift, low32, select, symbol

FAILS = symbol("fails")
ZVA_BYTES = 64      # the block of DC ZVA on the core that the runner has
REGS = tuple(symbol(f"x{i}") for i in range(32))
QUADS = tuple(symbol(f"q{i}") for i in range(64))
FLAGS = PlainFlags(*(z3.Bool(f"flag.{n}") for n in "nzcv"))
FP = {name: symbol(name) for name in ("fpcr", "fpsr")}


class Disagreement(Exception):
    """The model contradicts itself."""


def _number(value: Lin) -> int:
    if not value.is_const:
        raise Disagreement("numbers became terms")
    return value.const


@dataclass
class TestCpu:
    """isa.cpu.Cpu over given registers: SP is number 31. Subclasses know memory."""

    __test__ = False
    pc: int
    regs: list[Lin]
    flags: Flags
    quads: list[Lin]
    system: dict[str, Lin]
    fails: Lin              # the status of an exclusive store: 0 or 1
    landed: list[tuple[Bool, Lin]] = field(default_factory=list)

    def get(self, number: int, width: int = 64) -> Lin:
        """See Cpu."""
        value = const(0) if number == 31 else self.regs[number]
        return value if width == 64 else low32(value)

    def put(self, number: int, value: Lin, width: int = 64) -> None:
        """See Cpu."""
        if number != 31:
            self.regs[number] = value if width == 64 else low32(value)

    def get_sp(self, number: int, width: int = 64) -> Lin:
        """See Cpu."""
        return self.regs[number] if width == 64 else low32(self.regs[number])

    def put_sp(self, number: int, value: Lin, width: int = 64) -> None:
        """See Cpu."""
        self.regs[number] = value if width == 64 else low32(value)

    def get_q(self, number: int) -> tuple[Lin, Lin]:
        """See Cpu."""
        return self.quads[2 * number], self.quads[2 * number + 1]

    def put_q(self, number: int, low: Lin, high: Lin) -> None:
        """See Cpu."""
        self.quads[2 * number:2 * number + 2] = [low, high]

    def get_system(self, name: str) -> Lin:
        """See Cpu."""
        return self.system[name]

    def put_system(self, name: str, value: Lin) -> None:
        """See Cpu."""
        self.system[name] = value

    def load(self, address: Lin, size: int) -> Lin:
        """See Cpu."""
        raise NotImplementedError

    def store(self, address: Lin, value: Lin, size: int) -> None:
        """See Cpu."""
        raise NotImplementedError

    def load_exclusive(self, address: Lin, size: int) -> Lin:
        """See Cpu."""
        return self.load(address, size)

    def store_exclusive(self, address: Lin, value: Lin, size: int) -> Lin:
        """See Cpu. A store that fails writes what is there."""
        kept = self.load(address, size)
        self.store(address, select(fold(self.fails.z == 0), value, kept), size)
        return self.fails

    def branch(self, target: int) -> None:
        """See Cpu."""
        self.landed.append((True, const(target)))

    def branch_if(self, condition: Bool, target: int) -> None:
        """See Cpu."""
        self.landed.append((condition, const(target)))

    def branch_register(self, target: Lin) -> None:
        """See Cpu."""
        self.landed.append((True, target))

    def call(self, target: Lin) -> None:
        """See Cpu."""
        self.regs[30] = const(self.pc + 4)
        self.landed.append((True, target))

    def event(self, kind: str, operand: Lin | None = None) -> None:
        """See Cpu. Barriers and cleaning change nothing here."""
        if kind == "dc zva":
            assert operand is not None
            block = const(operand.const & -ZVA_BYTES) if operand.is_const else lift(
                operand.z & bv(-ZVA_BYTES))
            for at in range(0, ZVA_BYTES, 8):
                self.store(block.plus(at), const(0), 8)


@dataclass
class NumberCpu(TestCpu):
    """Memory is bytes at `base`."""

    base: int = 0
    memory: bytearray = field(default_factory=bytearray)

    def _at(self, address: Lin, size: int) -> slice:
        at = (_number(address) - self.base) & MASK
        if at + size > MEMORY_BYTES:
            raise Disagreement(f"access at {address.const:#x}, outside the memory")
        return slice(at, at + size)

    def load(self, address: Lin, size: int) -> Lin:
        """See Cpu."""
        return const(int.from_bytes(self.memory[self._at(address, size)], "little"))

    def store(self, address: Lin, value: Lin, size: int) -> None:
        """See Cpu."""
        data = _number(value) & ((1 << 8 * size) - 1)
        self.memory[self._at(address, size)] = data.to_bytes(size, "little")


@dataclass
class TermCpu(TestCpu):
    """What is loaded is free; addresses and what is stored are kept, with sizes in bytes."""

    loads: list[tuple[Lin, int]] = field(default_factory=list)
    stores: list[tuple[Lin, Lin, int]] = field(default_factory=list)

    def load(self, address: Lin, size: int) -> Lin:
        """See Cpu: zero-extended, as the memory of the proofs gives it."""
        self.loads.append((address, size))
        loaded = symbol(f"loaded{len(self.loads) - 1}")
        return loaded if size == 8 else extend(z3.Extract(8 * size - 1, 0, loaded.z))

    def store(self, address: Lin, value: Lin, size: int) -> None:
        """See Cpu."""
        self.stores.append((address, value, size))


def on_numbers(machine: Machine, instruction: Instruction, state: State, fails: bool) -> State:
    """The state afterwards, by running the semantics on numbers. `fails`: an exclusive store."""
    cpu = NumberCpu(machine.slot, [Lin(v) for v in (*state.regs, state.sp)],
                    immediate(state.nzcv >> 28), [Lin(v) for v in state.quads],
                    {"fpcr": Lin(state.fpcr), "fpsr": Lin(state.fpsr)}, const(fails), [],
                    machine.memory, bytearray(state.memory))
    instruction.encoding.run(cpu, instruction.fields)
    nzcv = known(cpu.flags)
    if nzcv is None:
        raise Disagreement("numbers became terms")
    regs = tuple(_number(r) for r in cpu.regs)
    landed = next((_number(target) for taken, target in cpu.landed if taken is True),
                  machine.slot + 4)
    return State(regs[:31], regs[31], nzcv << 28, landed, _number(cpu.system["fpcr"]),
                 _number(cpu.system["fpsr"]), tuple(_number(q) for q in cpu.quads),
                 bytes(cpu.memory))


def conditions_of(nzcv: int) -> int:
    """C1.2.4, from the four flags as numbers (N in bit 3): bit i is condition code i, to 13."""
    n, z, c, v = (bool(nzcv >> i & 1) for i in (3, 2, 1, 0))
    bases = (z, c, n, v, c and not z, n == v, n == v and not z)
    return sum(1 << (2 * i + (not base)) for i, base in enumerate(bases))


@dataclass(frozen=True)
class Formula:
    """What the semantics yield on free registers.

    `addresses` and `outputs` are terms of 64 bits each, one after the other,
    or None if there are none; `keys` names the outputs from the lowest up.
    """

    regs: tuple[int, ...]
    quads: tuple[int, ...]
    sizes: tuple[int, ...]
    addresses: z3.BitVecRef | None
    keys: tuple[tuple[str, int], ...]
    outputs: z3.BitVecRef | None

    def after(self, machine: Machine, state: State, fails: bool) -> State:
        """The state afterwards, with `state` put in, and whether an exclusive store fails."""
        pairs = [*self._known(state), (FAILS.z, bv(fails))]
        loaded = []
        for size, address in zip(self.sizes, _words(self.addresses, len(self.sizes), pairs)):
            at = (address - machine.memory) & MASK
            loaded.append(int.from_bytes(state.memory[at:at + size], "little"))
        pairs += [(z3.BitVec(f"loaded{i}", 64), bv(word)) for i, word in enumerate(loaded)]
        found = dict(zip(self.keys, _words(self.outputs, len(self.keys), pairs)))
        return self._state(machine, state, found)

    def _known(self, state: State) -> list[tuple[z3.ExprRef, z3.ExprRef]]:
        words = (*state.regs, state.sp)
        pairs: list[tuple[z3.ExprRef, z3.ExprRef]] = [(REGS[n].z, bv(words[n])) for n in self.regs]
        pairs += [(QUADS[n].z, bv(state.quads[n])) for n in self.quads]
        pairs += [(FP["fpcr"].z, bv(state.fpcr)), (FP["fpsr"].z, bv(state.fpsr))]
        pairs += [(as_term(flag), z3.BoolVal(bool(state.nzcv >> (31 - i) & 1)))
                  for i, flag in enumerate((FLAGS.n, FLAGS.z, FLAGS.c, FLAGS.v))]
        return pairs

    def _state(self, machine: Machine, old: State, found: dict[tuple[str, int], int]) -> State:
        regs = [found.get(("x", i), word) for i, word in enumerate((*old.regs, old.sp))]
        quads = tuple(found.get(("q", i), word) for i, word in enumerate(old.quads))
        memory = bytearray(old.memory)
        for (kind, size), word in found.items():
            if kind.startswith("address"):
                at = (word - machine.memory) & MASK
                value = found["value" + kind.removeprefix("address"), size]
                data = value & ((1 << 8 * size) - 1)
                memory[at:at + size] = data.to_bytes(size, "little")
        nzcv = old.nzcv
        if ("conditions", 0) in found:
            codes = found["conditions", 0]
            nzcv = (codes >> 4 & 1) << 31 | (codes & 1) << 30 | (codes >> 2 & 1) << 29 | \
                (codes >> 6 & 1) << 28
            if conditions_of(nzcv >> 28) != codes:
                raise Disagreement(f"conditions {codes:014b} with flags {nzcv >> 28:04b}")
        return State(tuple(regs[:31]), regs[31], nzcv, found["landed", 0],
                     found.get(("fpcr", 0), old.fpcr), found.get(("fpsr", 0), old.fpsr),
                     quads, bytes(memory))


def _words(term: z3.BitVecRef | None, count: int,
           pairs: list[tuple[z3.ExprRef, z3.ExprRef]]) -> list[int]:
    if term is None:
        return []
    number = z3.simplify(z3.substitute(term, *pairs))
    if not z3.is_bv_value(number):
        raise Disagreement(f"no number: {number}")
    whole = number.as_long()
    return [whole >> 64 * i & MASK for i in range(count)]


def _joined(terms: list[z3.BitVecRef]) -> z3.BitVecRef | None:
    if len(terms) < 2:
        return terms[0] if terms else None
    return z3.Concat(*reversed(terms))


def _outputs(cpu: TermCpu) -> dict[tuple[str, int], z3.BitVecRef]:
    found = {("x", i): r.z for i, r in enumerate(cpu.regs) if not r.same(REGS[i])}
    found.update({("q", i): q.z for i, q in enumerate(cpu.quads) if not q.same(QUADS[i])})
    found.update({(name, 0): word.z for name, word in cpu.system.items()
                  if not word.same(FP[name])})
    for number, (address, value, size) in enumerate(cpu.stores):
        found[f"address{number}", size], found[f"value{number}", size] = address.z, value.z
    if cpu.flags is not FLAGS:
        codes = [z3.If(as_term(holds(cpu.flags, code)), bv(1, 1), bv(0, 1))
                 for code in reversed(range(14))]
        found["conditions", 0] = z3.Concat(bv(0, 50), *codes)
    landed: z3.BitVecRef = bv(cpu.pc + 4)
    for condition, target in cpu.landed:
        landed = z3.If(as_term(condition), target.z, landed)
    found["landed", 0] = landed
    return found


def on_terms(machine: Machine, instruction: Instruction) -> Formula:
    """Runs the semantics on free registers."""
    cpu = TermCpu(machine.slot, list(REGS), FLAGS, list(QUADS), dict(FP), FAILS)
    instruction.encoding.run(cpu, instruction.fields)
    used = {n for k, n in instruction.fields.items() if k in ("Rd", "Rn", "Rm", "Ra", "Rt", "Rt2")}
    quads = {2 * n + half for n in used for half in (0, 1)
             if instruction.encoding.name == "pair_simd"}
    outputs = _outputs(cpu)
    return Formula(tuple(sorted(used)), tuple(sorted(quads)), tuple(s for _, s in cpu.loads),
                   _joined([a.z for a, _ in cpu.loads]), tuple(outputs),
                   _joined(list(outputs.values())))
