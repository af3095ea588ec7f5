#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Says how many lines of specification there are for each line of the kernel that is proved
against it, and fails if more than 1.5.

Counted are lines with code: no comments, no docstrings, no empty lines. Of kernel/ what runs after
boot, C, headers and assembly; of spec/ all.
"""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 1.5
COMMENT = re.compile(r"/\*.*?\*/", re.S)
WITHOUT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
                tokenize.ENDMARKER}


def of_python(text: str) -> int:
    found = {number for token in tokenize.generate_tokens(io.StringIO(text).readline)
             if token.type not in WITHOUT_CODE
             for number in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and \
                ast.get_docstring(node) is not None:
            said = node.body[0]
            found -= set(range(said.lineno, (said.end_lineno or said.lineno) + 1))
    return len(found)


def of_c(text: str) -> int:
    bare = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
    return sum(bool(line.strip()) for line in bare.splitlines())


def main() -> int:
    spec = sum(of_python(path.read_text()) for path in (ROOT / "spec").rglob("*.py"))
    runs = {False: 0, True: 0}
    for path in (ROOT / "kernel").glob("*.[chS]"):
        runs[path.name.startswith("boot")] += of_c(path.read_text())
    ratio = spec / runs[False]
    print(f"lines of spec/: {spec}, {ratio:.2f} for each of the kernel's {runs[False]} that run "
          f"after boot (at most {MOST}); boot has {runs[True]} more")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
