# SPDX-License-Identifier: MIT
"""Faults in the assembly of the leaf routines and the lock."""
import re
from collections.abc import Iterator
from pathlib import Path

from .mutant import Mutant

LINE = re.compile(r"^\t(\w[\w.]*)\t([^\n/]*)", re.M)
DIRECTIVES = (".", "dsb", "isb")


def _changes(name: str, operands: str) -> Iterator[tuple[str, str]]:
    """Operator and what the line becomes."""
    yield "drop-instruction", ""
    pair = re.match(r"(x\d+), (x\d+),(.*)", operands)
    if name in ("stp", "ldp") and pair:
        yield "swap-registers", f"\t{name}\t{pair[2]}, {pair[1]},{pair[3]}"
    number = re.search(r"(#|\+ )(\d+)\b", operands)
    if number:
        other = operands[:number.start(2)] + str(int(number[2]) + 8) + operands[number.end(2):]
        yield "wrong-number", f"\t{name}\t{other}"
    if name == "b.ne":
        yield "wrong-operator", f"\tb.eq\t{operands}"


def faults(root: Path, file: str) -> Iterator[Mutant]:
    """Every one of a file, in routines and in their macro."""
    text = (root / file).read_text()
    labels = [(m.start(), m[1])
              for m in re.finditer(r"^((?:page|lock)_\w+):|\.macro (\w+)", text, re.M)]
    for found in LINE.finditer(text):
        if found[1].startswith(DIRECTIVES):
            continue
        function = [name for at, name in labels if at < found.start()]
        number = text.count("\n", 0, found.start()) + 1
        for operator, new in _changes(found[1], found[2].rstrip()):
            yield Mutant("c", operator, file, (function or ["page_address"])[-1] or "page_address",
                         f"{file}:{number}", found.start(), found.start() + len(found[0].rstrip()),
                         found[0].rstrip(), new)
