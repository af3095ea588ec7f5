#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers by name: the registry, and the server of the clock. Whoever is killed, clients get their
answers from the next one, and nobody has less than before."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Suite, main  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

suite = Suite("user/servers")

CLOCK = ("-rtc", "base=2031-02-03T04:05:06,clock=vm")
ASKED_AGAIN = "date: the clock's server died, and the next one was asked"


@contextmanager
def session(name: str, *extra: str, gic: str = "3") -> Iterator[Guest]:
    with Guest(Machine(f"servers {name}", gic=gic, extra=(*CLOCK, *extra)), timeout=300) as guest:
        guest.prompt()
        yield guest
        guest.halt()


def rows(guest: Guest) -> dict[str, list[tuple[int, ...]]]:
    """ps: name -> (pid, parent, pages, handles, files, pids) of each process but ps itself. Of
    several cores the mask comes between pids and name."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for line in guest.shell("ps").splitlines()[1:]:
        match = re.match(r" *(\d+) +(\d+)  .{16} +(\d+) +(\d+) +(\d+) +(\d+)"
                         r"(?: +[0-9a-f]+)?  (\S+)", line)
        assert match, line
        if match[7] != "ps":
            found.setdefault(match[7], []).append(tuple(int(match[n]) for n in range(1, 7)))
    return found


def holdings(guest: Guest) -> tuple[object, ...]:
    """What each process has, by name, all pages together, which wander to init and back, and
    who has the devices. Without pids, which change."""
    found = rows(guest)
    each = {name: sorted(row[3:] for row in same) for name, same in found.items()}
    pages = sum(row[2] for same in found.values() for row in same)
    return each, pages, re.findall(r"(\w+) +(?:yes|no) +\d+ (\w*) +(\S+)", guest.shell("lsdev"))


def starts(guest: Guest, name: str) -> tuple[str, int]:
    """service: state of a server, and how often it was started."""
    text = guest.shell("service")
    match = re.search(rf"^{name} +\d+  (\w+) +(\d+)", text, re.M)
    assert match, text
    return match[1], int(match[2])


def date(guest: Guest, words: str = "") -> str:
    return guest.shell(f"date {words}").strip()


def seconds(text: str) -> int:
    """Of a line of date, within its hour."""
    match = re.search(r" \d\d:(\d\d):(\d\d) UTC ", text)
    assert match, text
    return int(match[1]) * 60 + int(match[2])


def set_clock(guest: Guest) -> None:
    """To seven o'clock, a while ago when the answer comes."""
    text = date(guest, "-s '2040-05-06 07:00:00'")
    assert re.fullmatch(r"Sun May  6 07:0\d:\d\d UTC 2040", text), text


def await_waiting(guest: Guest, number: int) -> int:
    """Until so many clients wait at the clock's server: those in the background take their time.
    How many interrupts it has had."""
    for _ in range(100):
        text = date(guest, "-v")
        match = re.search(r"^(\d+) wait, (\d+) interrupts$", text, re.M)
        assert match, text
        if int(match[1]) == number:
            return int(match[2])
    raise AssertionError(f"{match[1]} clients wait, and not {number}")


# ---- the clock --------------------------------------------------------------------------


@suite.matrix(gic=["2", "3"])
def the_clock_has_one_server_for_all(gic: str) -> None:
    with session(f"clock gic={gic}", gic=gic) as guest:
        assert "clockd" not in rows(guest)
        assert date(guest).startswith("Mon Feb  3 04:0")
        server = rows(guest)["clockd"]
        assert guest.shell("date | cat | wc -l; sh -c 'date; date' | wc -l").split() == ["1", "2"]
        assert rows(guest)["clockd"] == server
        assert starts(guest, "clock") == ("up", 1)
        set_clock(guest)
        assert date(guest).endswith("UTC 2040")
        for wrong in ("2040-02-30 00:00:00", "2040-01-01 24:00:00", "tomorrow",
                      "1969-12-31 23:59:59", "2107-01-01 00:00:00"):
            assert "does not go as far" in date(guest, f"-s '{wrong}'"), wrong
        assert "usage" in date(guest, "-w +")
        assert date(guest).endswith("UTC 2040")


