# SPDX-License-Identifier: MIT
"""How a transition is written, registered and evaluated.

A transition is a function of a `Transition` and the arguments of the hypercall. It first
requires, then updates, then returns the result; `t.choose` splits success into cases. One
evaluation on ints gives one `Outcome`; one on Z3 terms gives the list of all `Case`s, errors
and successes alike, whose conditions exclude each other and cover everything.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from .marks import Mark, mark_here
from .state import ConcreteState, State, SymbolicState
from .words import Ops, Truth, Word, same

ROOT = Path(__file__).parent.parent
Event = tuple[Any, ...]


class Refused(Exception):
    """A guard failed: the rest of the transition does not happen."""


@dataclass(frozen=True)
class Outcome:
    """What a call did: `result` is x0 (a word), `state` the state afterwards, `events` what
    the outside saw, in order: (name, word, ...), `case` the name of the case."""

    result: Word
    state: State
    events: tuple[Event, ...]
    case: str


@dataclass(frozen=True)
class Case(Outcome):
    """One way that a call can go. `path` are the truths under which it does, in the order in
    which they were tested; `errno` is None for success; `steps` are the changes
    of counters and deadlines (ghosts.Step, schedule.KeyStep); `marks` are the lines that did it.
    With `part` set the case is what comes before the part of that name, which may begin if
    `given` holds. If it `follows`, nothing has changed since another such part was done."""

    path: tuple[Truth, ...]
    condition: Truth
    errno: int | None
    steps: tuple[Any, ...] = ()
    marks: tuple[Mark, ...] = ()
    part: str | None = None
    given: Truth = True
    follows: bool = False


class Reader:
    """A state with what is needed to talk about it: `c` has the constants of the kernel as
    attributes, `o` computes with words."""

    def __init__(self, c: Any, state: State) -> None:
        self.c = c
        self.o: Ops = state.ops
        self.state = state
        self.get = state.get

    @property
    def cpu(self) -> Word:
        """The core that executes (index of sched.cpus)."""
        return self.get("sys.cpu")


class Transition(Reader):
    """The state as it becomes while a transition is written down; `before` is the state at
    the start, `self` the process that called, `ghosts` whether ghost fields are kept, and
    `orders` whether those are that order what is counted."""

    def __init__(self, c: Any, state: State, ghosts: bool = True, orders: bool = True) -> None:
        super().__init__(c, state)
        self.ghosts = ghosts
        self.orders = ghosts and orders
        self.steps: list[Any] = []
        self.before = state
        self.events: list[Event] = []
        self.trail: list[str] = []
        self.within: Part | None = None
        self.self: Word = state.get("sched.cpus.current", state.get("sys.cpu"))

    def become(self, state: State) -> None:
        """From now on this is the state."""
        self.state = state
        self.get = state.get

    def set(self, name: str, key: tuple[Word, ...], value: Word) -> None:
        """From now on it has this value at these indices."""
        if self.ghosts or not name.startswith("ghost."):
            self.become(self.state.set(name, key, value))

    def zero_page(self, page: Word) -> None:
        """Every word of pages[page] becomes 0."""
        self.become(self.state.zero_page(page))

    def copy_page(self, to: Word, source: Word) -> None:
        """Every word of pages[to] becomes that of pages[source]."""
        self.become(self.state.copy_page(to, source))

    def event(self, name: str, *words: Word) -> None:
        """Something that the state does not show happens."""
        self.events.append((name, *words))

    def require(self, condition: Truth, errno: int) -> None:
        """Unless the condition holds, the call fails with -errno and changes nothing."""
        if not condition:
            raise Refused(errno)

    def choose(self, condition: Truth, label: str) -> bool:
        """Success goes two ways from here; `label` names the way on which it holds."""
        self._note(label if condition else f"not {label}")
        return condition

    def _note(self, label: str) -> None:
        self.trail.append(label if self.within is None else f"{self.within.name}: {label}")

    def end_with(self, part: Part, args: tuple[Word, ...]) -> Word:
        """The rest, and the result, is what the part says."""
        self._must_fit(part, args)
        self.within = part
        return part.text(self, *args)

    def go_through(self, part: Part, args: tuple[Word, ...]) -> None:
        """What the part says is done, and then something else; its result is nobody's."""
        self._must_fit(part, args)
        part.text(self, *args)

    def _must_fit(self, part: Part, args: tuple[Word, ...]) -> None:
        if part.given(self, *args) is not True:
            raise ValueError(f"{part.name} may not begin here")


