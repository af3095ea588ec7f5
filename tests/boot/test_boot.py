#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots to the shell's prompt and off again, on every machine that is supported."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Suite, main  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

suite = Suite("boot/boot")


@suite.matrix(gic=["2", "3"], cpu=["cortex-a53", "cortex-a57", "cortex-a72", "max"])
def boots_and_halts(gic: str, cpu: str) -> None:
    with Guest(Machine(f"boot gic={gic} cpu={cpu}", cpu=cpu, gic=gic)) as guest:
        banner = guest.prompt()
        assert f"GICv{gic}" in banner, banner
        assert "init" in guest.shell("ps")
        guest.halt()


@suite.matrix(mem=["64M", "65M", "128M", "1G", "2G", "8G"])
def boots_with_memory(mem: str) -> None:
    with Guest(Machine(f"boot mem={mem}", mem=mem)) as guest:
        banner = guest.prompt()
        megabytes = int(mem[:-1]) * (1024 if mem.endswith("G") else 1)
        if megabytes > 1024:
            assert f"{megabytes - 1024} MiB" in banner, "what is left unused must be said"
        else:
            assert "not used" not in banner, banner
        assert guest.shell("echo still here") == "still here\n"
        guest.halt()


@suite.matrix(cpus=[2, 8])
def boots_with_more_cores(cpus: int) -> None:
    """One core runs processes; the others must not matter."""
    with Guest(Machine(f"boot cpus={cpus}", cpus=cpus)) as guest:
        guest.prompt()
        guest.halt()


@suite.test
def random_seeds_in_the_device_tree_do_not_matter() -> None:
    with Guest(Machine("boot seeds", extra=("-machine", "dtb-randomness=on"))) as guest:
        guest.prompt()
        guest.halt()


@suite.matrix(cpu=["cortex-a35", "cortex-a76", "neoverse-n1"])
def boots_on_other_cores(cpu: str) -> None:
    with Guest(Machine(f"boot cpu={cpu}", cpu=cpu)) as guest:
        guest.prompt()
        guest.halt()


@suite.test
def kernel_log_is_what_was_printed() -> None:
    with Guest(Machine("boot log")) as guest:
        banner = guest.prompt()
        log = [line for line in guest.shell("dmesg").splitlines() if line.startswith("hv8:")]
        assert log and all(line in banner for line in log), (log, banner)
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
