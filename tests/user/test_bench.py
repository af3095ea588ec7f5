#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark is repeatable, and knows every row that the table promises."""

import json
import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, main, output  # noqa: E402

suite = Suite("user/bench")


def peer_keys() -> set[str]:
    with (ROOT / "tools/peers.toml").open("rb") as stream:
        return {row["key"] for row in tomllib.load(stream)["row"]}


def agree(first: float, second: float) -> bool:
    """But for what a key that comes from outside at some time does to a long row."""
    return abs(first - second) <= first / 1000


@suite.test
def two_runs_agree() -> None:
    """The latest of a hundred is the one that a tick fell upon, or none: that is not counted."""
    first, second = (json.loads(output(sys.executable, "tools/bench.py", "--json", timeout=1200))
                     for _ in range(2))
    assert first.keys() == second.keys(), first.keys() ^ second.keys()
    assert all(agree(first[key], second[key]) for key in first if key != "timer_latest"), \
        {key: (first[key], second[key]) for key in first if first[key] != second[key]}
    missing = peer_keys() - set(first)
    assert not missing, f"not measured: {missing}"


@suite.test
def documents_admit_every_miss() -> None:
    """The table at the end of docs/bench.md has the rows that miss their aim, and no others."""
    counts = json.loads(output(sys.executable, "tools/bench.py", "--json", timeout=1200))
    with (ROOT / "tools/peers.toml").open("rb") as stream:
        missed = {row["label"] for row in tomllib.load(stream)["row"]
                  if counts.get(row["key"], 0) > row.get("reach", sys.maxsize)}
    section = (ROOT / "docs/bench.md").read_text().split("## What misses its aim")[1]
    admitted = set(re.findall(r"^\| ([^|]+?) \| [\d ]+ \|", section, re.M))
    assert missed == admitted, missed ^ admitted


@suite.test
def documents_name_every_stored_system() -> None:
    text = (ROOT / "docs/bench.md").read_text()
    assert all(re.search(rf"^\| {name} \|", text, re.M) for name in ("Linux", "KVM", "Xen", "seL4"))


if __name__ == "__main__":
    sys.exit(main([suite]))