class SymbolicTransition(Transition):
    """Follows `plan` at the first choices, then takes the true way, and notes the rest.
    Parts that are named in `apart`, or all if it
    is None, are left out."""

    def __init__(self, c: Any, state: SymbolicState, ghosts: bool, orders: bool,
                 plan: tuple[bool, ...], apart: tuple[str, ...] | None = ()) -> None:
        super().__init__(c, state, ghosts, orders)
        self.apart = apart
        self.ended_with: Part | None = None
        self.given: Truth = True
        self.done: SymbolicState | None = None
        self.cut: list[Case] = []
        self.plan = plan
        self.taken: tuple[bool, ...] = ()
        self.path: tuple[Truth, ...] = ()
        self.errors: list[Case] = []
        self.open_plans: list[tuple[bool, ...]] = []
        self.guards = 0
        self.marks: list[Mark] = []
        self.state: SymbolicState = state

    def end_with(self, part: Part, args: tuple[Word, ...]) -> Word:
        self._may_go_on()
        if self.apart is not None and part.name not in self.apart:
            self.within = part
            return part.text(self, *args)
        self.ended_with, self.given = part, part.given(self, *args)
        return 0

    def go_through(self, part: Part, args: tuple[Word, ...]) -> None:
        """If all parts are left out, a case ends here, and another goes on from where the part
        leaves the state, in which every invariant holds again."""
        self._may_go_on()
        if self.apart is None and len(self.taken) >= len(self.plan):
            self.ended_with, self.given = part, part.given(self, *args)
            self.cut.append(self.success(0))
            self.ended_with, self.given = None, True
        part.text(self, *args)
        self.done = self.state

    def success(self, result: Word) -> Case:
        """The way that was taken up to here."""
        return Case(self.o.word(result), self.state, tuple(self.events),
                    ", ".join(self.trail) or "done", self.path, self.o.and_(*self.path), None,
                    tuple(self.steps), tuple(self.marks),
                    self.ended_with and self.ended_with.name, self.given,
                    self.apart is None and self.state is self.done)

    def _may_go_on(self) -> None:
        if self.ended_with is not None:
            raise ValueError(f"something follows {self.ended_with.name}, which is an end")

    def become(self, state: Any) -> None:
        self._may_go_on()
        old, new = self.state.updates, state.updates
        self.marks += [mark_here("update", name) for name, updates in new.items()
                       if old.get(name) is not updates]
        super().become(state)

    def event(self, name: str, *words: Word) -> None:
        self._may_go_on()
        self.marks.append(mark_here("event", name))
        super().event(name, *words)

    def require(self, condition: Truth, errno: int) -> None:
        self._may_go_on()
        self.guards += 1
        known = self.o.known(condition)
        if known is True:
            return
        if len(self.taken) >= len(self.plan):    # else an earlier plan has listed it
            path = self.path if known is False else (*self.path, self.o.not_(condition))
            self.errors.append(Case(
                self.o.word(-errno), self.before, (), f"guard {self.guards}", path,
                self.o.and_(*path), errno,
                marks=(*self.marks, mark_here("refused", f"errno {errno}"))))
        if known is False:
            raise Refused(errno)
        self.marks.append(mark_here("guard", f"errno {errno}"))
        self.path = (*self.path, condition)

    def _decided(self, condition: Truth) -> bool | None:
        """Is it plain, or was it chosen before on this path?"""
        known = self.o.known(condition)
        for truth in self.path if known is None else ():
            if same(truth, condition):
                return True
            if same(truth, self.o.not_(condition)):
                return False
        return known

    def choose(self, condition: Truth, label: str) -> bool:
        self._may_go_on()
        way = self._decided(condition)
        if way is None:
            at = len(self.taken)
            way = self.plan[at] if at < len(self.plan) else True
            if at >= len(self.plan):
                self.open_plans.append((*self.taken, False))
            self.taken = (*self.taken, way)
            self.path = (*self.path, condition if way else self.o.not_(condition))
        said = label if way else f"not {label}"
        self._note(said)
        self.marks.append(mark_here("choice", said))
        return way


