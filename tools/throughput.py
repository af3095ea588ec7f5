#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What several cores do beside one, in the guest's program `throughput`.

Usage: throughput.py [--cpus 4] [--gic 3] [--cpu cortex-a57] [--seconds 1] [--only clock|step]

Twice: by the clock, each core a thread of the host, where more cores than the host has gain
nothing, and where QEMU has a lock of its own for each exception; and in step, an instruction of
each core at a time (lockstep.py), whatever the host has.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gdbstub import StubError  # noqa: E402
from lockstep import rows, table  # noqa: E402
from program import ProgramError  # noqa: E402

BUILD = Path(__file__).resolve().parent.parent / "build"
PROGRAM = BUILD / "user/bin/throughput"
QEMU = "qemu-system-aarch64"
LIMIT_SECONDS = 1800
TABLE = re.compile(r"^operation .*?^throughput: [^\n]*\n", re.M | re.S)


def qemu_version() -> str:
    said = subprocess.run([QEMU, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return said.split()[3]


def machine(gic: str = "3", cpu: str = "cortex-a57") -> list[str]:
    """Without the number of cores and what they are run by."""
    return [QEMU, "-machine", f"virt,virtualization=on,gic-version={gic},dtb-randomness=off",
            "-cpu", cpu, "-m", "512M", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(BUILD / "hv8.img"), "-initrd", str(BUILD / "initrd.cpio")]


def said(argv: list[str], keys: str) -> str:
    """What the guest says until it is off."""
    with tempfile.TemporaryFile() as typed:
        typed.write(keys.encode())
        typed.seek(0)
        done = subprocess.run(argv, stdin=typed, stdout=subprocess.PIPE, timeout=LIMIT_SECONDS,
                              check=False)
    return done.stdout.decode(errors="replace").replace("\r", "")


def by_the_clock(options: argparse.Namespace) -> bool:
    """Shows the guest's own table: was all as expected?"""
    print(f"By the clock, {options.seconds} s for each row; this host has "
          f"{len(os.sched_getaffinity(0))} cores, and ratios above that are not to be\n"
          "expected, nor any above 1 of what enters the kernel, where QEMU's own lock is taken.\n"
          "`least of one`: of the core that did least; `on`: the cores that worked.\n", flush=True)
    argv = [*machine(options.gic, options.cpu), "-smp", str(options.cpus),
            "-accel", "tcg,thread=multi", "-serial", "stdio"]
    text = said(argv, f"throughput {options.seconds}\nhalt\n")
    found = TABLE.search(text)
    if found is None:
        raise StubError(f"the guest shows no table:\n{text[-2000:]}")
    print(found.group(0), flush=True)
    return "all as expected" in found.group(0)


def in_step(options: argparse.Namespace) -> None:
    print("In step, an instruction of each core at a time; `instructions each`: of a core, for an\n"
          "operation, with those of its waits for the lock.\n", flush=True)
    print(table(list(rows(machine(options.gic, options.cpu), options.cpus, PROGRAM))))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cpus", type=int, choices=range(1, 9), default=4)
    parser.add_argument("--gic", choices=("2", "3"), default="3")
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--seconds", default="1", help="of each row by the clock: 0.001 to 60")
    parser.add_argument("--only", choices=("clock", "step"))
    options = parser.parse_args()
    print(f"QEMU {qemu_version()}, {options.cpu}, GICv{options.gic}, {options.cpus} cores.")
    is_right = True
    try:
        if options.only != "step":
            is_right = by_the_clock(options)
        if options.only != "clock":
            in_step(options)
    except (StubError, ProgramError, OSError, subprocess.TimeoutExpired) as error:
        print(f"throughput: {error}", file=sys.stderr)
        return 1
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
