# SPDX-License-Identifier: MIT
"""The verifier's semantics, run on one state: once on numbers, once on terms.

On terms the registers are free; each state is then substituted into what came
out, so what the proofs use is what is compared.
"""
from dataclasses import dataclass, field

import z3
from states import MASK, Machine, State

from verif.flags import Bool, Flags, PlainFlags, as_term, holds, immediate, known
from verif.isa.decode import Instruction
from verif.lin import Lin, bv, const, low32, symbol

FLAG_NAMES = ("flag.n", "flag.z", "flag.c", "flag.v")


class Untestable(Exception):
    """The class needs numbers (addresses) and has no run on terms."""


@dataclass
class TestCpu:
    """isa.cpu.Cpu over given registers; memory needs addresses that are numbers."""

    __test__ = False
    pc: int
    regs: list[Lin]
    flags: Flags
    quads: list[Lin] = field(default_factory=list)
    memory: dict[int, int] = field(default_factory=dict)
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

    def load(self, address: Lin, size: int) -> Lin:
        """See Cpu."""
        if not address.is_const:
            raise Untestable
        return const(sum(self.memory[(address.const + i) & MASK] << (8 * i) for i in range(size)))

    def store(self, address: Lin, value: Lin, size: int) -> None:
        """See Cpu."""
        if not address.is_const or not value.is_const:
            raise Untestable
        for i in range(size):
            if (address.const + i) & MASK not in self.memory:
                raise KeyError(f"store outside memory at {address.const:#x}")
            self.memory[(address.const + i) & MASK] = (value.const >> (8 * i)) & 0xFF

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
        """See Cpu: barriers change nothing here."""


def on_numbers(machine: Machine, instruction: Instruction, state: State) -> State:
    """The state afterwards, by running the semantics on numbers."""
    memory = {machine.memory + 8 * i + b: (word >> (8 * b)) & 0xFF
              for i, word in enumerate(state.memory) for b in range(8)}
    cpu = TestCpu(machine.slot, [const(v) for v in (*state.regs, state.sp)],
                  immediate(state.nzcv >> 28), [const(v) for v in state.quads], memory)
    instruction.encoding.run(cpu, instruction.fields)
    nzcv = known(cpu.flags)
    if nzcv is None or not all(r.is_const for r in cpu.regs):
        raise AssertionError(f"{instruction.encoding.name}: numbers became terms")
    words = tuple(sum(memory[machine.memory + 8 * i + b] << (8 * b) for b in range(8))
                  for i in range(len(state.memory)))
    return State(tuple(r.const for r in cpu.regs[:31]), cpu.regs[31].const, nzcv << 28,
                 _landed(machine, cpu), tuple(q.const for q in cpu.quads), words)


def _landed(machine: Machine, cpu: TestCpu) -> int:
    for condition, target in cpu.landed:
        if condition is True and target.const != machine.slot + 4:
            return 2
    return 1


@dataclass(frozen=True)
class Formula:
    """What the semantics yield on free registers.

    `conditions`: bit i is condition code i, for i below 14; None if the flags stay.
    `free`: the terms that stand for registers and flags, and registers by number.
    """

    changed: dict[int, Lin]
    conditions: z3.BitVecRef | None
    landed: tuple[tuple[Bool, Lin], ...]
    names: tuple[int, ...]
    free: tuple[z3.ExprRef, ...]


def on_terms(machine: Machine, instruction: Instruction) -> Formula:
    """Runs the semantics on free registers; Untestable for loads and stores."""
    regs = [symbol(f"x{i}") for i in range(32)]
    flags: Flags = PlainFlags(*(z3.Bool(n) for n in FLAG_NAMES))
    cpu = TestCpu(machine.slot, list(regs), flags)
    if "L" in instruction.fields or instruction.encoding.name.startswith("register_"):
        raise Untestable
    instruction.encoding.run(cpu, instruction.fields)
    used = {n for k, n in instruction.fields.items() if k in ("Rd", "Rn", "Rm", "Ra", "Rt")}
    conditions = None
    if cpu.flags is not flags:
        conditions = z3.Concat(*[z3.If(as_term(holds(cpu.flags, code)), bv(1, 1), bv(0, 1))
                                 for code in reversed(range(14))])
    changed = {i: r for i, r in enumerate(cpu.regs) if not r.same(regs[i])}
    return Formula(changed, conditions, tuple(cpu.landed), tuple(sorted(used)),
                   tuple(z3.BitVec(f"x{n}", 64) for n in sorted(used))
                   + tuple(z3.Bool(n) for n in FLAG_NAMES))


def _evaluate(term: z3.ExprRef, pairs: list[tuple[z3.ExprRef, z3.ExprRef]]) -> z3.ExprRef:
    return z3.simplify(z3.substitute(term, *pairs))


def _conditions(nzcv: int) -> int:
    """C1.2.4, from the four flags as numbers: bit i is condition code i."""
    n, z, c, v = (bool(nzcv >> i & 1) for i in (3, 2, 1, 0))
    bases = (z, c, n, v, c and not z, n == v, n == v and not z)
    return sum(1 << (2 * i + (not base)) for i, base in enumerate(bases))


def disagreement(machine: Machine, formula: Formula, before: State, after: State) -> str | None:
    """Where the formula, with `before` put in, differs from what the machine did, or None."""
    values = (*before.regs, before.sp)
    known_values = [bv(values[n]) for n in formula.names]
    known_values += [z3.BoolVal(bool(before.nzcv >> (31 - i) & 1)) for i in range(4)]
    pairs = list(zip(formula.free, known_values))
    results = (*after.regs, after.sp)
    for number, result in enumerate(results):
        form = formula.changed.get(number)
        if form is None:
            got = values[number]
        else:
            got = form.const if form.is_const else _evaluate(form.z, pairs).as_long()
        if got != result:
            return f"x{number}: formula {got:#x}, machine {result:#x}"
    if formula.conditions is None:
        if before.nzcv != after.nzcv:
            return "flags changed"
    else:
        got = _evaluate(formula.conditions, pairs).as_long()
        if got != _conditions(after.nzcv >> 28):
            return f"conditions {got:014b} after {after.nzcv >> 28:04b}"
    taken = [t for c, t in formula.landed if z3.is_true(_evaluate(as_term(c), pairs))]
    targets = [t.const if t.is_const else _evaluate(t.z, pairs).as_long() for t in taken]
    landed = 2 if targets and targets[0] != machine.slot + 4 else 1
    return None if landed == after.landed else f"landed {after.landed}, formula {landed}"
