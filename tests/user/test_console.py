#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The console's server: sessions behave as the console itself does, lines are never mixed, one
session has the keys, and whoever dies, the others go on."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import ROOT, Suite, main  # noqa: E402
from qemu import PROMPT, Guest, Machine  # noqa: E402
from test_servers import holdings, rows  # noqa: E402

suite = Suite("user/console")

BREAK, NEXT = "\x03", "\x14"
LEFT, RIGHT, UP, DOWN = (f"\x1b[{letter}" for letter in "DCAB")
HOME, END, DELETE = "\x1b[1~", "\x1bOF", "\x1b[3~"


@contextmanager
def session(name: str, gic: str = "3", on: bool = True) -> Iterator[Guest]:
    """A guest whose shell is a client of the server."""
    with Guest(Machine(f"console {name}", gic=gic), timeout=300) as guest:
        guest.prompt()
        if on:
            assert guest.shell("console on") == ""
        yield guest
        guest.halt()


def another(guest: Guest, number: int) -> None:
    """A shell of its own, with the keys. What its parent says comes before or after."""
    guest.type("console new\r")
    guest.expect(rf"-- session {number} --")
    guest.expect(re.escape(PROMPT))


def go_next(guest: Guest, number: int) -> None:
    guest.type(NEXT)
    guest.expect(rf"-- session {number} --")


def fresh(guest: Guest) -> None:
    """A prompt of its own, whatever has been shown of others since the last one."""
    guest.type("\recho fr''esh\r")
    guest.expect(r"fresh\r*\n")
    guest.prompt()


EDITED = {
    "echo abc": "abc",
    "echo bc" + "\x01" + RIGHT * 5 + "a": "abc",
    "echo bc" + HOME + RIGHT * 5 + "a" + END + "d": "abcd",
    "echo abxc" + LEFT * 2 + DELETE: "abc",
    "echo abxc" + "\x02" + "\x7f": "abc",
    "echo abx" + "\x08" + "c": "abc",
    "junk\x15echo kept": "kept",
    "echo kept and not" + LEFT * 8 + "\x0b": "kept",
    "echo kept not\x17me": "kept me",
    "echo 1;\x1b[5~echo 2": "1\n2",
    "echo a\x1bxb": "ab",
    UP: "ab",
    UP + UP + DOWN + UP: "1\n2",
    "no such thing": "no: not found",
}


@suite.matrix(gic=["2", "3"])
def a_session_is_edited_as_the_console(gic: str) -> None:
    for on in (False, True):
        with session(f"edit gic={gic} on={on}", gic, on) as guest:
            for keys, expected in EDITED.items():
                text = guest.shell(keys)
                assert text == expected + "\n", (on, keys, text)
            guest.type("\x04")      # the end: the first shell is started again
            guest.expect("Welcome")
            guest.prompt()
            # without sessions the server leaves the keys to others
            assert ("consoled" in rows(guest)) == on
            assert guest.shell("echo alone") == "alone\n"


@suite.matrix(gic=["2", "3"])
def programs_run_in_a_session(gic: str) -> None:
    with session(f"programs gic={gic}", gic) as guest:
        assert guest.shell("cat motd") == (ROOT / "user/files/motd").read_text()
        assert guest.shell("seq 1 2000 | wc -l").split() == ["2000"]
        assert guest.shell("seq 1 500").split() == [str(n) for n in range(1, 501)]
        assert guest.shell("sh -c 'echo in; sh -c \"echo deeper\"'") == "in\ndeeper\n"
        guest.type("cat | wc -c\r")
        guest.expect("\n")
        guest.type("12345\r6789\r\x04")
        assert guest.prompt().split()[-1] == "11"
        guest.type("top\r")
        guest.expect("PID")
        guest.type("q")
        guest.prompt()
        assert "session 1 of process 2, this one, has the keys" in guest.shell("console")


