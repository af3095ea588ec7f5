#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the guest's own tests on each kind of machine."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Suite, main  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

suite = Suite("user/usertests")


# Why a test may be skipped on these machines; nothing else may be.
SKIPS = {"3": set(), "2": {"the CPU interface of this GIC is no system register"}}


@suite.matrix(gic=["3", "2"], cpu=["cortex-a53", "max"])
def usertests(gic: str, cpu: str) -> None:
    with Guest(Machine(f"usertests gic={gic} cpu={cpu}", cpu=cpu, gic=gic), timeout=300) as guest:
        guest.prompt()
        text = guest.shell("usertests")
        summary = re.search(r"usertests: (\d+) passed, (\d+) failed", text)
        assert summary is not None, text[-3000:]
        wrong = [line for line in text.splitlines() if not line.startswith(("ok ", "usertests:"))]
        assert summary.group(2) == "0", "\n".join(wrong)
        assert int(summary.group(1)) >= 100, summary.group(0)
        skipped = set(re.findall(r"# skipped: ([^\r\n]+)", text))
        assert skipped == SKIPS[gic], skipped
        assert guest.shell("echo $?") == "0\n"
        guest.halt()


@suite.test
def console_reads() -> None:
    """What usertests leaves out of its usual run, since keys may be typed ahead then."""
    with Guest(Machine("usertests console")) as guest:
        guest.prompt()
        text = guest.shell("usertests asked_nothing_typed")
        assert "usertests: 1 passed, 0 failed" in text, text
        guest.type("usertests asked_keys\r")
        guest.expect("type: xyz")
        guest.type("xyz")
        guest.expect("usertests: 1 passed, 0 failed")
        guest.prompt()
        guest.halt()


@suite.test
def usertests_twice_in_little_memory() -> None:
    """Everything comes back: a second run on 64 MiB finds what the first found."""
    with Guest(Machine("usertests twice", mem="64M"), timeout=300) as guest:
        guest.prompt()
        for _ in range(2):
            assert re.search(r"usertests: \d+ passed, 0 failed", guest.shell("usertests"))
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
