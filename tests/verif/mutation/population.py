# SPDX-License-Identifier: MIT
"""All faults of one kind that a theorem is there to notice, and samples of them."""
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace

import spec
import z3
from spec.state import SymbolicState

from verif import premises
from verif.whole import ENDS

from . import barrier, binary, source_asm, source_c, source_python, vectors
from .mutant import ROOT, Mutant, numbered
from .reach import LEAVES, LOCK, Code

# Proofs of ten seconds and more: tried last.
SLOW = ("console_read", "wait", "kill", "send", "trap_irq", "recv", "call", "reply_wait")
# What changes much of the state, and is proved in a second or two: invariants are tried on it.
BUSY = ("create", "alloc_l1", "set_runnable", "grant_page", "map_device", "yield")
# What else an invariant is assumed of, or must be kept by.
EDGES = (*spec.traps(), *spec.edges(), *ENDS)
# What a part asks for where it begins.
PREMISES = frozenset(part.given.__name__ for part in spec.parts().values()) - {"<lambda>"}
HEADERS = ("include/uapi/abi.h", "include/uapi/tables.h", "kernel/state.h", "kernel/ipc.h")
# Whose faults the C kind leaves out: what the compiler does not make code of, one by one.
NO_FAULTS_IN = ("kernel/prim.h", "kernel/hypercall.h")
INVARIANT_FILES = ("invariants", "core_invariants", "table_invariants", "device_invariants",
                   "premises", "isolation")
SPEC_FILES = (*INVARIANT_FILES, "witness", "state", "words", "transition", "__init__")


def order(code: Code, names: Iterable[str]) -> tuple[str, ...]:
    """Those whose proof is quick first."""
    size = {name: len(reached) for name, reached in code.subjects().items()}
    rank = {name: at for at, name in enumerate(SLOW)}
    return tuple(sorted(names, key=lambda n: (rank.get(n, -1), size[n], n)))


def _bodies(code: Code) -> Iterator[tuple[source_c.Body, tuple[str, ...]]]:
    """Functions of kernel/, each with the hypercalls that run it, if there are some."""
    debug = code.kernel.debug
    lines = {name: {debug.line_of(a) for a in reached}
             for name, reached in code.subjects().items()}
    for path in sorted((ROOT / "kernel").glob("*.[ch]")):
        file = str(path.relative_to(ROOT))
        if file in NO_FAULTS_IN:
            continue
        for body in source_c.bodies(ROOT, file):
            places = {f"{file}:{number}" for number in body.lines}
            names = order(code, (n for n in lines if places & lines[n]))
            if names:
                yield body, names


def of_c(code: Code) -> Iterator[Mutant]:
    """In functions of kernel/ that some hypercall runs, and in the leaves' assembly."""
    known = source_c.facts(ROOT, HEADERS)
    for body, names in _bodies(code):
        yield from (replace(m, subjects=names) for m in source_c.faults(body, known))
    for m in source_asm.faults(ROOT, "kernel/leaf.S"):
        yield replace(m, subjects=(m.function,) if m.function in LEAVES else LEAVES)
    for m in source_asm.faults(ROOT, "kernel/lock.S"):
        yield replace(m, subjects=tuple(LOCK))


def of_binary(code: Code) -> Iterator[Mutant]:
    """In every instruction that some hypercall runs."""
    image = code.kernel.image
    runs: dict[str, list[str]] = {}
    for name, reached in code.subjects().items():
        for address in reached:
            runs.setdefault(image.function_at(address), []).append(name)
    for m in binary.faults(code):
        yield replace(m, subjects=order(code, runs[m.function]))