@suite.matrix(gic=["2", "3"])
def the_break_key_is_the_foregrounds(gic: str) -> None:
    with session(f"break gic={gic}", gic) as guest:
        for command, sign in (("yes", r"y\r*\ny"), ("sleep 1000", "\n"), ("cat", "\n"),
                              ("top", "PID")):
            guest.type(command + "\r")
            guest.expect(sign)
            guest.type(BREAK)
            guest.prompt()
            assert guest.shell("echo $?") == "130\n", command
        for _ in range(12):
            guest.type("sh\r")      # it is a job, too, and reads nothing of what comes after
            guest.expect(re.escape(PROMPT))
            guest.type(BREAK)
            fresh(guest)
        assert len(rows(guest)["sh"]) == 1
        guest.type("not a command" + BREAK)
        guest.prompt()
        assert guest.shell("echo fine") == "fine\n"
        assert not {"yes", "sleep", "cat", "top"} & set(rows(guest))


@suite.matrix(gic=["2", "3"])
def one_session_has_the_keys(gic: str) -> None:
    with session(f"keys gic={gic}", gic) as guest:
        assert "no such session" in guest.shell("console 2")
        another(guest, 2)
        assert re.search(r"session 1 of process 2\n.*"
                         r"session 2 of process \d+, this one, has the keys",
                         guest.shell("console"))
        guest.type("echo half of ")
        guest.expect("half of ")
        go_next(guest, 1)
        fresh(guest)
        assert guest.shell("echo from $$") == "from 2\n"
        guest.type("cat\r")
        guest.expect("\n")
        go_next(guest, 2)
        guest.expect(re.escape(PROMPT) + "echo half of ")
        # cat waits, and gets nothing of this
        assert guest.shell("two") == "half of two\n"
        guest.type(BREAK)
        guest.prompt()
        go_next(guest, 1)
        guest.type("for cat\r")
        guest.expect(r"for cat\r*\nfor cat\r*\n")
        guest.type(BREAK)
        guest.prompt()
        guest.type("console 2\r")
        guest.expect("-- session 2 --")
        guest.type("exit\r")
        guest.expect("-- session 1 --")
        fresh(guest)
        guest.shell("wait")
        assert "session 2" not in guest.shell("console")
        assert len(rows(guest)["sh"]) == 1


@suite.matrix(how=["in the background", "as the foreground"])
def lines_are_never_mixed(how: str) -> None:
    """Three sessions write long lines at a time, and a fourth edits meanwhile: what is edited is
    drawn again below them."""
    with session(f"lines {how}") as guest:
        before = holdings(guest)
        last = 150
        for n in (2, 3, 4):
            another(guest, n)
        form = "seq {} {} &" if how == "in the background" else "sh -c 'sleep 1; seq {} {}'"
        for n in (1, 2, 3):
            go_next(guest, n)
            fresh(guest)
            guest.type(form.format(f"{n}00000000000000", f"{n}00000000000{last}") + "\r")
            guest.expect("\n")
        go_next(guest, 4)
        fresh(guest)
        guest.type("echo what is ty")
        for _ in range(3):
            guest.silence(0.7)
            guest.type("p")
        guest.type("ed\r")
        guest.expect(r"\nwhat is typpped\r*\n")
        guest.prompt()
        for after in (1, 3, 1):     # the next one has the keys then
            if after == 3:
                guest.type("console 2\r")
                guest.expect("-- session 2 --")
            guest.type("exit\r")
            guest.expect(f"-- session {after} --")
            fresh(guest)
        guest.shell("wait")
        guest.transcript.flush()
        said = Path(guest.transcript.name).read_bytes().decode()
        text = said.replace("\r\x1b[K", "\n").replace("\r", "")
        # at first, in the session itself, without its number
        seen = set(re.findall(r"^(?:\[\d\] )?(\d00000000000\d\d\d)$", text, re.M))
        expected = {f"{n}00000000000{i:03}" for n in (1, 2, 3) for i in range(last + 1)}
        assert seen == expected, sorted(seen ^ expected)[:9]
        strange = [line for line in text.splitlines()
                   if re.search(r"\d{9}", line) and "seq" not in line and
                   not re.fullmatch(r"(\[\d\] )?\d00000000000\d\d\d", line)]
        assert not strange, strange[:9]
        assert how == "in the background" or \
            re.search(r"^\[\d\] \d{15}\n" + re.escape(PROMPT) + r"echo what is typ*$", text, re.M)
        after = holdings(guest)
        assert after == before, (before, after)


