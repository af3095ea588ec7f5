# SPDX-License-Identifier: MIT
"""Faults in the specification and in the invariants, by Python's own parser."""
import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from spec.state import FIELDS

from .mutant import Mutant
from .source_c import Facts

OTHER_OPERATION = {"and_": "or_", "or_": "and_", "ult": "ule", "ule": "ult", "add": "sub",
                   "sub": "add", "iff": "implies", "shl": "shr", "shr": "shl"}
OTHER_SIGN = {ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.BitAnd: ("&", "|"),
              ast.BitOr: ("|", "&"), ast.BitXor: ("^", "|")}
# What only invariants can see: no machine holds it.
GHOSTLY = re.compile(r"\bghost\.|\bhandle_item\(|\b_swap\(")

Definition = ast.FunctionDef | ast.ClassDef | ast.Assign


@dataclass(frozen=True)
class Module:
    """One file of spec/, and the names that it defines and imports."""

    file: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each line starts."""
        return (0, *(m.end() for m in re.finditer("\n", self.text)))

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """Functions, classes and constants of the file, by name."""
        found: dict[str, Definition] = {}
        for node in self.tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = node
        return found

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """First character and one past the last."""
        return (self.starts[node.lineno - 1] + node.col_offset,
                self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0))

    def source(self, node: ast.expr | ast.stmt) -> str:
        """Its text."""
        start, end = self.span(node)
        return self.text[start:end]


@dataclass(frozen=True)
class Maker:
    """Makes the faults of one definition."""

    kind: str
    module: Module
    name: str
    known: Facts

    @property
    def node(self) -> Definition:
        """What it makes faults in."""
        return self.module.definitions[self.name]

    def span_becomes(self, operator: str, start: int, end: int, new: str) -> Mutant:
        """A fault from character `start` to `end`."""
        old = self.module.text[start:end]
        line = self.module.text.count("\n", 0, start) + 1
        ghostly = GHOSTLY.search(old) is not None and self.kind == "spec"
        return Mutant(self.kind, f"ghost-{operator}" if ghostly else operator, self.module.file,
                      self.name, f"{self.module.file}:{line}", start, end, old, new)

    def becomes(self, operator: str, node: ast.expr | ast.stmt, new: str) -> Mutant:
        """The node has another text."""
        return self.span_becomes(operator, *self.module.span(node), new)


# ---- statements -------------------------------------------------------------------------


def _called(node: ast.AST) -> str:
    """Name of the function or method that an expression statement calls."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return ""
    function = node.value.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for inner in ast.walk(node):
        for name in ("body", "orelse"):
            block = getattr(inner, name, None)
            if isinstance(block, list):
                yield block


def _errno(node: ast.stmt) -> str:
    """What a guard fails with; of a group of guards: which group."""
    call = node.value if isinstance(node, ast.Expr) else node
    if isinstance(call, ast.Call) and _called(node) == "require":
        return ast.dump(call.args[1])
    return ast.dump(node)


def statements(m: Maker) -> Iterator[Mutant]:
    """A guard or an update is missing, guards come in the other order, a choice is none."""
    for block in _blocks(m.node):
        for node in block:
            name = _called(node)
            if name:
                guard = name.startswith("require")
                yield m.becomes("drop-guard" if guard else "drop-update", node, "pass")
            if isinstance(node, ast.If):
                yield m.becomes("drop-choice", node.test, "True")
        for first, second in pairwise(block):
            if _called(first).startswith("require") and _called(second).startswith("require") \
                    and _errno(first) != _errno(second):
                (start, middle), (after, end) = m.module.span(first), m.module.span(second)
                text = m.module.text
                yield m.span_becomes("swap-guards", start, end,
                                     text[after:end] + text[middle:after] + text[start:middle])


# ---- expressions ----------------------------------------------------------------------------


def _is_operation(node: ast.Call) -> bool:
    """A call of o.and_ and the like."""
    function = node.func
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    return getattr(owner, "id", getattr(owner, "attr", "")) in ("o", "ops")


def _joined(m: Maker, left: ast.expr, right: ast.expr, sign: str, other: str) -> Mutant:
    """The sign between the two becomes the other."""
    start, end = m.module.span(left)[1], m.module.span(right)[0]
    return m.span_becomes("wrong-operator", start, end,
                          m.module.text[start:end].replace(sign, other, 1))


def operations(m: Maker) -> Iterator[Mutant]:
    """Another operation."""
    for node in ast.walk(m.node):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER_SIGN:
            yield _joined(m, node.left, node.comparators[0], *OTHER_SIGN[type(node.ops[0])])
        elif isinstance(node, ast.BinOp) and type(node.op) in OTHER_SIGN:
            yield _joined(m, node.left, node.right, *OTHER_SIGN[type(node.op)])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) \
                and _is_operation(node):
            name, start = node.func.attr, m.module.span(node.func)[1]
            if name == "not_":
                yield m.becomes("wrong-operator", node, m.module.source(node.args[0]))
            elif name in OTHER_OPERATION:
                yield m.span_becomes("wrong-operator", start - len(name), start,
                                     OTHER_OPERATION[name])


def _other_function(name: str) -> str | None:
    """Another function of the state with the same indices and the same prefix."""
    same = [n for n, kinds in FIELDS.items()
            if kinds == FIELDS[name] and n.split(".")[0] == name.split(".")[0]]
    return same[(same.index(name) + 1) % len(same)] if len(same) > 1 else None


def _errors(m: Maker) -> set[int]:
    """Ids of the nodes that are the error of a guard."""
    return {id(node.args[1]) for node in ast.walk(m.node)
            if isinstance(node, ast.Call) and len(node.args) == 2
            and getattr(node.func, "attr", "") == "require"}


