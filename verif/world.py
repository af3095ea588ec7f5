# SPDX-License-Identifier: MIT
"""What the paths of one exploration share, and what they note: events, obligations, decisions."""
from dataclasses import dataclass, field

import z3

from .image import Image, Symbol
from .layout import Layout
from .lin import Lin
from .naming import Names


# What takes the lock and drops it; also as events.
LOCK_TAKE, LOCK_DROP = "lock_take", "lock_drop"
# The same within a routine: they go on behind their last instruction and do not return.
INLINE = {"lock_take_full": LOCK_TAKE, "lock_take_call": LOCK_TAKE, "lock_take_reply": LOCK_TAKE,
          "lock_drop_exchange": LOCK_DROP, "lock_drop_call": LOCK_DROP,
          "lock_drop_reply": LOCK_DROP}
LOCK = {LOCK_TAKE: LOCK_TAKE, LOCK_DROP: LOCK_DROP, **INLINE}
DEVICE = "mmio"     # kind of a window


@dataclass(frozen=True)
class Event:
    """Something whose order matters. `operands` are bv64 terms."""

    kind: str
    operands: tuple[z3.BitVecRef, ...]
    pc: int


@dataclass(frozen=True)
class Obligation:
    """`goal` must follow from the path condition `given` (and the assumptions)."""

    kind: str
    goal: z3.BoolRef
    given: tuple[z3.BoolRef, ...]
    pc: int
    text: str


@dataclass(frozen=True)
class Window:
    """What changes by itself: `size` bytes of EL2 addresses from `base`. `kind`: registers of a
    device, or memory that other cores write, "shared"."""

    name: str
    base: int
    size: int
    kind: str = DEVICE


@dataclass
class World:
    """What all paths of one exploration share."""

    image: Image
    layout: Layout
    windows: tuple[Window, ...]
    reserved: int
    zva_block: int = 0
    dispatch: Symbol | None = None
    # where an exploration stops: what lies behind has a proof of its own
    cuts: dict[int, str] = field(default_factory=dict)
    # the same, if nothing is left to do but what lies behind
    tails: dict[int, str] = field(default_factory=dict)
    obligations: list[Obligation] = field(default_factory=list)
    touched: dict[tuple[object, ...], tuple[str, tuple[z3.BitVecRef, ...]]] = field(
        default_factory=dict)
    kept: list[z3.BoolRef] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    addresses: set[int] = field(default_factory=set)
    symbols: Names = field(default_factory=Names)
    # the core has the lock where the exploration begins
    has_lock: bool = True

    def fresh(self, stem: str) -> str:
        """A name not given before, the same in each run."""
        number = self.names.get(stem, 0)
        self.names[stem] = number + 1
        return f"{stem}!{number}"

    def forget(self) -> None:
        """Drops what an exploration found that is made again."""
        for found in (self.obligations, self.touched, self.kept, self.names, self.addresses):
            found.clear()

    def touch(self, name: str, indices: tuple[z3.BitVecRef, ...]) -> None:
        """Notes that this cell of the initial state is read."""
        self.touched.setdefault((name, *(i.get_id() for i in indices)), (name, indices))


@dataclass(frozen=True)
class Frame:
    """One activation: where it returns to, which addresses it has visited, and the places of
    the calls that led here, each in the order of its function (see flow.py)."""

    back: Lin
    visited: set[int]
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Joined:
    """Decisions of paths that were merged: those under the first condition that holds."""

    options: "tuple[tuple[z3.BoolRef, tuple[Decision, ...]], ...]"


Decision = tuple[int, bool] | Joined
