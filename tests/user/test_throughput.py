#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`throughput` has a row for each number of cores, and its workers were where they should be.

How fast they are is the host's affair: docs/bench.md has figures.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

import throughput  # noqa: E402
from harness import Suite, main, output  # noqa: E402
from lockstep import rows  # noqa: E402
from qemu import ONE_THREAD, Guest, Machine  # noqa: E402

suite = Suite("user/throughput")
KINDS = ("own loop", "null hypercall", "call and reply")
ROW = re.compile(r"^([a-z ]+?) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+\.\d\d) +([0-9a-f]+)$", re.M)


def check(text: str, cores: int) -> None:
    """A row of each kind for 1 to `cores` cores: all were used, and each for something."""
    found = ROW.findall(text)
    assert [(kind, int(n)) for kind, n, *_ in found] == \
        [(kind, n) for kind in KINDS for n in range(1, cores + 1)], text
    for _, n, every, least, _, ratio, where in found:
        assert int(where, 16) == (1 << int(n)) - 1, text
        assert 0 < int(least) * int(n) <= int(every), text
        assert int(n) > 1 or (int(least), ratio) == (int(every), "1.00"), text
    assert text.rstrip().endswith("throughput: all as expected"), text


@suite.matrix(gic=["3", "2"], cpus=[1, 2, 4])
def every_core_works(gic: str, cpus: int) -> None:
    machine = Machine(f"throughput gic={gic} cpus={cpus}", gic=gic, cpus=cpus, extra=ONE_THREAD)
    with Guest(machine, timeout=600) as guest:
        guest.prompt()
        check(guest.shell("throughput 0.05"), cpus)
        assert guest.shell("echo $?") == "0\n"
        check(guest.shell("throughput 0.001 1"), 1)
        guest.halt()


@suite.test
def bad_arguments_are_refused() -> None:
    with Guest(Machine("throughput arguments")) as guest:
        guest.prompt()
        for words in ("0", "61", "-1", "1s", "0.0009", "1 0", "1 2", "1 x", "1 1 1"):
            text = guest.shell(f"throughput {words}")
            assert text.startswith("usage: throughput "), (words, text)
            assert guest.shell("echo $?") == "2\n"
        guest.halt()


@suite.test
def the_tool_shows_both_tables() -> None:
    """In step, a call waits for the lock that another has, a null hypercall for nothing."""
    text = output(sys.executable, "tools/throughput.py", "--cpus", "2", "--seconds", "0.05",
                  timeout=600)
    first = r"QEMU \S+, cortex-a57, GICv3, 2 cores\.\n.*; this host has \d+ cores"
    assert re.match(first, text), text
    clock, step = text.split("In step, ")
    check(clock, 2)
    ratios = {(kind.strip(), int(n)): float(ratio) for kind, n, ratio in
              re.findall(r"^([a-z ]+?) +(\d) +[\d.]+ +(\d+\.\d\d)$", step, re.M)}
    assert ratios.keys() == {(kind, n) for kind in KINDS for n in (1, 2)}, text
    assert all(ratios[kind, 1] == 1 for kind in KINDS), text
    assert ratios["own loop", 2] == ratios["null hypercall", 2] == 2, text
    assert 1 < ratios["call and reply", 2] < 2, text


@suite.test
def four_cores_do_four_times_the_null_hypercalls() -> None:
    """Each takes no instruction more for it than one alone."""
    found = {}
    for row in rows(throughput.machine(), 4, throughput.PROGRAM):
        found[row.kind, len(row.per_core)] = row.per_core
        if (row.kind, len(row.per_core)) == ("null hypercall", 4):
            break
    assert found["null hypercall", 4] == 4 * found["null hypercall", 1], found


if __name__ == "__main__":
    sys.exit(main([suite]))
