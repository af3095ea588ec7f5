# SPDX-License-Identifier: MIT
"""Z3's Python binding, without what it does again and again.

The library checks the arguments of every call, and the binding asks after each whether there
was an error. Not asked are those that read or keep a term that lives, which cannot fail; and the
binding's own checks of arguments are left out. Each would take as long as the call again.
"""
import ctypes
from typing import Any

import z3.z3

APPLICATIONS = z3.Z3_NUMERAL_AST, z3.Z3_APP_AST
POINTER, NUMBER = ctypes.c_void_p, ctypes.c_uint
# Functions of one term, sort or declaration: name and result.
READING: dict[str, Any] = {
    "inc_ref": None, "dec_ref": None, "sort_to_ast": z3.Ast, "func_decl_to_ast": z3.Ast,
    "get_sort": z3.Sort, "get_app_decl": z3.FuncDecl, "get_ast_kind": NUMBER, "get_ast_id": NUMBER,
    "get_decl_kind": NUMBER, "get_sort_kind": NUMBER, "get_app_num_args": NUMBER,
}


def function(name: str, result: Any, *arguments: Any) -> Any:
    """A function of Z3's C interface; where it is, that of the binding knows, as the default of
    its last argument."""
    known = getattr(z3.z3core, f"Z3_{name}").__defaults__[-1].f
    return ctypes.PYFUNCTYPE(result, *arguments)(ctypes.cast(known, POINTER).value)


_inc_ref, _dec_ref = (function(name, None, POINTER, POINTER) for name in ("inc_ref", "dec_ref"))
_id, _kind, _decl_kind = (function(name, NUMBER, POINTER, POINTER) for name in (
    "get_ast_id", "get_ast_kind", "get_decl_kind"))
_declaration, _sort = (function(name, POINTER, POINTER, POINTER) for name in (
    "get_app_decl", "get_sort"))
_argument = function("get_app_arg", z3.Ast, POINTER, POINTER, NUMBER)
_count = function("get_app_num_args", NUMBER, POINTER, POINTER)
_coerced, _wrapped = z3.z3._coerce_exprs, z3.z3._to_expr_ref
# By the address of a sort: the sort, which keeps its address its own, and the classes that Python
# has for its terms and its numbers.
_classes: dict[int, tuple[z3.SortRef, type, type]] = {}


# Methods of z3.ExprRef. Z3 has equal terms once, so their addresses are compared.


def __init__(self: z3.ExprRef, ast: z3.Ast, ctx: z3.Context | None = None) -> None:
    self.ast, self.ctx = ast, ctx or z3.main_ctx()
    _inc_ref(self.ctx.ctx, ast)


def __del__(self: z3.ExprRef) -> None:
    if self.ctx.ctx is not None and self.ast is not None:
        _dec_ref(self.ctx.ctx, self.ast)
        self.ast = None


def ctx_ref(self: z3.ExprRef) -> Any:
    return self.ctx.ctx


def eq(self: z3.ExprRef, other: z3.AstRef) -> bool:
    return self.ast.value == other.ast.value


def get_id(self: z3.ExprRef) -> int:
    return _id(self.ctx.ctx, self.ast)


def arg(self: z3.ExprRef, idx: int) -> z3.ExprRef:
    context = self.ctx.ctx
    if not 0 <= idx < _count(context, self.ast):
        raise IndexError(f"argument {idx}")
    return _to_expr_ref(_argument(context, self.ast, idx), self.ctx)


def children(self: z3.ExprRef) -> list[z3.ExprRef]:
    context, ast = self.ctx.ctx, self.ast
    if _kind(context, ast) not in APPLICATIONS:
        return []
    return [_to_expr_ref(_argument(context, ast, n), self.ctx) for n in range(_count(context, ast))]


def _to_expr_ref(a: z3.Ast, ctx: z3.Context) -> z3.ExprRef:
    """z3._to_expr_ref: of a sort that was met before it is known what its terms are."""
    kind = _kind(ctx.ctx, a)
    if kind not in APPLICATIONS:
        return _wrapped(a, ctx)
    sort = _sort(ctx.ctx, a)
    known = _classes.get(sort)
    if known is None:
        found = _wrapped(a, ctx)
        if isinstance(found, z3.BitVecRef):
            _classes[sort] = found.sort(), z3.BitVecRef, z3.BitVecNumRef
        elif isinstance(found, z3.BoolRef):
            _classes[sort] = found.sort(), z3.BoolRef, z3.BoolRef
        return found
    return known[1 + (kind == z3.Z3_NUMERAL_AST)](a, ctx)


def is_app_of(a: object, k: int) -> bool:
    """z3.is_app_of, without an object for the function."""
    if not isinstance(a, z3.ExprRef) or _kind(a.ctx.ctx, a.ast) not in APPLICATIONS:
        return False
    return _decl_kind(a.ctx.ctx, _declaration(a.ctx.ctx, a.ast)) == k


def is_bv_value(a: object) -> bool:
    """z3.is_bv_value: Python has such terms in a class of their own."""
    return isinstance(a, z3.BitVecNumRef)


def _coerce_exprs(a: object, b: object,
                  ctx: z3.Context | None = None) -> tuple[z3.ExprRef, z3.ExprRef]:
    """z3._coerce_exprs: two terms of one sort are as they should be."""
    if isinstance(a, z3.ExprRef) and isinstance(b, z3.ExprRef) and \
            _sort(a.ctx.ctx, a.ast) == _sort(b.ctx.ctx, b.ast):
        return a, b
    return _coerced(a, b, ctx)


def quicken() -> None:
    """Changes what the binding calls, for all of this process."""
    z3.z3.Z3_DEBUG = False
    for name, result in READING.items():
        setattr(z3.z3, f"Z3_{name}", function(name, result, POINTER, POINTER))
    for method in (__init__, __del__, ctx_ref, eq, get_id, arg, children):
        setattr(z3.ExprRef, method.__name__, method)
    for replaced in (is_app_of, is_bv_value, _coerce_exprs, _to_expr_ref):
        for module in (z3, z3.z3):
            setattr(module, replaced.__name__, replaced)
