# SPDX-License-Identifier: MIT
"""terms.py BASE TREE HYPERCALL...: those whose specification in TREE says something else, as
formulas, than in BASE: a line each, with what differs, `state`, or `ghost` if that is all. A
program, because it imports both."""
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import z3

WORD = z3.BitVec("word", 64)


def load(tree: Path) -> tuple[ModuleType, ModuleType]:
    """The package spec of that tree, and its module state."""
    for name in [n for n in sys.modules if n.split(".")[0] == "spec"]:
        del sys.modules[name]
    sys.path.insert(0, str(tree))
    found = importlib.import_module("spec"), importlib.import_module("spec.state")
    sys.path.pop(0)
    return found


def _of_update(update: Any) -> list[Any]:
    parts = [*update.key, update.value]
    parts += [f(WORD) for f in (update.content, update.covers) if f is not None]
    return parts


def terms(package: tuple[ModuleType, ModuleType], c: Any, name: str) -> dict[str, list[Any]]:
    """All that the cases of a transition say, in their order: of the state, and of ghosts."""
    spec, state = package
    call = spec.transition(name)
    arguments = tuple(z3.BitVec(f"x{n}", 64) for n in range(len(call.parameters)))
    found: dict[str, list[Any]] = {"state": [], "ghost": []}
    for case in call.symbolic(c, state.SymbolicState(), arguments):
        found["state"] += [case.errno, case.result, case.condition]
        found["state"] += [part for event in case.events for part in event]
        for function, updates in sorted(case.state.updates.items()):
            kind = "ghost" if function.startswith("ghost.") else "state"
            found[kind].append(function)
            found[kind] += [part for update in updates for part in _of_update(update)]
    return found


def same(left: Any, right: Any) -> bool:
    """Are two parts the same formula, or the same text?"""
    if isinstance(left, z3.AstRef) and isinstance(right, z3.AstRef):
        return bool(left.eq(right))
    return repr(left) == repr(right)


def differs(base: list[Any], other: list[Any]) -> bool:
    """Is anything different?"""
    return len(base) != len(other) or not all(map(same, base, other))


def main() -> int:
    base, tree = map(Path, sys.argv[1:3])
    names = sys.argv[3:]
    sys.path.insert(0, str(base))
    target = importlib.import_module("verif.target")
    premises = importlib.import_module("verif.premises")
    c = premises.constants(target.load(base / "build" / "hv8.elf"))
    first = load(base)
    before = {name: terms(first, c, name) for name in names}
    second = load(tree)
    for name in names:
        try:
            after = terms(second, c, name)
        except Exception:  # whatever a faulty text raises: the verifier is to say so
            after = {"state": [], "ghost": []}
        kinds = [kind for kind in ("state", "ghost") if differs(before[name][kind], after[kind])]
        if kinds:
            print(name, kinds[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