@suite.matrix(gic=["2", "3"], line=["with its line", "without"])
def clients_wake_in_order(gic: str, line: str) -> None:
    """The last to ask is the first to wake; each at its time. Who waits for what is over does
    not."""
    with session(f"alarms gic={gic} {line}", gic=gic) as guest:
        guest.shell("service start clock" + ("" if line == "with its line" else " 1"))
        set_clock(guest)
        times = [30 * 60 + n for n in (6, 9, 12)]
        for n in reversed(times):
            guest.shell(f"date -w '2040-05-06 07:{n // 60}:{n % 60:02}' &")
        await_waiting(guest, 3)
        assert seconds(date(guest, "-w '2040-05-06 07:00:00'")) < times[0]
        date(guest, "-s '2040-05-06 07:30:02'")
        found = [seconds(line) for line in guest.shell("wait").splitlines() if "UTC" in line]
        assert found == sorted(found), found
        assert all(a <= b for a, b in zip(times, found, strict=True)), found
        assert (await_waiting(guest, 0) >= 3) == (line == "with its line")


@suite.test
def setting_the_clock_wakes_who_is_late() -> None:
    with session("set") as guest:
        set_clock(guest)
        guest.shell("date -w '2040-05-06 07:30:00' &")
        guest.shell("date -w '2040-05-06 09:00:00' &")
        await_waiting(guest, 2)
        date(guest, "-s '2040-05-06 08:00:00'")
        guest.shell("wait %1")
        await_waiting(guest, 1)
        guest.shell("kill %2; wait")
        # one that is dead is still in the list; it harms nobody when its time comes
        date(guest, "-s '2040-05-06 09:00:00'")
        await_waiting(guest, 0)


@suite.matrix(gic=["2", "3"], victim=["clock", "registry"])
def waiting_clients_outlive_the_server(gic: str, victim: str) -> None:
    with session(f"kill {victim} gic={gic}", gic=gic) as guest:
        date(guest)
        guest.shell("service kill registry" if victim == "registry" else "service kill clock")
        date(guest)
        before = holdings(guest)
        set_clock(guest)
        times = [30 * 60 + n for n in (6, 7, 8)]
        for n in times:
            guest.shell(f"date -w '2040-05-06 07:{n // 60}:{n % 60:02}' &")
        await_waiting(guest, 3)
        for _ in range(3):
            assert guest.shell(f"service kill {victim}; echo $?") == "0\n"
            await_waiting(guest, 3)
        set_clock(guest)
        date(guest, "-s '2040-05-06 07:30:04'")
        text = guest.shell("wait")
        assert text.count(ASKED_AGAIN) == 3, text
        found = [seconds(line) for line in text.splitlines() if "UTC" in line]
        assert found == sorted(found), text
        assert all(a <= b for a, b in zip(times, found, strict=True)), text
        assert holdings(guest) == before


@suite.test
def a_server_that_is_stopped_gives_its_device_back() -> None:
    with session("stop") as guest:
        first = guest.shell("lsdev")
        date(guest)
        assert "clockd" in guest.shell("lsdev")
        before = holdings(guest)
        guest.shell("date -w +1000 &")
        assert guest.shell("service stop clock") == ""
        await_waiting(guest, 1)     # its client has found out, and asked for it again
        assert starts(guest, "clock") == ("up", 2)
        guest.shell("kill %1; wait")
        assert holdings(guest) == before
        guest.shell("service stop clock")
        assert guest.shell("lsdev") == first
        assert starts(guest, "clock") == ("down", 2)
        assert "it is not up" in guest.shell("service stop clock")
        assert "it is not up" in guest.shell("service kill clock")
        guest.shell("service start clock")
        assert "it is up" in guest.shell("service start clock")
        assert "no such service" in guest.shell("service start clocks")


@suite.test
def a_new_shell_finds_the_servers() -> None:
    with session("new shell") as guest:
        date(guest)
        server = rows(guest)["clockd"]
        guest.shell("exit")
        assert date(guest).startswith("Mon Feb  3 04:0")
        assert rows(guest)["clockd"] == server


@suite.test
def who_starts_one_by_hand_gives_it_nothing() -> None:
    with session("by hand") as guest:
        assert guest.shell("clockd") == "clockd: it was given no clock (arm,pl031)\n"


if __name__ == "__main__":
    sys.exit(main([suite]))
