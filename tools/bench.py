#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the guest's instructions for each operation, and prints them beside others'.

Usage: bench.py [--json]

The guest's program `bench` prints a line "KEY NUMBER" for each operation; the
boot rows and those of a process's own interrupts come from QEMU itself. docs/bench.md says how
all this is counted. Where an operation is one hypercall it may not take more than is proved
(bound.py).
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bound import BoundError, Whole, bounds_of, exceeded, wholes  # noqa: E402
from gdbstub import StubError, counting  # noqa: E402
from handlers import ENDLESS, WAITING, Handler, measured  # noqa: E402
from handlers import exceeded as handlers_exceeded  # noqa: E402
from locked import Share, shares  # noqa: E402
from locked import table as locked_table  # noqa: E402
from own import own_counts  # noqa: E402
from program import Program, ProgramError  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MACHINE = ["qemu-system-aarch64",
           "-machine", "virt,virtualization=on,gic-version=3,dtb-randomness=off",
           "-cpu", "cortex-a57", "-smp", "1", "-m", "512M", "-nodefaults", "-display", "none",
           "-kernel", str(BUILD / "hv8.img"), "-initrd", str(BUILD / "initrd.cpio")]
LIMIT_SECONDS = 300


class BenchError(Exception):
    """The guest did not do what it should."""


@dataclass(frozen=True)
class Row:
    key: str
    label: str
    linux: str = "-"
    kvm: str = "-"
    xen: str = "-"
    sel4: str = "-"
    reach: int | None = None
    moonshot: int | None = None


def peers() -> list[Row]:
    with (ROOT / "tools/peers.toml").open("rb") as stream:
        return [Row(**row) for row in tomllib.load(stream)["row"]]


def boot_counts() -> dict[str, int]:
    """From reset to init's first instruction, and to the shell's wait for its first key."""
    kernel = Program(BUILD / "hv8.elf")
    with counting(MACHINE) as counter:
        return {"boot_init": counter.run_to(Program(BUILD / "user/bin/init").entry),
                "boot_shell": counter.run_to(kernel.address("hc_console_read"))}


def operation_counts(keys: list[str]) -> dict[str, int]:
    done = subprocess.run([*MACHINE, "-icount", "shift=0,sleep=off", "-serial", "stdio",
                           "-no-reboot"], input=b"bench\nhalt\n", stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=LIMIT_SECONDS, check=False)
    text = done.stdout.decode(errors="replace").replace("\r", "")
    counts = {key: int(number) for key, number in re.findall(r"^(\w+)\s+(\d+)\b", text, re.M)
              if key in keys}
    if done.returncode != 0 or not counts:
        raise BenchError(f"the machine ended with {done.returncode} after:\n{text[-2000:]}")
    return counts


def shown(number: int | None) -> str:
    return "-" if number is None else f"{number:,}".replace(",", " ")


def proved_bounds() -> dict[str, Whole]:
    """At most so many instructions, for each row that is one hypercall."""
    kernel = BUILD / "hv8.elf"
    return wholes(kernel, BUILD / "user/bin/bench", bounds_of(kernel, BUILD))


def table(rows: list[Row], counts: dict[str, int], bounds: dict[str, Whole]) -> str:
    lines = [("", "hv8", "proved at most", "reach", "moonshot", "Linux", "KVM", "Xen", "seL4")]
    for row in rows:
        if row.key not in counts:
            continue
        count = counts[row.key]
        missed = " *" if row.reach is not None and count > row.reach else "  "
        bound = shown(bounds[row.key].total if row.key in bounds else None)
        lines.append((row.label, shown(count) + missed, bound, shown(row.reach),
                      shown(row.moonshot), row.linux, row.kvm, row.xen, row.sel4))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = [line[0].ljust(widths[0]) + "".join(
        "  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:])) for line in lines]
    return "\n".join(["Instructions per operation; QEMU TCG, cortex-a57, GICv3, one core.",
                      "Figures of others are stored: docs/bench.md says how they came about.", "",
                      *(line.rstrip() for line in text), "", "* above what it should reach"])


def handler_table(handlers: list[Handler], bounds: dict[str, int]) -> str:
    """What was counted of each handler beside what is proved."""
    lines = ["", "Instructions of each handler, from its entry to its return: "
             "the most of some calls, and",
             "what is proved of all (T8). Not counted: " + ", ".join(ENDLESS)
             + ", which do not return.",
             ""]
    for h in handlers:
        note = "  waits" if h.name in WAITING and not h.successes else ""
        lines.append(f"{h.name:16}{h.longest:6}{bounds[h.name]:8}{note}")
    return "\n".join(lines)


def in_json(locked: dict[str, Share]) -> dict[str, int]:
    return {f"{key}.{part}": number for key, share in locked.items()
            for part, number in vars(share).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true",
                        help="print the counts alone, and compare nothing")
    options = parser.parse_args()
    rows = peers()
    try:
        counts = boot_counts() | operation_counts([row.key for row in rows]) | \
            own_counts(MACHINE, BUILD / "hv8.elf", BUILD / "user/bin/bench")
        locked = shares(MACHINE, BUILD / "hv8.elf", BUILD / "user/bin/bench")
        bounds = {} if options.json else proved_bounds()
        wrong = exceeded(counts, bounds)
        proved = {} if options.json else bounds_of(BUILD / "hv8.elf", BUILD)
        handlers = measured(MACHINE, BUILD / "hv8.elf") if proved else []
        wrong += handlers_exceeded(handlers, proved)
    except (BenchError, BoundError, ProgramError, StubError,
            subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(counts | in_json(locked), indent=1))
    else:
        print(table(rows, counts, bounds))
        print(locked_table(locked, {row.key: row.label for row in rows}))
    if handlers:
        print(handler_table(handlers, proved))
    for line in wrong:
        print(f"bench: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
