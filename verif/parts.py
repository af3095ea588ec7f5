# SPDX-License-Identifier: MIT
"""The parts of a term, by their addresses in Z3: a Python object for each would take longer than
what is asked of it. Z3 has equal terms once, so an address is a term, as long as it lives; a part
lives as long as the whole."""
from dataclasses import dataclass, field

import z3

from . import binding
from .binding import NUMBER, POINTER

_count = binding.function("get_app_num_args", NUMBER, POINTER, POINTER)
_argument = binding.function("get_app_arg", POINTER, POINTER, POINTER, NUMBER)
_function = binding.function("get_app_decl", POINTER, POINTER, POINTER)


def address(term: z3.ExprRef) -> int:
    """Of the term itself."""
    return term.as_ast().value


def _of(term: z3.ExprRef) -> tuple[int, int]:
    return term.ctx_ref().value, term.as_ast().value


def arguments(part: int, term: z3.ExprRef) -> tuple[int, list[int]]:
    """The function that a part of `term` applies, and the parts that it is applied to."""
    context = term.ctx_ref().value
    return _function(context, part), [_argument(context, part, n)
                                      for n in range(_count(context, part))]


def is_small(term: z3.ExprRef, most: int) -> bool:
    """At most so many nodes, counted as a tree."""
    context, root = _of(term)
    left, todo = most, [root]
    while todo:
        left -= 1
        if left < 0:
            return False
        part = todo.pop()
        todo += [_argument(context, part, n) for n in range(_count(context, part))]
    return True


@dataclass(frozen=True)
class Function:
    """What is applied in a part; `kept` keeps its address its own."""

    name: str
    is_of_state: bool       # an uninterpreted function, or a name for a value
    kept: z3.FuncDeclRef


@dataclass
class Parts:
    """Terms that are read, and the functions met in them."""

    functions: dict[int, Function] = field(default_factory=dict)

    def of(self, term: z3.ExprRef) -> list[tuple[int, int, Function]]:
        """The term and all below it, each once: address, number of arguments, function."""
        context, root = _of(term)
        seen, todo, found = {root}, [root], []
        for part in todo:
            count = _count(context, part)
            found.append((part, count, self._function(context, part, term)))
            for n in range(count):
                child = _argument(context, part, n)
                if child not in seen:
                    seen.add(child)
                    todo.append(child)
        return found

    def _function(self, context: int, part: int, term: z3.ExprRef) -> Function:
        address = _function(context, part)
        found = self.functions.get(address)
        if found is None:
            declared = at(part, term).decl()
            found = Function(declared.name(), declared.kind() == z3.Z3_OP_UNINTERPRETED, declared)
            self.functions[address] = found
        return found


def at(part: int, term: z3.ExprRef) -> z3.ExprRef:
    """A part of `term`, as Python has terms."""
    found = z3.Ast(part)
    found.value = part
    return z3.z3._to_expr_ref(found, term.ctx)
