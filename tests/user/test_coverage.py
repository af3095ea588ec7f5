#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usertests knows every (hypercall, error) pair that hypercall.def lists.

`test_coverage.py --write` rewrites user/apps/usertests/errors.def; entries
that are marked UNREACHABLE or ELSEWHERE there keep their reasons.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, main  # noqa: E402

suite = Suite("user/coverage")

TABLE = ROOT / "include" / "uapi" / "hypercall.def"
ERRORS = ROOT / "user" / "apps" / "usertests" / "errors.def"

HEAD = """/* SPDX-License-Identifier: MIT */
/*
 * Every (hypercall, error) pair of uapi/hypercall.def, once: written by
 * tests/user/test_coverage.py --write. By hand: PAIR(name, error) becomes
 * UNREACHABLE(name, error, "reason") if no test can meet it, and
 * ELSEWHERE(name, error, "reason") if one can on some machines alone.
 */
"""

Pair = tuple[str, str]


def listed_pairs(text: str) -> list[Pair]:
    """(name, error) for each check in the comment above each entry, no pair twice."""
    pairs: list[Pair] = []
    for comment, name in re.findall(r"/\*((?:(?!\*/).)*)\*/\s*HC\d\(\d+, (\w+)", text, re.S):
        for line in comment.splitlines():
            check = re.match(r" \* ((?:E[A-Z]+(?:, )?)+)  ?\S", line)
            for error in check.group(1).replace(",", "").split() if check else ():
                if (name, error) not in pairs:
                    pairs.append((name, error))
    return pairs


def known_pairs(text: str) -> dict[Pair, str]:
    """(name, error) of each line of errors.def, with the whole line."""
    pattern = re.compile(r"^(?:PAIR|UNREACHABLE|ELSEWHERE)\((\w+), (\w+).*\)$", re.M)
    return {(m[1], m[2]): m[0] for m in pattern.finditer(text)}


def write() -> None:
    old = known_pairs(ERRORS.read_text()) if ERRORS.exists() else {}
    lines = [old.get(pair, f"PAIR({pair[0]}, {pair[1]})")
             for pair in listed_pairs(TABLE.read_text())]
    ERRORS.write_text(HEAD + "".join(f"{line}\n" for line in lines))


@suite.test
def errors_def_lists_what_hypercall_def_says() -> None:
    listed = listed_pairs(TABLE.read_text())
    known = list(known_pairs(ERRORS.read_text()))
    assert len(listed) > 150, len(listed)
    assert known == listed, sorted(set(known) ^ set(listed))


@suite.test
def every_unreachable_pair_has_a_reason() -> None:
    for line in ERRORS.read_text().splitlines():
        if line.startswith(("UNREACHABLE", "ELSEWHERE")):
            assert re.search(r', "[^"]{20,}"\)$', line), line


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
        sys.exit(0)
    sys.exit(main([suite]))