@dataclass(frozen=True)
class Spec:
    """The specification of one transition: `text` is the function as written."""

    name: str
    text: Callable[..., Word]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the arguments (words), in order, as in hypercall.def."""
        names = tuple(inspect.signature(self.text).parameters)[1:]
        return tuple(name.rstrip("_") for name in names)

    def run(self, c: Any, state: ConcreteState, args: tuple[int, ...]) -> Outcome:
        """On ints. `state` itself becomes the state afterwards."""
        t = Transition(c, state)
        try:
            result = self.text(t, *args)
        except Refused as refusal:
            errno = refusal.args[0]
            return Outcome(t.o.word(-errno), state, (), f"error {errno}")
        return Outcome(t.o.word(result), t.state, tuple(t.events), ", ".join(t.trail) or "done")

    def symbolic(self, c: Any, state: SymbolicState, args: tuple[Word, ...],
                 ghosts: bool = True, orders: bool = True,
                 apart: tuple[str, ...] | None = ()) -> list[Case]:
        """On Z3 bv64 terms: every case, successes after the errors that precede them.
        Refinement needs no ghosts, induction no orders, and terms are smaller without. Cases
        end where a part begins that is named in `apart`, or any if that is None."""
        cases: list[Case] = []
        plans: list[tuple[bool, ...]] = [()]
        while plans:
            t = SymbolicTransition(c, state, ghosts, orders, plans.pop(), apart)
            try:
                self._begin(t, args)
                done = [t.success(self.text(t, *args))]
            except Refused:
                done = []
            cases += t.errors + t.cut + done
            plans += t.open_plans
        return cases

    def _begin(self, t: SymbolicTransition, args: tuple[Word, ...]) -> None:
        """What is known besides the invariants."""


@dataclass(frozen=True)
class Part(Spec):
    """What several transitions end with. Where it begins every invariant must hold, and
    `given`; so it is proved once to preserve them."""

    given: Callable[..., Truth] = lambda t, *args: True

    @property
    def source(self) -> str:
        """Where it is written: file:line, from the root of the tree."""
        code = self.text.__code__
        return f"{Path(code.co_filename).relative_to(ROOT)}:{code.co_firstlineno}"

    def _begin(self, t: SymbolicTransition, args: tuple[Word, ...]) -> None:
        t.path = (self.given(t, *args),)


@dataclass(frozen=True)
class Group:
    """Transitions of one file, under the names that hypercall.def gives them."""

    specs: dict[str, Spec] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)

    def hypercall(self, text: Callable[..., Word]) -> Callable[..., Word]:
        """Decorator: registers the function under its name, less a trailing underscore."""
        name = text.__name__.rstrip("_")
        if name in self.specs:
            raise ValueError(f"two transitions called {name}")
        self.specs[name] = Spec(name, text)
        return text

    def part(self, given: Callable[..., Truth]) -> Callable[[Callable[..., Word]],
                                                            Callable[..., Word]]:
        """Decorator: the function is a `Part`."""
        def register(text: Callable[..., Word]) -> Callable[..., Word]:
            part = Part(text.__name__, text, given)
            self.parts[part.name] = part
            return lambda t, *args: t.end_with(part, args)
        return register
