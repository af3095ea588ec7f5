# SPDX-License-Identifier: MIT
"""T1, T2 and T8 of lock_take and lock_drop, and of their copies within vectors.S (world.INLINE),
from their machine code.

All are explored from their entries and from each loop head, where an exploration stops. Of the
lock's word every load yields another value, for other cores write to it; every way through is
one of the steps of spec/lock.py (T1), keeps all registers but LOCK_LOST and touches nothing but
that word (T2). What the steps of all cores make is shown in tickets.py.
"""
import time
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

import z3
from spec import lock
from spec.words import Z3Ops

from . import coverage, queries
from .contracts import LOCK_LOST
from .errors import ImageError, VerifError
from .explore import Exploration, Explorer, Start, fp_word, standard_start
from .flags import Bool, as_term
from .flow import Flow, successors
from .image import Symbol
from .layout import Layout, describe
from .lin import bv, const, extend
from .machine import RETURN, Path
from .order import events
from .result import Failure, Row, row
from .safety import decisions, model_values, where
from .solve import Solver
from .target import Target
from .world import INLINE, LOCK, LOCK_TAKE, Event, Window, World

NAME, WORD = "lock", "kernel_lock"
WAITS_OF_COPIES = ("lock_wait_full", "lock_wait_call", "lock_wait_reply")
ADDRESS, TICKET = 9, 11     # registers at loop heads
SIZE = 4
O = Z3Ops()
# What a way through does, in order, by where it begins; "wfe" may be left out.
ASKS, WAITS, DROPS = "asks", "waits", "drops"
TRY = ["shared read32", "exclusive", "acquire", "shared try32"]
EVERY = {"fail", "take, and have", "take, and wait", "look, and have", "look, and wait", "drop"}
LOOK = ["shared read16", "exclusive", "acquire"]
GIVE = ["shared read16", "release", "shared write16"]
WAKES = ["sevl"]            # the first WFE ends at once, all others by the store of who drops


def word_of(target: Target) -> Symbol:
    """The lock's word; ImageError unless it is one, zero at first, and nothing else's."""
    found = target.image.symbols.get(WORD)
    if found is None or found.is_function or found.size != SIZE or found.address % SIZE:
        raise ImageError(f"{WORD} is no aligned object of {SIZE} bytes")
    begin, end = found.address, found.address + SIZE
    for name, base, size in ((o.name, o.base, o.size) for o in target.layout.objects):
        if base < end and begin < base + size:
            raise ImageError(f"{WORD} overlaps {name}")
    for part in target.image.segments:
        if part.base <= begin and end <= part.base + part.size:
            if any(part.data[begin - part.base:end - part.base]):
                raise ImageError(f"{WORD} is not zero at first")
            return found
    raise ImageError(f"{WORD} is in no segment")


@dataclass(frozen=True)
class Stretch:
    """What is explored from one place: `text` is ASKS, WAITS or DROPS."""

    text: str
    found: Exploration


def _heads(target: Target) -> tuple[int, ...]:
    """Where a branch of either routine leads back to."""
    flow = Flow(target.image)
    found = set()
    for symbol in map(target.image.function, (*LOCK, *WAITS_OF_COPIES)):
        for pc in range(symbol.address, symbol.address + symbol.size, 4):
            found.update(to for to in successors(pc, flow.instruction(pc))
                         if symbol.address <= to <= pc)
    return tuple(sorted(found))


def ends(target: Target) -> dict[str, int]:
    """Where the copies of the routines go on."""
    symbols = {name: target.image.function(name) for name in INLINE}
    return {name: symbol.address + symbol.size for name, symbol in symbols.items()}


def _world(target: Target) -> World:
    """Nothing but the lock's word is there; an exploration stops at loop heads."""
    cuts = {head: target.image.function_at(head) for head in _heads(target)}
    cuts |= {end: RETURN for end in ends(target).values()}
    window = Window(WORD, word_of(target).address, SIZE, "shared")
    return replace(target.world(), layout=Layout((), {}), windows=(window,), dispatch=None,
                   cuts=cuts)