def kill(guest: Guest, victim: str) -> None:
    """What asks for that loses its session with the registry, perhaps after a prompt, and what is
    typed until then with it."""
    guest.type(f"service kill {victim}\r")
    if victim == "registry":
        guest.expect(r"-- session \d --")
    guest.expect(re.escape(PROMPT))
    fresh(guest)


@suite.matrix(gic=["2", "3"], victim=["console", "registry"])
def sessions_outlive_the_server(gic: str, victim: str) -> None:
    """At the prompt, while a program sleeps, while one writes, and while one reads."""
    with session(f"kill {victim} gic={gic}", gic) as guest:
        before = holdings(guest)
        pid = rows(guest)["sh"][0][0]
        later = f"sh -c 'sleep 1; service kill {victim}' &"
        for _ in range(3):
            kill(guest, victim)
            assert guest.shell("echo here") == "here\n"
        guest.shell(later)
        guest.type("sleep 3\r")
        guest.expect("\n")
        guest.prompt()
        assert guest.shell("echo slept") == "slept\n"
        for command in ("yes", "cat"):
            guest.shell(later)
            guest.type(command + "\r")
            guest.silence(2.5)
            guest.type(BREAK)
            fresh(guest)
            fresh(guest)
            assert guest.shell("echo here") == "here\n"
        guest.shell("wait")
        assert rows(guest)["sh"][0][0] == pid
        assert not {"yes", "cat", "sleep"} & set(rows(guest))
        assert holdings(guest) == before


@suite.test
def other_sessions_outlive_it_too() -> None:
    with session("kill among several") as guest:
        another(guest, 2)
        before = holdings(guest)
        kill(guest, "console")
        own = []
        for _ in range(2):
            guest.type(NEXT)
            guest.expect(r"-- session \d --")
            fresh(guest)
            own.append(re.findall(r"^session (\d) .*this one, has the keys$",
                                  guest.shell("console"), re.M))
        assert sorted(own) == [["1"], ["2"]], own
        if own[-1] == ["1"]:
            go_next(guest, 2)
            fresh(guest)
        assert holdings(guest) == before


@suite.test
def a_server_that_dies_too_often_is_left() -> None:
    with session("dies too often", on=False) as guest:
        guest.shell("service start console 60")
        guest.type("console on\r")
        guest.prompt()
        for _ in range(200):
            text = guest.shell("console")
            if "reads the console itself" in text:
                break
        assert "reads the console itself" in text
        fresh(guest)
        assert re.search(r"^console +0  failed", guest.shell("service"), re.M)
        assert "its server has failed" in guest.shell("console on")
        assert guest.shell("echo fine") == "fine\n"
        assert "consoled" not in rows(guest)


@suite.test
def leaving_gives_everything_back() -> None:
    with session("off", on=False) as guest:
        for _ in range(2):
            guest.shell("console on")
            guest.shell("console off")
        before = holdings(guest)
        for _ in range(3):
            guest.shell("console on")
            another(guest, 2)
            go_next(guest, 1)
            fresh(guest)
            assert "there are other sessions" in guest.shell("console off")
            guest.shell("kill %1")
            guest.shell("wait")
            assert guest.shell("console off") == ""
            assert "reads the console itself" in guest.shell("console")
        assert holdings(guest) == before
        assert "console on` first" in guest.shell("sh -t")
        assert "only the first shell" in guest.shell("sh -c 'console on'")
        guest.type("sh\r")
        guest.prompt()
        guest.shell("true")
        assert "only the first shell" in guest.shell("console on")
        guest.shell("exit")


@suite.test
def much_typed_ahead_is_kept() -> None:
    """In one burst, through both changes."""
    with Guest(Machine("console typed ahead"), timeout=300) as guest:
        guest.expect(re.escape(PROMPT))
        lines = [f"echo line {n} of many" for n in range(90)]
        lines.insert(30, "console on")
        lines.insert(60, "console off")
        guest.type("".join(line + "\r" for line in lines) + "halt\r")
        assert guest.ended() == 0
        said = re.findall(r"^line (\d+) of many$", guest.before, re.M)
        assert [int(n) for n in said] == list(range(90)), said


if __name__ == "__main__":
    sys.exit(main([suite]))
