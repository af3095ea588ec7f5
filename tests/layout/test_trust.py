#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""TRUST.md lists what verif/trusted.py declares. That rows assume nothing else, each run of the
verifier checks (tests/verif/test_report.py shows that it does)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, main  # noqa: E402

sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import trust  # noqa: E402

suite = Suite("layout/trust")


@suite.test
def trust_md_lists_what_is_declared() -> None:
    trust.check_page(trust.PAGE.read_text())


@suite.test
def a_changed_list_is_noticed() -> None:
    text = trust.PAGE.read_text()
    lines = trust.section(text)[1].splitlines(keepends=True)
    rows = [line for line in lines if line.startswith("| ") and "---" not in line]
    for part in (rows[1], next(r for r in rows if "invariant" in r), rows[-1], "direct_call, "):
        try:
            trust.check_page(text.replace(part, ""))
        except trust.TrustError:
            continue
        raise AssertionError(f"TRUST.md may lack {part}")


if __name__ == "__main__":
    sys.exit(main([suite]))
