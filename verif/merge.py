# SPDX-License-Identifier: MIT
"""Two paths that meet with the same memory become one.

Registers that differ become if-then-else terms. What is an address on one of them, in
another form on the other, becomes a free symbol, which is right for any value; should it be
used after all, the exploration is repeated without merging there (explore.py).
"""
from dataclasses import dataclass

import z3

from .flags import ChoiceFlags, as_term, fold
from .lin import Lin, const, lift, symbol
from .machine import Path
from .memory import CellWrite, PageZero, Update
from .world import Frame, Joined, Obligation, World

LOST = "merged"


def shape(path: Path) -> tuple[object, ...]:
    """Paths with equal shapes can be merged: only registers, flags and stack contents differ."""
    return (path.pc, tuple((f.back.const, f.marks) for f in path.frames), path.finished,
            tuple(sorted((n, id(u)) for n, u in path.memory.updates.items())),
            tuple(map(id, path.events)),
            tuple(sorted((n, v.const, tuple(v.terms)) for n, v in path.system.items())),
            tuple(map(id, path.quads)), tuple(sorted(path.stack)))


@dataclass(frozen=True)
class Merger:
    """Two paths, how many conditions they share, and when it is the first of them."""

    world: World
    left: Path
    right: Path
    shared: int
    is_left: z3.BoolRef

    def choose(self, one: Lin, other: Lin) -> Lin:
        """The value on either path."""
        if one.same(other):
            return one
        places = [self._is_address(v) for v in (one, other)]
        if not any(places):
            return self._named(lift(z3.If(self.is_left, one.z, other.z)))
        if one.const == other.const and len(one.terms) == len(other.terms) == 1:
            (first, scale), (second, other_scale) = *one.terms.values(), *other.terms.values()
            if scale == other_scale:
                return const(one.const) + self._named(
                    lift(z3.If(self.is_left, first, second))).scaled(scale)
        return symbol(self.world.fresh(f"{LOST}.{self.left.pc:x}"))

    def _named(self, value: Lin) -> Lin:
        return self.world.symbols.name_choices(value)

    def _is_address(self, value: Lin) -> bool:
        at = value.const
        return self.world.layout.object_at(at) is not None or any(
            s.base <= at < s.base + s.size for s in self.world.image.segments) or any(
            w.base <= at < w.base + w.size for w in self.world.windows)

    def merged(self) -> Path:
        """The path that is both."""
        left, right, shared = self.left, self.right, self.shared
        path = left.fork()
        path.regs = [self.choose(a, b) for a, b in zip(left.regs, right.regs)]
        path.stack = {k: self.choose(v, right.stack[k]) for k, v in left.stack.items()}
        if left.flags is not right.flags:
            path.flags = ChoiceFlags(self.is_left, left.flags, right.flags)
        del path.given[shared:]
        path.given_ids = left.given_ids & right.given_ids
        either = fold(z3.Or(self.is_left, conjunction(right.given[shared:])))
        if either is not True:
            path.assume(either)
        common = 0
        while common < min(len(left.decisions), len(right.decisions)) and \
                left.decisions[common] == right.decisions[common]:
            common += 1
        path.decisions = [*left.decisions[:common], Joined(
            ((self.is_left, tuple(left.decisions[common:])),
             (z3.BoolVal(True), tuple(right.decisions[common:]))))]
        path.frames = [Frame(a.back, a.visited | b.visited, a.marks)
                       for a, b in zip(left.frames, right.frames)]
        path.count, path.lowest = max(left.count, right.count), min(left.lowest, right.lowest)
        return path


def conjunction(terms: list[z3.BoolRef]) -> z3.BoolRef:
    """All of them."""
    return as_term(fold(z3.And(*terms))) if terms else z3.BoolVal(True)


def shared_prefix(left: Path, right: Path) -> int:
    """How many conditions both begin with."""
    count = 0
    for a, b in zip(left.given, right.given):
        if not a.eq(b):
            break
        count += 1
    return count


def merge_all(world: World, paths: list[Path]) -> Path:
    """One path of several of one shape; those that parted last come together first."""
    while len(paths) > 1:
        shared, a, b = max((shared_prefix(paths[i], paths[j]), -i, -j)
                           for i in range(len(paths)) for j in range(i))
        left, right = paths[-b], paths[-a]
        both = Merger(world, left, right, shared, conjunction(left.given[shared:])).merged()
        paths = [both, *(p for p in paths if p is not left and p is not right)]
    return paths[0]


def _update_terms(update: Update) -> tuple[z3.BitVecRef, ...]:
    if isinstance(update, CellWrite):
        return (*update.indices, update.value)
    return (update.page,) if isinstance(update, PageZero) else (update.page, update.source)


def lost_in(ended: tuple[Path, ...], stuck: tuple[tuple[Path, str], ...],
            obligations: list[Obligation]) -> set[int]:
    """Where paths were merged that must not be: a value that was lost there is used."""
    todo: list[z3.ExprRef] = [o.goal for o in obligations]
    for path in ended:
        todo += [*path.given, *(r.z for r in (path.regs[0], *path.regs[18:])),
                 *(v.z for v in path.system.values()),
                 *(t for us in path.memory.updates.values() for u in us for t in _update_terms(u)),
                 *(t for e in path.events for t in e.operands)]
    for path, _ in stuck:
        todo += [r.z for r in path.regs]
    seen: set[int] = set()
    found: set[int] = set()
    while todo:
        term = todo.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        todo += term.children()
        if term.num_args() == 0 and z3.is_const(term) \
                and str(term.decl().name()).startswith(f"{LOST}."):
            found.add(int(term.decl().name().split(".")[1].split("!")[0], 16))
    return found
