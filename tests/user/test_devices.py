#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Devices from the shell: who gets them, who has them, and that they come back."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Suite, main  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

suite = Suite("user/devices")

CLOCK = ("-rtc", "base=2031-02-03T04:05:06,clock=vm")
DATE = re.compile(r"^Mon Feb  3 04:0\d:\d\d UTC 2031$", re.M)
MARK = "(DMA: trusted by all)"
# Of QEMU's virt: name, whether it may do DMA.
PLAIN = {"pl031@9010000": "no", "pl061@9030000": "no"}
DMA = {"fw-cfg@9020000": "yes", **{f"virtio_mmio@a00{n}000": "yes" for n in range(4)}}


@contextmanager
def session(name: str, *extra: str) -> Iterator[Guest]:
    with Guest(Machine(f"devices {name}", extra=(*CLOCK, *extra)), timeout=300) as guest:
        guest.prompt()
        yield guest
        guest.halt()


def listed(text: str) -> dict[str, tuple[str, str, str]]:
    """lsdev: device -> state, DMA, owner."""
    rows = re.findall(r"^ *\d+ +[0-9a-f]+ +(\w+) +(yes|no) +\d+ (\w+) +(\S+)", text, re.M)
    return {device: (state, dma, owner) for state, dma, owner, device in rows}


@suite.test
def the_clock_tells_the_time() -> None:
    with session("date") as guest:
        assert DATE.search(guest.shell("date"))
        assert DATE.search(guest.shell("date | cat | cat"))
        assert DATE.search(guest.shell("date; date"))


@suite.test
def who_is_not_given_it_has_none() -> None:
    """devices.txt names no `clockd`: it has the clock if the registry starts it, and else not. Its
    clients need no device."""
    with session("not given") as guest:
        assert "it was given no clock" in guest.shell("clockd")
        assert DATE.search(guest.shell("time date"))


@suite.test
def they_come_back_when_the_shell_ends() -> None:
    with session("shell ends") as guest:
        for _ in range(2):
            guest.shell("sleep 1")
            assert DATE.search(guest.shell("date"))
            guest.shell("exit")
        assert listed(guest.shell("lsdev"))["pl031@9010000"] == ("mapped", "no", "clockd")
        guest.shell("service stop clock")
        assert listed(guest.shell("lsdev")) == {
            name: ("unmapped", dma, "sh") for name, dma in PLAIN.items()}


@suite.matrix(option=["", "dma=off", "dma=on"])
def dma_is_marked_and_asked_for(option: str) -> None:
    extra = ("-append", option) if option else ()
    expected = {**PLAIN, **(DMA if option == "dma=on" else {})}
    with session(f"option {option}", *extra) as guest:
        found = listed(guest.shell("lsdev"))
        assert {name: row[1] for name, row in found.items()} == expected, found
        marked = [line for line in guest.shell("ps").splitlines() if MARK in line]
        assert len(marked) == (option == "dma=on"), marked
        assert all(line.removesuffix(MARK).split()[-1] == "sh" for line in marked), marked


if __name__ == "__main__":
    sys.exit(main([suite]))
