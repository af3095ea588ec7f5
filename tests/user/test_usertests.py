#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the guest's own tests on each kind of machine."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Suite, main  # noqa: E402
from qemu import ONE_THREAD, Guest, Machine, all_passed  # noqa: E402

suite = Suite("user/usertests")

# One of them takes all pages that there are; `make run` has more.
MEM = "128M"

# Why a test may be skipped on these machines; nothing else may be.
GIC_SKIPS = {"3": set(), "2": {"the CPU interface of this GIC is no system register"}}
SKIPS = {gic: why | {"one core"} for gic, why in GIC_SKIPS.items()}


@suite.matrix(gic=["3", "2"], cpu=["cortex-a53", "max"])
def usertests(gic: str, cpu: str) -> None:
    machine = Machine(f"usertests gic={gic} cpu={cpu}", cpu=cpu, gic=gic, mem=MEM)
    with Guest(machine, timeout=1200) as guest:
        guest.prompt()
        text = guest.shell("usertests")
        assert all_passed(text) >= 100
        skipped = set(re.findall(r"# skipped: ([^\r\n]+)", text))
        assert skipped == SKIPS[gic], skipped
        assert guest.shell("echo $?") == "0\n"
        guest.halt()


# On several cores nothing else may be skipped.
CORE_SKIPS = {"3": set(), "2": GIC_SKIPS["2"] | {
    "QEMU before 9.1 ends a line of a GICv2 only on the core that took it"}}
SEVERAL = {"GICv3, 2 cores": ("3", 2), "GICv3, 8 cores": ("3", 8), "GICv2, 8 cores": ("2", 8)}


@suite.matrix(on=list(SEVERAL))
def usertests_on_several_cores(on: str) -> None:
    gic, cpus = SEVERAL[on]
    machine = Machine(f"usertests gic={gic} cpus={cpus}", gic=gic, cpus=cpus, mem=MEM,
                      extra=ONE_THREAD)
    with Guest(machine, timeout=1200) as guest:
        guest.prompt()
        text = guest.shell("usertests")
        assert all_passed(text) >= 100
        skipped = set(re.findall(r"# skipped: ([^\r\n]+)", text))
        assert skipped == CORE_SKIPS[gic], skipped
        guest.halt()


# GIC, what cores are on the host, and how much is done there: (IPC calls, steps of fuzz).
STORMS = {"GICv3, threads": ("3", (), 200, 150),
          "GICv3, one thread": ("3", ONE_THREAD, 200000, 60000),
          "GICv2, one thread": ("2", ONE_THREAD, 200000, 60000)}


@suite.matrix(on=list(STORMS))
def storms_on_several_cores(on: str) -> None:
    """Calls, and then processes that do anything, and are killed on whatever core they are;
    afterwards the tables agree with each other, which usertests looks at after each test."""
    gic, accel, calls, steps = STORMS[on]
    one = Machine(f"storm {on}", gic=gic, cpus=4, extra=accel)
    with Guest(one, timeout=1200) as guest:
        guest.prompt()
        assert "all as expected" in guest.shell(f"ipcstorm 12 {calls}")
        for seed in (1, 2):
            assert f"fuzz: seed {seed}, {steps} steps" in guest.shell(f"fuzz {seed} {steps}")
        assert all_passed(guest.shell("usertests set_ kill_")) > 0
        guest.halt()


@suite.test
def console_reads() -> None:
    """What usertests leaves out of its usual run, since keys may be typed ahead then."""
    with Guest(Machine("usertests console")) as guest:
        guest.prompt()
        assert all_passed(guest.shell("usertests asked_nothing_typed")) == 1
        guest.type("usertests asked_keys\r")
        guest.expect("type: xyz")
        guest.type("xyz")
        guest.expect("usertests: 1 passed, 0 failed")
        guest.prompt()
        guest.halt()


@suite.test
def usertests_twice_in_little_memory() -> None:
    """Everything comes back: a second run on 64 MiB finds what the first found."""
    with Guest(Machine("usertests twice", mem="64M"), timeout=1200) as guest:
        guest.prompt()
        for _ in range(2):
            assert all_passed(guest.shell("usertests")) >= 100
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