def words(m: Maker) -> Iterator[Mutant]:
    """Another error, constant, function of the state or number."""
    errors = _errors(m)
    for node in ast.walk(m.node):
        if isinstance(node, ast.Attribute) and m.known.other(node.attr) is not None:
            start = m.module.span(node)[1] - len(node.attr)
            yield m.span_becomes("other-errno" if id(node) in errors else "wrong-constant", start,
                                 start + len(node.attr), str(m.known.other(node.attr)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            other = _other_function(node.value) if node.value in FIELDS else None
            if other is not None:
                yield m.becomes("other-field", node, f'"{other}"')
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            yield m.becomes("wrong-number", node, str(node.value + 1))


def _words(node: Definition) -> set[str]:
    """Names in a function that may stand for a word: all but arguments of other types."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    if isinstance(node, ast.FunctionDef):
        names -= {a.arg for a in node.args.args
                  if getattr(a.annotation, "id", "") not in ("Word", "int")}
    return names


def swapped_arguments(m: Maker) -> Iterator[Mutant]:
    """Two plain arguments of a call in the other order."""
    plain = _words(m.node)
    for node in ast.walk(m.node):
        if not isinstance(node, ast.Call) or _is_operation(node):
            continue
        for left, right in pairwise(node.args):
            names = [a.id for a in (left, right) if isinstance(a, ast.Name)]
            if len(names) == 2 and set(names) <= plain and not names[0].isupper():
                start, end = m.module.span(left)[0], m.module.span(right)[1]
                yield m.span_becomes("swap-arguments", start, end, f"{names[1]}, {names[0]}")


# ---- statements of invariants ------------------------------------------------------------------


def conjuncts(m: Maker) -> Iterator[Mutant]:
    """A conjunct or a premise is missing."""
    for node in ast.walk(m.node):
        if not isinstance(node, ast.Call) or not _is_operation(node):
            continue
        name = getattr(node.func, "attr", "")
        if name == "implies":
            yield m.becomes("drop-premise", node, m.module.source(node.args[1]))
        if name == "and_" and len(node.args) > 1:
            for at, gone in enumerate(node.args):
                kept = [m.module.source(a) for n, a in enumerate(node.args) if n != at]
                function = m.module.source(node.func)
                yield m.becomes("drop-conjunct", node, f"{function}({', '.join(kept)})")


def answers(m: Maker) -> Iterator[Mutant]:
    """The statement is denied, or it contradicts itself."""
    if not isinstance(m.node, ast.FunctionDef) or getattr(m.node.returns, "id", "") != "Truth":
        return
    for node in ast.walk(m.node):
        if isinstance(node, ast.Return) and node.value is not None:
            text = m.module.source(node.value)
            ops = "o" if re.search(r"(?<![\w.])o\.", text) else "r.o"
            yield m.becomes("negate", node.value, f"{ops}.not_({text})")
            yield m.becomes("contradict", node.value, f"{ops}.and_({text}, {ops}.not_({text}))")


Operator = Callable[[Maker], Iterator[Mutant]]
OF_SPEC: tuple[Operator, ...] = (statements, operations, words, swapped_arguments)
OF_INVARIANTS: tuple[Operator, ...] = (conjuncts, answers, operations, words)


# ---- what is used by what ---------------------------------------------------------------------


def modules(root: Path) -> dict[str, Module]:
    """Every file of spec/, by its dotted name within it."""
    found = {}
    for path in sorted((root / "spec").rglob("*.py")):
        name = ".".join(path.relative_to(root / "spec").with_suffix("").parts)
        found[name] = Module(str(path.relative_to(root)), path.read_text())
    return found


def _imports(name: str, module: Module) -> dict[str, tuple[str, str]]:
    """Imported name -> module and name there ("" if it is the module itself)."""
    found = {}
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        above = name.split(".")[:-node.level]
        base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
        for alias in node.names:
            place = (base, alias.name) if node.module else \
                (f"{base}.{alias.name}".strip("."), "")
            found[alias.asname or alias.name] = place
    return found


def uses(every: dict[str, Module]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """(module, name) -> those that its definition mentions."""
    graph = {}
    for name, module in every.items():
        imported = _imports(name, module)
        for defined, node in module.definitions.items():
            graph[name, defined] = {
                place for inner in ast.walk(node)
                if (place := _mentioned(name, module, imported, inner)) is not None}
    return graph


def _mentioned(name: str, module: Module, imported: dict[str, tuple[str, str]],
               node: ast.AST) -> tuple[str, str] | None:
    if isinstance(node, ast.Name):
        if node.id in module.definitions:
            return name, node.id
        place = imported.get(node.id)
        return place if place and place[1] else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        place = imported.get(node.value.id)
        return (place[0], node.attr) if place and not place[1] else None
    return None


def closure(graph: dict[tuple[str, str], set[tuple[str, str]]],
            start: tuple[str, str]) -> set[tuple[str, str]]:
    """All that a definition mentions, directly or not, and itself."""
    seen: set[tuple[str, str]] = set()
    work = [start]
    while work:
        at = work.pop()
        if at not in seen and at in graph:
            seen.add(at)
            work += graph[at]
    return seen


def is_transition(node: Definition) -> bool:
    """Is it registered as one, of a hypercall or a trap, or of what several end with?"""
    names = {d.func if isinstance(d, ast.Call) else d
             for d in node.decorator_list} if isinstance(node, ast.FunctionDef) else set()
    return any(isinstance(d, ast.Attribute) and d.attr in ("hypercall", "part") for d in names)
