#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark is repeatable, and knows every row that the table promises."""

import json
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, main, output  # noqa: E402

suite = Suite("user/bench", serial=True)


def peer_labels() -> dict[str, str]:
    with (ROOT / "tools/peers.toml").open("rb") as stream:
        return {row["key"]: row["label"] for row in tomllib.load(stream)["row"]}


def agree(first: float, second: float) -> bool:
    """But for what a key that comes from outside at some time does to a long row."""
    return abs(first - second) <= first / 1000


@cache
def counts(run: int) -> dict[str, int]:
    """What run number `run` counts."""
    return json.loads(output(sys.executable, "tools/bench.py", "--json", timeout=1200))


@suite.test
def two_runs_agree() -> None:
    """The latest of a hundred is the one that a tick fell upon, or none: that is not counted."""
    first, second = counts(1), counts(2)
    assert first.keys() == second.keys(), first.keys() ^ second.keys()
    assert all(agree(first[key], second[key]) for key in first if key != "timer_latest"), \
        {key: (first[key], second[key]) for key in first if first[key] != second[key]}
    missing = set(peer_labels()) - set(first)
    assert not missing, f"not measured: {missing}"


@suite.test
def documents_admit_every_miss() -> None:
    """The table at the end of docs/bench.md has the rows that miss their aim, and no others."""
    found = counts(1)
    with (ROOT / "tools/peers.toml").open("rb") as stream:
        missed = {row["label"] for row in tomllib.load(stream)["row"]
                  if found.get(row["key"], 0) > row.get("reach", sys.maxsize)}
    section = (ROOT / "docs/bench.md").read_text().split("## What misses its aim")[1]
    admitted = set(re.findall(r"^\| ([^|]+?) \| [\d ]+ \|", section, re.M))
    assert missed == admitted, missed ^ admitted


@suite.test
def steps_say_what_the_clock_says() -> None:
    """But for the loop, three instructions, and for what QEMU's clock counts of a trap."""
    found = counts(1)
    whole = {key.removesuffix(".whole"): count for key, count in found.items()
             if key.endswith(".whole")}
    assert len(whole) >= 10, found
    for key, count in whole.items():
        assert abs(count - found[key]) <= 4 + count / 1000, (key, count, found[key])


@suite.test
def documents_say_what_the_lock_takes() -> None:
    """The table of operations under the lock: each, within one part in fifty."""
    section = (ROOT / "docs/bench.md").read_text().split("## Several cores")[1].split("\n## ")[0]
    row = r"^\| ([^|]+?) \| (\d+) \| (\d+) \| (\d+) \| (\d+\.\d\d|no limit) \|$"
    rows = re.findall(row, section, re.M)
    found = counts(1)
    keys = {label: key for key, label in peer_labels().items() if f"{key}.held" in found}
    assert {label for label, *_ in rows} == set(keys), (rows, keys)
    for label, whole, held, taken, most in rows:
        new = tuple(found[f"{keys[label]}.{part}"] for part in ("whole", "held", "taken"))
        close = all(abs(a - int(b)) <= a / 50 for a, b in zip(new, (whole, held, taken)))
        limit = f"{int(whole) / int(held):.2f}" if int(held) else "no limit"
        assert close and most == limit, f"{label}: {new}, at most {limit}"


@suite.test
def documents_name_every_stored_system() -> None:
    text = (ROOT / "docs/bench.md").read_text()
    assert all(re.search(rf"^\| {name} \|", text, re.M) for name in ("Linux", "KVM", "Xen", "seL4"))


if __name__ == "__main__":
    sys.exit(main([suite]))
