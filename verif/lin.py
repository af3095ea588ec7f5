# SPDX-License-Identifier: MIT
"""Register values: linear forms over bv64.

A `Lin` is const + sum coeff * atom, modulo 2**64, where an atom is any Z3
bit-vector term of 64 bits. Addresses keep their shape this way, so an object
and its indices can be read off. A form without atoms is a plain number.
"""
from dataclasses import dataclass, field
from functools import cache, cached_property

import z3

MASK64 = (1 << 64) - 1

Terms = dict[int, tuple[z3.BitVecRef, int]]


@cache
def bv(value: int, width: int = 64) -> z3.BitVecNumRef:
    """The numeral `value` of `width` bits."""
    return z3.BitVecVal(value, width)


def signed(value: int, width: int) -> int:
    """`value` of `width` bits, read as two's complement."""
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


@dataclass(frozen=True, eq=False)
class Lin:
    """const + sum coeff * atom (bv64). Atoms are keyed by the identity of their term.

    `mirror`: this value is known to be the bit reversal of that term (RBIT).
    """

    const: int
    terms: Terms = field(default_factory=dict)
    mirror: z3.BitVecRef | None = None

    @property
    def is_const(self) -> bool:
        """Is it a plain number?"""
        return not self.terms

    @cached_property
    def z(self) -> z3.BitVecRef:
        """The same value as a Z3 term, bv64."""
        total: z3.BitVecRef | None = None
        for atom, coeff in self.terms.values():
            if coeff == 1:
                part = atom
            elif coeff & (coeff - 1) == 0:
                part = atom << bv(coeff.bit_length() - 1)
            else:
                part = atom * bv(coeff)
            total = part if total is None else total + part
        if total is None:
            return bv(self.const)
        return total + bv(self.const) if self.const else total

    def __add__(self, other: "Lin") -> "Lin":
        terms = dict(self.terms)
        for key, (atom, coeff) in other.terms.items():
            total = (terms[key][1] + coeff) & MASK64 if key in terms else coeff
            if total:
                terms[key] = (atom, total)
            else:
                del terms[key]
        return Lin((self.const + other.const) & MASK64, terms)

    def scaled(self, factor: int) -> "Lin":
        """The product with a constant, modulo 2**64."""
        factor &= MASK64
        scaled = {k: (a, (c * factor) & MASK64) for k, (a, c) in self.terms.items()}
        return Lin((self.const * factor) & MASK64, {k: t for k, t in scaled.items() if t[1]})

    def __sub__(self, other: "Lin") -> "Lin":
        return self + other.scaled(-1)

    def plus(self, value: int) -> "Lin":
        """The sum with a constant."""
        return Lin((self.const + value) & MASK64, self.terms)

    def same(self, other: "Lin") -> bool:
        """Are both forms identical?"""
        return (self.const == other.const and self.terms.keys() == other.terms.keys()
                and all(other.terms[k][1] == c for k, (_, c) in self.terms.items()))


def const(value: int) -> Lin:
    """A plain number, modulo 2**64."""
    return Lin(value & MASK64)


def symbol(name: str) -> Lin:
    """A free bv64 of that name."""
    term = z3.BitVec(name, 64)
    return Lin(0, {term.get_id(): (term, 1)})


def lift(term: z3.BitVecRef) -> Lin:
    """A bv64 term as a form: sums and multiples by constants are opened."""
    return _open(z3.simplify(term))


def _open(term: z3.BitVecRef) -> Lin:
    if z3.is_bv_value(term):
        return const(term.as_long())
    kind = term.decl().kind()
    if kind == z3.Z3_OP_BADD:
        total = const(0)
        for part in term.children():
            total = total + _open(part)
        return total
    if kind == z3.Z3_OP_BMUL and term.num_args() == 2 and z3.is_bv_value(term.arg(0)):
        return _open(term.arg(1)).scaled(term.arg(0).as_long())
    form = Lin(0, {term.get_id(): (term, 1)})
    form.__dict__["z"] = term
    return form


def low32(value: Lin) -> Lin:
    """Bits 31:0, zero-extended to 64."""
    if value.is_const:
        return const(value.const & 0xFFFFFFFF)
    return lift(z3.ZeroExt(32, z3.Extract(31, 0, value.z)))


def bits(value: Lin, width: int) -> z3.BitVecRef:
    """The low `width` (32 or 64) bits as a term of that width."""
    return value.z if width == 64 else z3.simplify(z3.Extract(width - 1, 0, value.z))


def extend(term: z3.BitVecRef, is_signed: bool = False) -> Lin:
    """A term of at most 64 bits, extended to 64."""
    missing = 64 - term.size()
    if missing == 0:
        return lift(term)
    return lift(z3.SignExt(missing, term) if is_signed else z3.ZeroExt(missing, term))


def select(condition: "bool | z3.BoolRef", yes: Lin, no: Lin) -> Lin:
    """`yes` if the condition holds, else `no`."""
    if isinstance(condition, bool):
        return yes if condition else no
    if yes.same(no):
        return yes
    return lift(z3.If(condition, yes.z, no.z))


def trailing_zeros(value: z3.BitVecRef) -> z3.BitVecRef:
    """The number of zero bits below the lowest set one, 64 for 0: a function known by its facts.

    CLZ of RBIT (J1.3) is this; tests/verif proves the facts of the real function.
    """
    return z3.Function("ctz64", z3.BitVecSort(64), z3.BitVecSort(64))(value)


def trailing_facts(value: z3.BitVecRef, count: z3.BitVecRef) -> z3.BoolRef:
    """What is used of `count` = the trailing zeros of `value`."""
    is_set = z3.LShR(value, count) & bv(1) == 1
    return z3.If(value == 0, count == 64, z3.And(z3.ULT(count, bv(64)), is_set))
