# SPDX-License-Identifier: MIT
"""Wrong rules, one at a time, which the comparison must notice."""
from collections.abc import Callable
from dataclasses import dataclass, replace

from verif.flags import Bool, SubFlags, negate
from verif.isa import branch, dpimm, dpreg, ldst
from verif.isa.cpu import Cpu
from verif.isa.encoding import Encoding, Fields
from verif.lin import Lin, const

Run = Callable[[Cpu, Fields], None]


class Wrapped:
    """A Cpu with something changed by a subclass."""

    def __init__(self, inner: Cpu) -> None:
        object.__setattr__(self, "inner", inner)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.inner, name, value)


class KeepsTop(Wrapped):
    """Writing a W register leaves bits 63:32 of the result as they come."""

    def put(self, number: int, value: Lin, _width: int = 64) -> None:
        """See Cpu."""
        self.inner.put(number, value)


class Narrow(Wrapped):
    """Reads and writes 32 bits whatever is asked for."""

    def get(self, number: int, _width: int = 64) -> Lin:
        """See Cpu."""
        return self.inner.get(number, 32)

    def put(self, number: int, value: Lin, _width: int = 64) -> None:
        """See Cpu."""
        self.inner.put(number, value, 32)


class Borrow(SubFlags):
    """C is the borrow, as on other machines."""

    def base(self, code: int) -> Bool:
        """As in PlainFlags."""
        found = super().base(code)
        return negate(found) if code == 1 else found


@dataclass(frozen=True)
class Plant:
    """`run` replaces the rule of `encoding`."""

    encoding: Encoding
    run: Run

    def planted(self) -> Encoding:
        """The class with the wrong rule."""
        return replace(self.encoding, run=self.run)


def _with(encoding: Encoding, change: Callable[[Fields], Fields]) -> Plant:
    """The rule on other fields."""
    return Plant(encoding, lambda cpu, f: encoding.run(cpu, {**f, **change(f)}))


def _borrow(cpu: Cpu, f: Fields) -> None:
    dpreg.add_sub_shifted.run(cpu, f)
    if isinstance(cpu.flags, SubFlags):
        cpu.flags = Borrow(cpu.flags.left, cpu.flags.right, cpu.flags.width)


def _six_bits(cpu: Cpu, f: Fields) -> None:
    """A shift amount of 32 bits is taken modulo 64."""
    dpreg.two_source.run(cpu if f["sf"] else Narrow(cpu), {**f, "sf": 1})


def _zero_extended(f: Fields) -> Fields:
    """LDRSB, LDRSH and LDRSW become LDRB, LDRH and LDR."""
    return {"opc": 1 if f["opc"] == 2 and f["size"] < 3 else f["opc"]}


def _succeeds(cpu: Cpu, f: Fields) -> None:
    """An exclusive store is any store."""
    if f["L"]:
        ldst.register_exclusive.run(cpu, f)
        return
    cpu.store(cpu.get_sp(f["Rn"]), cpu.get(f["Rt"]), 1 << f["size"])
    cpu.put(f["Rs"], const(0))


PLANTS: dict[str, Plant] = {
    "csel-condition": _with(dpreg.conditional_select, lambda f: {"cond": f["cond"] ^ 1}),
    "subs-carry": Plant(dpreg.add_sub_shifted, _borrow),
    "zero-extension": Plant(dpimm.add_sub_immediate,
                            lambda cpu, f: dpimm.add_sub_immediate.run(KeepsTop(cpu), f)),
    "shift-mask": Plant(dpreg.two_source, _six_bits),
    "sign-of-load": _with(ldst.register_unsigned, _zero_extended),
    "pair-order": _with(ldst.pair_offset, lambda f: {"Rt": f["Rt2"], "Rt2": f["Rt"]}),
    "exclusive-store": Plant(ldst.register_exclusive, _succeeds),
    "ordered-size": _with(ldst.register_ordered, lambda f: {"size": f["size"] ^ 1}),
    "branch-by-a-word": _with(branch.compare_branch, lambda f: {"imm19": f["imm19"] ^ 1}),
}
