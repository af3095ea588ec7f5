# SPDX-License-Identifier: MIT
"""Enumerators of the C headers by name, and the parameters in hypercall.def, for tests that
have no ELF at hand. Limits can be overridden: smaller tables are faster."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ("include/uapi/abi.h", "include/uapi/tables.h", "kernel/state.h")


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def _value(text: str, known: dict[str, int]) -> int:
    words = re.sub(r"\b[A-Z]\w*", lambda m: str(known[m.group(0)]), text)
    if not re.fullmatch(r"[0-9a-fA-Fx \t\n*/+()<-]+", words):
        raise ValueError(f"not a constant expression: {text}")
    return int(eval(words.replace("/", "//"), {"__builtins__": {}}))


def enumerators(**limits: int) -> SimpleNamespace:
    """All enumerators of HEADERS, with these instead of what the headers say."""
    known: dict[str, int] = {}
    for header in HEADERS:
        text = _without_comments((ROOT / header).read_text())
        for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", text):
            following = 0
            for name, value in re.findall(r"(\w+)\s*(?:=\s*([^,]*))?(?:,|$)", body.strip()):
                following = limits.get(name, _value(value, known) if value else following)
                known[name] = following
                following += 1
    calls = numbers()
    first = min(calls[name] for name in full_calls())
    return SimpleNamespace(**known, HV_NONE=2 ** 64 - 1, PAGES_VA=0x4000_4000_0000,
                           **{"HC_FULL_FIRST": first, "HC_COUNT": len(calls)})


def parameters() -> dict[str, tuple[str, ...]]:
    """Names of the parameters of each hypercall, in order."""
    text = _without_comments((ROOT / "include/uapi/hypercall.def").read_text())
    calls = {}
    for body in re.findall(r"^HC\d\(([^)]*)\)", text, flags=re.M):
        words = [word.strip() for word in body.split(",")]
        calls[words[1]] = tuple(words[4::2])
    return calls


def numbers() -> dict[str, int]:
    """The number of each hypercall."""
    text = _without_comments((ROOT / "include/uapi/hypercall.def").read_text())
    return {name: int(number) for number, name in re.findall(r"^HC\d\((\d+), (\w+),", text, re.M)}


def full_calls() -> set[str]:
    """Names of the hypercalls that may switch process."""
    text = _without_comments((ROOT / "include/uapi/hypercall.def").read_text())
    return set(re.findall(r"^HC\d\(\d+, (\w+), FULL", text, flags=re.M))
