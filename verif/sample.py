# SPDX-License-Identifier: MIT
"""Terms on a few pseudo-random states: what differs there is not equal, what agrees may be.

A function has at each argument a value that its name, the arguments and the number of the
state determine, often a small one. This finds candidates; a solver decides.
"""
import operator
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import z3

from . import parts
from .lin import MASK64, signed

STATES = 16
Values = tuple[int, ...]
Draw = Callable[[str, tuple[int, ...], int, int], int]
Meaning = Callable[[z3.ExprRef], z3.ExprRef | None]


def _mixed(x: int) -> int:
    """The finaliser of splitmix64: every bit depends on every bit."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK64
    return x ^ (x >> 31)


def _drawn(name: str, arguments: tuple[int, ...], number: int, width: int) -> int:
    """The value of a function in state `number`. In every other state those of one function are
    alike: all large in some, so that of many the smallest may be any of them."""
    seed = kind = _mixed(zlib.crc32(name.encode()) + (number << 40))
    for argument in arguments:
        seed = _mixed(seed ^ argument + 0x9E3779B97F4A7C15)
    limit = (1, 3, 127, MASK64)[(kind if number & 1 else seed) & 3]
    return (seed >> 2) & limit & ((1 << width) - 1)


def _trailing_zeros(x: int) -> int:
    return (x & -x).bit_length() - 1 if x else 64


@dataclass(frozen=True)
class Operation:
    """A function of Z3 with the widths of its result and its arguments; of a number its value, of
    an extraction its lowest bit. `kept` keeps its address its own."""

    name: str
    kind: int
    width: int
    widths: tuple[int, ...]
    number: int
    kept: z3.FuncDeclRef

    @property
    def mask(self) -> int:
        """The bits of the result."""
        return (1 << self.width) - 1


def _width(sort: z3.SortRef) -> int:
    return sort.size() if isinstance(sort, z3.BitVecSortRef) else 1


def _operation(term: z3.ExprRef) -> Operation:
    function = term.decl()
    kind = function.kind()
    number = term.as_long() if kind == z3.Z3_OP_BNUM else \
        function.params()[1] if kind == z3.Z3_OP_EXTRACT else 0
    return Operation(function.name(), kind, _width(function.range()),
                     tuple(_width(function.domain(n)) for n in range(function.arity())), number,
                     function)


Rule = Callable[[Operation, tuple[int, ...]], int]


def _concat(o: Operation, v: tuple[int, ...]) -> int:
    total = 0
    for value, width in zip(v, o.widths):
        total = total << width | value
    return total


def _fold(step: Callable[[int, int], int]) -> Rule:
    return lambda o, v: reduce(step, v)


def _compared(compare: Callable[[int, int], bool]) -> Rule:
    """Of signed numbers."""
    return lambda o, v: compare(signed(v[0], o.widths[0]), signed(v[1], o.widths[1]))


# The result of an operation at some arguments; bits above it are dropped.
RULES: dict[int, Rule] = {
    z3.Z3_OP_TRUE: lambda o, v: 1, z3.Z3_OP_FALSE: lambda o, v: 0,
    z3.Z3_OP_BNUM: lambda o, v: o.number,
    z3.Z3_OP_AND: lambda o, v: all(v), z3.Z3_OP_OR: lambda o, v: any(v),
    z3.Z3_OP_NOT: lambda o, v: not v[0],
    z3.Z3_OP_IMPLIES: lambda o, v: not v[0] or v[1],
    z3.Z3_OP_EQ: lambda o, v: v[0] == v[1], z3.Z3_OP_DISTINCT: lambda o, v: len(set(v)) == len(v),
    z3.Z3_OP_ITE: lambda o, v: v[1] if v[0] else v[2],
    z3.Z3_OP_BADD: _fold(operator.add), z3.Z3_OP_BMUL: _fold(operator.mul),
    z3.Z3_OP_BSUB: _fold(operator.sub), z3.Z3_OP_BNEG: lambda o, v: -v[0],
    z3.Z3_OP_BAND: _fold(operator.and_), z3.Z3_OP_BOR: _fold(operator.or_),
    z3.Z3_OP_BXOR: _fold(operator.xor), z3.Z3_OP_BNOT: lambda o, v: ~v[0],
    z3.Z3_OP_BSHL: lambda o, v: v[0] << v[1] if v[1] < o.width else 0,
    z3.Z3_OP_BLSHR: lambda o, v: v[0] >> v[1] if v[1] < o.width else 0,
    z3.Z3_OP_CONCAT: _concat,
    z3.Z3_OP_EXTRACT: lambda o, v: v[0] >> o.number,
    z3.Z3_OP_ZERO_EXT: lambda o, v: v[0],
    z3.Z3_OP_SIGN_EXT: lambda o, v: signed(v[0], o.widths[0]),
    z3.Z3_OP_ULEQ: lambda o, v: v[0] <= v[1], z3.Z3_OP_ULT: lambda o, v: v[0] < v[1],
    z3.Z3_OP_UGEQ: lambda o, v: v[0] >= v[1], z3.Z3_OP_UGT: lambda o, v: v[0] > v[1],
    z3.Z3_OP_SLEQ: _compared(operator.le), z3.Z3_OP_SLT: _compared(operator.lt),
    z3.Z3_OP_SGEQ: _compared(operator.ge), z3.Z3_OP_SGT: _compared(operator.gt),
}
# Operations are few, and the same in all that is sampled: by their address.
OPERATIONS: dict[int, Operation] = {}


def _nothing(_constant: z3.ExprRef) -> None:
    """No constant stands for a term."""


@dataclass
class Samples:
    """Values of terms in each of `count` states, by the terms' addresses (parts.py); the caller
    keeps the terms alive.

    `draw` gives the value of a function, by its name, at arguments in a state, in so many bits;
    a constant that `meaning` knows stands for a term.
    """

    draw: Draw = _drawn
    count: int = STATES
    meaning: Meaning = _nothing
    known: dict[int, Values | None] = field(default_factory=dict)

    def say(self, term: z3.ExprRef, values: Values) -> None:
        """These are the values of a term."""
        self.known[parts.address(term)] = values

    def of(self, term: z3.ExprRef) -> Values | None:
        """The values, or None if an operation is not known here."""
        root = parts.address(term)
        todo = [root]
        below: dict[int, tuple[Operation | None, list[int]]] = {}
        while todo:
            part = todo[-1]
            if part in self.known:
                todo.pop()
            elif part in below:
                self.known[part] = self._evaluate(*below[part])
            else:
                below[part] = self._applied(part, term)
                todo += [one for one in below[part][1] if one not in self.known]
        return self.known[root]

    def _applied(self, part: int, term: z3.ExprRef) -> tuple[Operation | None, list[int]]:
        """Which operation, to which parts; none, to the term that a constant stands for."""
        function, below = parts.arguments(part, term)
        operation = OPERATIONS.get(function)
        if operation is None:
            operation = OPERATIONS[function] = _operation(parts.at(part, term))
        if not below and operation.kind == z3.Z3_OP_UNINTERPRETED:
            meant = self.meaning(parts.at(part, term))
            if meant is not None:
                return None, [parts.address(meant)]
        return operation, below

    def _evaluate(self, o: Operation | None, below: list[int]) -> Values | None:
        columns = [self.known[one] for one in below]
        if o is None:
            return columns[0]
        if None in columns:
            return None
        states = list(zip(*columns)) if columns else [()] * self.count
        if o.kind == z3.Z3_OP_UNINTERPRETED:
            if o.name == "ctz64":
                return tuple(_trailing_zeros(v[0]) for v in states)
            return tuple(self.draw(o.name, v, n, o.width) for n, v in enumerate(states))
        rule, mask = RULES.get(o.kind), o.mask
        if rule is None:
            return None
        return tuple(rule(o, v) & mask for v in states)


Table = tuple[dict[tuple[int, ...], int], int]  # values at some arguments, and at all others


def _table(found: object) -> Table | None:
    """What a model has for a function or a constant, if that is numbers."""
    if z3.is_bv_value(found):
        return {}, found.as_long()
    if not isinstance(found, z3.FuncInterp) or not z3.is_bv_value(found.else_value()):
        return None
    points = [found.entry(i).as_list() for i in range(found.num_entries())]
    if not all(z3.is_bv_value(number) for point in points for number in point):
        return None
    return ({tuple(a.as_long() for a in point[:-1]): point[-1].as_long() for point in points},
            found.else_value().as_long())


def state_of(model: z3.ModelRef, meaning: Meaning) -> Samples:
    """The one state that a model is; of what the model does not know, as in another."""
    tables = {declared.name(): _table(model[declared]) for declared in model.decls()}

    def draw(name: str, arguments: tuple[int, ...], number: int, width: int) -> int:
        table = tables.get(name)
        if table is None:
            return _drawn(name, arguments, number, width)
        return table[0].get(arguments, table[1])
    return Samples(draw, 1, meaning)