def _ticket() -> z3.BitVecRef:
    """The ticket of who waits, bv16."""
    return z3.BitVec("ticket", lock.HALF_BITS)


def _start(target: Target, text: str, address: int, is_entry: bool) -> Start:
    start = standard_start(address, {})
    regs = list(start.regs)
    if not is_entry:
        regs[ADDRESS] = const(word_of(target).address)
    if text == WAITS:
        regs[TICKET] = extend(_ticket())
    return replace(start, regs=tuple(regs))


def _of(path: Path, kind: str) -> Event | None:
    """The first event of that kind."""
    return next((e for e in path.events if e.kind == kind), None)


def succeeds(path: Path) -> bool | None:
    """Does the exclusive store, by what the path depends on? None if either may be."""
    attempt = _of(path, TRY[-1])
    if attempt is None:
        return None
    solver = Solver((), FilePath(), path.world.symbols)
    given, failed = tuple(path.given), attempt.operands[2]
    if solver.quickly(given, failed == bv(0)):
        return True
    return False if solver.quickly(given, failed == bv(1)) else None


def _next(text: str, path: Path) -> str | None:
    """What is done behind the end of a path."""
    if path.finished == RETURN:
        return None
    return WAITS if text == ASKS and succeeds(path) else text


def _run(target: Target, start: Start) -> Exploration:
    try:
        return Explorer(_world(target), {}, loops_allowed=True).run(start)
    except VerifError as error:
        raise type(error)(f"{NAME}: {error}") from error


def explore(target: Target) -> list[Stretch]:
    """From the entries, and from each loop head that is reached; twice if it is reached in
    two ways."""
    todo = [(ASKS if what == LOCK_TAKE else DROPS, target.image.function(name).address, True)
            for name, what in LOCK.items()]
    seen: set[tuple[str, int]] = set()
    done = []
    while todo:
        text, address, is_entry = todo.pop(0)
        if (text, address) in seen:
            continue
        seen.add((text, address))
        found = _run(target, _start(target, text, address, is_entry))
        done.append(Stretch(text, found))
        for path in found.ended:
            after = _next(text, path)
            if after is not None:
                todo.append((after, path.pc, False))
    return done


# ---- T1 ------------------------------------------------------------------------------------