def _reached(root: Path, names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Definition of the specification -> hypercalls whose text mentions it."""
    every = source_python.modules(root)
    graph = source_python.uses(every)
    found: dict[tuple[str, str], list[str]] = {}
    for name, module in every.items():
        for defined, node in module.definitions.items():
            if source_python.is_transition(node) and defined.rstrip("_") in names:
                for place in source_python.closure(graph, (name, defined)):
                    found.setdefault(place, []).append(defined.rstrip("_"))
    return found


def _ends(c: SimpleNamespace, text: spec.Spec) -> set[str]:
    """The parts that come after it, or within it."""
    arguments = tuple(z3.BitVec(name, 64) for name in text.parameters)
    cases = text.symbolic(c, SymbolicState(), arguments, ghosts=False, orders=False, apart=None)
    return {name for case in cases for name in (case.part, *(event[0] for event in case.events))
            if name in spec.parts()}


def asking(c: SimpleNamespace) -> dict[tuple[str, str], tuple[str, ...]]:
    """Definition of the specification that says what parts ask for -> these, and who must show
    it."""
    graph = source_python.uses(source_python.modules(ROOT))
    parts = spec.parts()
    texts = {**spec.hypercalls(), **spec.interrupts(), **parts}
    ends = {name: _ends(c, text) for name, text in texts.items()}
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for part in parts.values():
        module = part.given.__module__.removeprefix("spec.")
        before = tuple(name for name in texts if part.name in ends[name])
        for place in source_python.closure(graph, (module, part.given.__name__)):
            if place[1] in PREMISES:
                found[place] = (*found.get(place, ()), part.name, *before)
    return {place: tuple(dict.fromkeys(names)) for place, names in found.items()}


def of_spec(code: Code) -> Iterator[Mutant]:
    """In transitions of hypercalls and in all that they use."""
    known, every = source_c.facts(ROOT, HEADERS), source_python.modules(ROOT)
    asked = asking(premises.constants(code.kernel))
    for (name, defined), calls in sorted(_reached(ROOT, code.subjects()).items()):
        subjects = tuple(dict.fromkeys((*asked.get((name, defined), ()),
                                        *order(code, set(calls)))))
        if name in SPEC_FILES:
            continue
        maker = source_python.Maker("spec", every[name], defined, known)
        for operator in source_python.OF_SPEC:
            yield from (replace(m, subjects=subjects) for m in operator(maker))


def of_invariants(code: Code) -> Iterator[Mutant]:
    """In invariants, premises and the statement of isolation. A conjunct less of that statement is
    left out: it says less, and is as true."""
    known, every = source_c.facts(ROOT, HEADERS), source_python.modules(ROOT)
    others = order(code, (c.name for c in code.kernel.hypercalls if c.name not in BUSY))
    subjects = BUSY + others + EDGES
    for name in INVARIANT_FILES:
        for defined in every[name].definitions:
            maker = source_python.Maker("invariant", every[name], defined, known)
            for operator in source_python.OF_INVARIANTS:
                yield from (replace(m, subjects=subjects) for m in operator(maker)
                            if (name, m.operator) != ("isolation", "drop-conjunct"))


def of_barriers(code: Code) -> Iterator[Mutant]:
    """In the order of barriers and TLB maintenance, in C and in the ELF."""
    every = order(code, (c.name for c in code.kernel.hypercalls))
    for body, names in _bodies(code):
        yield from (replace(m, subjects=names) for m in barrier.in_c(body))
    for m in barrier.in_primitives(ROOT, "kernel/prim.h"):
        yield replace(m, subjects=every)
    for address, following in barrier.places(code):
        names = order(code, (n for n, reached in code.subjects().items() if address in reached))
        yield from (replace(m, subjects=names)
                    for m in barrier.in_binary(code, address, following))


OF_KIND = {"c": of_c, "binary": of_binary, "spec": of_spec, "invariant": of_invariants,
           "barrier": of_barriers, "vectors": vectors.faults}


def population(code: Code, kind: str) -> tuple[Mutant, ...]:
    """All of one kind, in the order of their places."""
    found = tuple(numbered(OF_KIND[kind](code)))
    names = [m.identity for m in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two mutants of kind {kind} have one name")
    return found


def sample(every: tuple[Mutant, ...], count: int, seed: int) -> tuple[Mutant, ...]:
    """`count` of them (all, if there are fewer), of each operator as many, if there are. The
    same for the same seed and population."""
    chance = random.Random(seed)
    shuffled = chance.sample(every, len(every))
    by_operator: dict[str, list[Mutant]] = {}
    for m in shuffled:
        by_operator.setdefault(m.operator, []).append(m)
    rounds = zip_longest(*(by_operator[name] for name in sorted(by_operator)))
    return tuple(m for some in rounds for m in some if m is not None)[:count]
