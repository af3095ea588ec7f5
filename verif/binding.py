# SPDX-License-Identifier: MIT
"""Z3's Python binding, without what it does again and again.

The library checks the arguments of every call, and the binding asks after each whether there
was an error. Not asked are those that read or keep a term that lives, which cannot fail; and the
binding's own checks of arguments are left out. Each would take as long as the call again.
"""
import ctypes
from typing import Any

import z3.z3

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


def quicken() -> None:
    """Changes what the binding calls, for all of this process."""
    z3.z3.Z3_DEBUG = False
    for name, result in READING.items():
        setattr(z3.z3, f"Z3_{name}", function(name, result, POINTER, POINTER))
