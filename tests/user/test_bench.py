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
# Operations that need what later versions bring.
LATER = {"trapped_read"}


def peer_keys() -> set[str]:
    with (ROOT / "tools/peers.toml").open("rb") as stream:
        return {row["key"] for row in tomllib.load(stream)["row"]}


@suite.test
def two_runs_agree() -> None:
    first, second = (json.loads(output(sys.executable, "tools/bench.py", "--json", timeout=400))
                     for _ in range(2))
    assert first == second, {key: (first.get(key), second.get(key))
                             for key in first.keys() | second.keys()
                             if first.get(key) != second.get(key)}
    missing = peer_keys() - LATER - set(first)
    assert not missing, f"not measured: {missing}"


@suite.test
def documents_name_every_stored_system() -> None:
    text = (ROOT / "docs/bench.md").read_text()
    assert all(re.search(rf"^\| {name} \|", text, re.M) for name in ("Linux", "KVM", "Xen", "seL4"))


if __name__ == "__main__":
    sys.exit(main([suite]))