@dataclass
class Check:
    """The ways through, one after another."""

    target: Target
    folder: FilePath
    failures: list[Failure] = field(default_factory=list)
    queries: int = 0
    steps: set[str] = field(default_factory=set)

    def stretch(self, stretch: Stretch) -> None:
        """Each way through is a step."""
        world = stretch.found.world
        self.solver = Solver((), self.folder, world.symbols)
        for path in stretch.found.ended:
            self._must_be_possible(path)
            {ASKS: self._asks, WAITS: self._waits, DROPS: self._drops}[stretch.text](path)
        self.queries += self.solver.queries

    def _wrong(self, path: Path, what: str) -> None:
        self.failures.append(Failure(what, where(self.target, path.pc),
                                     decisions(self.target, path), "refuted", (), ""))

    def _must_be_possible(self, path: Path) -> None:
        if self.solver.prove(tuple(path.given), z3.BoolVal(False), "", False).status != "refuted":
            self.failures.append(Failure("a way that is not possible", where(self.target, path.pc),
                                         decisions(self.target, path), "vacuous", (), ""))

    def _must(self, path: Path, what: str, goal: Bool) -> None:
        verdict = self.solver.prove(tuple(path.given), as_term(goal),
                                    f"{NAME}-T1-{self.queries + self.solver.queries}")
        if verdict.status != "proved":
            self.failures.append(Failure(
                what, where(self.target, path.pc), decisions(self.target, path, verdict.model),
                verdict.status, model_values(verdict), str(verdict.query)))

    def _does(self, path: Path, *wanted: list[str]) -> bool:
        """Are its events those, each at the lock's word?"""
        found = events(path)
        if [e.kind for e in found] not in wanted:
            self._wrong(path, f"no step of a lock: {', '.join(e.kind for e in found) or 'nothing'}")
            return False
        address = bv(word_of(self.target).address)
        for event in found:
            if event.operands:
                self._must(path, f"{event.kind} is not of the lock", event.operands[0] == address)
        return True

    def _goes_to(self, path: Path, ticket: z3.BitVecRef | None) -> None:
        """What is known at a loop head."""
        address = path.regs[ADDRESS].z == bv(word_of(self.target).address)
        self._must(path, f"x{ADDRESS} is not the lock's address", address)
        if ticket is not None:
            self._must(path, f"x{TICKET} is not the ticket", path.regs[TICKET].z == ticket)

    def _asks(self, path: Path) -> None:
        if path.finished != RETURN and not events(path):
            self._goes_to(path, None)       # from the entry to the loop
            return
        is_taken = succeeds(path)
        if is_taken is None:
            self._does(path, TRY)
            self._wrong(path, "goes on whether the store succeeded or not")
        elif not is_taken:
            self.steps.add("fail")
            if path.finished == RETURN:
                self._wrong(path, "returns though the store failed")
            if self._does(path, TRY):
                self._goes_to(path, None)
        elif self._does(path, TRY if path.finished == RETURN else TRY + WAKES):
            self._takes(path)

    def _takes(self, path: Path) -> None:
        read, attempt = (_of(path, kind) for kind in (TRY[0], TRY[-1]))
        assert read is not None and attempt is not None
        before, after = read.operands[1], attempt.operands[1]
        ticket = lock.upcoming(O, before)
        is_had = ticket == lock.served(before)
        self._must(path, "the word is not that of a ticket taken", after == lock.taken(O, before))
        if path.finished == RETURN:
            self.steps.add("take, and have")
            self._must(path, "returns before its ticket is served", is_had)
        else:
            self.steps.add("take, and wait")
            self._must(path, "waits though its ticket is served", z3.Not(is_had))
            self._goes_to(path, ticket)

    def _waits(self, path: Path) -> None:
        if not self._does(path, LOOK, ["wfe", *LOOK]):
            return
        read = _of(path, LOOK[0])
        assert read is not None
        is_had = lock.served(read.operands[1]) == extend(_ticket()).z
        if path.finished == RETURN:
            self.steps.add("look, and have")
            self._must(path, "returns before its ticket is served", is_had)
        else:
            self.steps.add("look, and wait")
            self._must(path, "waits though its ticket is served", z3.Not(is_had))
            self._goes_to(path, extend(_ticket()).z)

    def _drops(self, path: Path) -> None:
        if path.finished != RETURN:
            self._wrong(path, "does not return")
        if not self._does(path, GIVE):
            return
        self.steps.add("drop")
        read, write = (_of(path, kind) for kind in (GIVE[0], GIVE[-1]))
        assert read is not None and write is not None
        self._must(path, "what is stored is not the following ticket",
                   write.operands[1] == lock.following(O, read.operands[1]))


# ---- rows ----------------------------------------------------------------------------------


def _source(target: Target) -> str:
    return target.debug.line_of(target.image.function(LOCK_TAKE).address)


def refine(target: Target, stretches: list[Stretch], folder: FilePath) -> Row:
    """The row T1."""
    begin = time.process_time()
    check = Check(target, folder)
    for stretch in stretches:
        check.stretch(stretch)
    check.failures += [Failure(f"nothing does: {step}", _source(target), "", "vacuous", (), "")
                       for step in sorted(EVERY - check.steps)]
    facts = {"paths": sum(len(s.found.ended) for s in stretches), "steps": len(check.steps),
             "queries": check.queries}
    return row(NAME, "T1", time.process_time() - begin, facts, check.failures, (),
               _source(target))


