# SPDX-License-Identifier: MIT
"""Terms on a few pseudo-random states: what differs there is not equal, what agrees may be.

A function has at each argument a value that its name, the arguments and the number of the
state determine, often a small one. This finds candidates; a solver decides.
"""
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from .lin import MASK64, signed

STATES = 16
Values = tuple[int, ...]
Rule = Callable[[z3.ExprRef, list[int], list[int]], int]
Draw = Callable[[str, list[int], int, int], int]
Meaning = Callable[[z3.ExprRef], z3.ExprRef | None]


def _mixed(x: int) -> int:
    """The finaliser of splitmix64: every bit depends on every bit."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK64
    return x ^ (x >> 31)


def _drawn(name: str, arguments: list[int], number: int, width: int) -> int:
    """The value of a function in state `number`. In every other state those of one function are
    alike: all large in some, so that of many the smallest may be any of them."""
    seed = kind = _mixed(zlib.crc32(name.encode()) + (number << 40))
    for argument in arguments:
        seed = _mixed(seed ^ argument + 0x9E3779B97F4A7C15)
    limit = (1, 3, 127, MASK64)[(kind if number & 1 else seed) & 3]
    return (seed >> 2) & limit & ((1 << width) - 1)


def _trailing_zeros(x: int) -> int:
    return (x & -x).bit_length() - 1 if x else 64


def _concat(values: list[int], widths: list[int]) -> int:
    total = 0
    for value, width in zip(values, widths):
        total = total << width | value
    return total


def _signed(values: list[int], widths: list[int]) -> tuple[int, int]:
    return signed(values[0], widths[0]), signed(values[1], widths[1])


def _fold(step: Callable[[int, int], int]) -> Rule:
    def rule(_term: z3.ExprRef, v: list[int], _w: list[int]) -> int:
        total = v[0]
        for value in v[1:]:
            total = step(total, value)
        return total
    return rule


RULES: dict[int, Rule] = {
    z3.Z3_OP_TRUE: lambda t, v, w: 1, z3.Z3_OP_FALSE: lambda t, v, w: 0,
    z3.Z3_OP_BNUM: lambda t, v, w: t.as_long(),
    z3.Z3_OP_AND: lambda t, v, w: int(all(v)), z3.Z3_OP_OR: lambda t, v, w: int(any(v)),
    z3.Z3_OP_NOT: lambda t, v, w: 1 - v[0],
    z3.Z3_OP_IMPLIES: lambda t, v, w: int(not v[0] or v[1]),
    z3.Z3_OP_EQ: lambda t, v, w: int(v[0] == v[1]),
    z3.Z3_OP_ITE: lambda t, v, w: v[1] if v[0] else v[2],
    z3.Z3_OP_BADD: _fold(lambda a, b: a + b), z3.Z3_OP_BMUL: _fold(lambda a, b: a * b),
    z3.Z3_OP_BSUB: _fold(lambda a, b: a - b), z3.Z3_OP_BNEG: lambda t, v, w: -v[0],
    z3.Z3_OP_BAND: _fold(lambda a, b: a & b), z3.Z3_OP_BOR: _fold(lambda a, b: a | b),
    z3.Z3_OP_BXOR: _fold(lambda a, b: a ^ b), z3.Z3_OP_BNOT: lambda t, v, w: ~v[0],
    z3.Z3_OP_BSHL: lambda t, v, w: v[0] << v[1] if v[1] < w[0] else 0,
    z3.Z3_OP_BLSHR: lambda t, v, w: v[0] >> v[1] if v[1] < w[0] else 0,
    z3.Z3_OP_CONCAT: lambda t, v, w: _concat(v, w),
    z3.Z3_OP_EXTRACT: lambda t, v, w: v[0] >> t.params()[1],
    z3.Z3_OP_ZERO_EXT: lambda t, v, w: v[0],
    z3.Z3_OP_SIGN_EXT: lambda t, v, w: signed(v[0], w[0]),
    z3.Z3_OP_ULEQ: lambda t, v, w: int(v[0] <= v[1]),
    z3.Z3_OP_ULT: lambda t, v, w: int(v[0] < v[1]),
    z3.Z3_OP_UGEQ: lambda t, v, w: int(v[0] >= v[1]),
    z3.Z3_OP_UGT: lambda t, v, w: int(v[0] > v[1]),
    z3.Z3_OP_SLEQ: lambda t, v, w: int(_signed(v, w)[0] <= _signed(v, w)[1]),
    z3.Z3_OP_SLT: lambda t, v, w: int(_signed(v, w)[0] < _signed(v, w)[1]),
    z3.Z3_OP_SGEQ: lambda t, v, w: int(_signed(v, w)[0] >= _signed(v, w)[1]),
    z3.Z3_OP_SGT: lambda t, v, w: int(_signed(v, w)[0] > _signed(v, w)[1]),
}


def _width(term: z3.ExprRef) -> int:
    return term.size() if isinstance(term, z3.BitVecRef) else 1


def _nothing(_constant: z3.ExprRef) -> None:
    """No constant stands for a term."""


@dataclass
class Samples:
    """Values of terms in each of `count` states, by identity; the caller keeps the terms alive.

    `draw` gives the value of a function, by its name, at arguments in a state, in so many bits;
    a constant that `meaning` knows stands for a term.
    """

    draw: Draw = _drawn
    count: int = STATES
    meaning: Meaning = _nothing
    known: dict[int, Values | None] = field(default_factory=dict)

    def of(self, term: z3.ExprRef) -> Values | None:
        """The values, or None if an operation is not known here."""
        todo = [term]
        while todo:
            part = todo[-1]
            missing = [c for c in self._parts(part) if c.get_id() not in self.known]
            if part.get_id() in self.known or not missing:
                todo.pop()
                if part.get_id() not in self.known:
                    self.known[part.get_id()] = self._evaluate(part)
            else:
                todo += missing
        return self.known[term.get_id()]

    def _parts(self, term: z3.ExprRef) -> list[z3.ExprRef]:
        """What its value depends on."""
        meant = self._meant(term)
        return term.children() if meant is None else [meant]

    def _meant(self, term: z3.ExprRef) -> z3.ExprRef | None:
        """What a name stands for."""
        return None if term.num_args() else self.meaning(term)

    def _evaluate(self, term: z3.ExprRef) -> Values | None:
        meant = self._meant(term)
        if meant is not None:
            return self.known[meant.get_id()]
        children = term.children()
        arguments = [self.known[c.get_id()] for c in children]
        if any(a is None for a in arguments):
            return None
        columns = [[a[n] for a in arguments if a is not None] for n in range(self.count)]
        width, kind = _width(term), term.decl().kind()
        if kind == z3.Z3_OP_UNINTERPRETED:
            name = term.decl().name()
            if name == "ctz64":
                return tuple(_trailing_zeros(v[0]) for v in columns)
            return tuple(self.draw(name, v, n, width) for n, v in enumerate(columns))
        rule = RULES.get(kind)
        if rule is None:
            return None
        widths = [_width(c) for c in children]
        return tuple(rule(term, v, widths) & ((1 << width) - 1) for v in columns)


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

    def draw(name: str, arguments: list[int], number: int, width: int) -> int:
        table = tables.get(name)
        if table is None:
            return _drawn(name, arguments, number, width)
        return table[0].get(tuple(arguments), table[1])
    return Samples(draw, 1, meaning)