def _kept(stretch: Stretch, path: Path) -> list[str]:
    """What a path must keep and does not."""
    start = stretch.found.start
    wrong = [f"x{n} is not kept: {describe(path.regs[n])}" for n in range(32)
             if n not in LOCK_LOST and not path.regs[n].same(start.regs[n])]
    wrong += [f"writes {name}" for name in path.memory.updates]
    wrong += [f"writes {e.kind.removeprefix('msr ')}" for e in path.events
              if e.kind.startswith("msr ")]
    wrong += [f"q{n} is not kept" for n in range(32) for half in (0, 1)
              if not path.quads[n][half].same(fp_word(2 + 2 * n + half))]
    return wrong + ["uses the stack"] * (path.lowest < 0)


def protect(target: Target, stretches: list[Stretch], folder: FilePath) -> Row:
    """The row T2."""
    begin = time.process_time()
    failures: list[Failure] = []
    asked, words = 0, set()
    for stretch in stretches:
        world = stretch.found.world
        solver = Solver((), folder, world.symbols)
        words |= world.addresses
        for path in stretch.found.ended:
            failures += [Failure(what, where(target, path.pc), decisions(target, path), "refuted",
                                 (), "") for what in _kept(stretch, path)]
        owed = [(o.given, o.goal, o.pc, f"{o.kind}: {o.text}") for o in world.obligations]
        owed += [(tuple(p.given), z3.BoolVal(False), p.pc, f"reachable: {reason}")
                 for p, reason in stretch.found.stuck]
        for given, goal, pc, what in owed:
            verdict = solver.prove(given, goal, f"{NAME}-T2-{asked + solver.queries}")
            if verdict.status != "proved":
                failures.append(Failure(what, where(target, pc), "", verdict.status,
                                        model_values(verdict), str(verdict.query)))
        asked += solver.queries
    facts = {"paths": sum(len(s.found.ended) for s in stretches), "obligations": asked,
             coverage.WORDS: coverage.packed(words)}
    return row(NAME, "T2", time.process_time() - begin, facts, failures, (), _source(target))


def _range(target: Target, name: str) -> range:
    symbol = target.image.function(name)
    return range(symbol.address, symbol.address + symbol.size)


def costs(target: Target, stretches: list[Stretch] | None = None) -> dict[str, int]:
    """Instructions of lock_take, if its first store succeeds and its ticket is served at once,
    of lock_drop, and of their copies."""
    found = dict.fromkeys(LOCK, 0)
    for stretch in explore(target) if stretches is None else stretches:
        begin = stretch.found.start.address
        name = next((name for name in LOCK if begin in _range(target, name)), None)
        if name is None:
            continue
        counts = [p.count for p in stretch.found.ended
                  if stretch.text != WAITS and (p.finished == RETURN or not events(p))]
        found[name] += max(counts, default=0)
    return found


def bound(target: Target, stretches: list[Stretch]) -> Row:
    """The row T8."""
    begin = time.process_time()
    count = costs(target, stretches)
    again = {text: max((p.count for s in stretches if s.text == text for p in s.found.ended
                        if events(p) and p.finished != RETURN and not succeeds(p)), default=0)
             for text in (ASKS, WAITS)}
    cores = target.constant("HV_NCPU")
    facts = {"instructions": max(count.values()), "stack bytes": 0, **count,
             "each store that fails": again[ASKS], "each look": again[WAITS],
             "wait": f"at most the {cores - 1} cores that asked before have the lock first (T9)"}
    missing = [Failure(f"{name} does not return", _source(target), "", "refuted", (), "")
               for name, number in count.items() if not number]
    return row(NAME, "T8", time.process_time() - begin, facts, missing, (), _source(target))


def prove(target: Target, theorems: tuple[str, ...], folder: FilePath) -> list[Row]:
    """The rows T1, T2 and T8, those that are asked for."""
    rows = []
    stretches = explore(target)
    if "T1" in theorems:
        with queries.about("T1"):
            rows.append(refine(target, stretches, folder))
    if "T2" in theorems:
        with queries.about("T2"):
            rows.append(protect(target, stretches, folder))
    if "T8" in theorems:
        rows.append(bound(target, stretches))
    return rows
