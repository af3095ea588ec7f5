#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sessions in the shell: what a person at the terminal would try."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, main  # noqa: E402
from qemu import ONE_THREAD, PROMPT, Guest, Machine  # noqa: E402

suite = Suite("user/shell")
KINDS = dict(re.findall(r'^\t\{ "(\w+)", \w+, "([^"]*)" \}',
                        (ROOT / "user/apps/fault/main.c").read_text(), re.M))
ENDLESS = [kind for kind, words in KINDS.items() if "^C" in words]


@contextmanager
def session(name: str) -> Iterator[Guest]:
    """A guest at its prompt; it must still halt properly afterwards."""
    with Guest(Machine(f"shell {name}"), timeout=300) as guest:
        guest.prompt()
        yield guest
        guest.halt()


def pids(listing: str, name: str) -> list[str]:
    return [line.split()[0] for line in listing.splitlines() if line.split()[-1:] == [name]]


@suite.test
def help_lists_every_program() -> None:
    with session("help") as guest:
        text = guest.shell("help")
        listed = set(re.findall(r"^  (\S+)", text, re.M))
        programs = {path.stem for path in (ROOT / "user").glob("[as]*/*")}
        assert programs <= listed, programs - listed
        assert "no line in" not in text, text


@suite.test
def pipes_and_input() -> None:
    with session("pipes") as guest:
        assert guest.shell("echo a b c | wc -w").split() == ["3"]
        assert guest.shell("seq 1 1000 | grep 99 | wc -l").split() == ["19"]
        assert guest.shell("cat < motd") == guest.shell("cat motd")
        expected = (ROOT / "user/files/motd").read_text()
        assert guest.shell("cat motd | cat | cat | cat") == expected
        assert guest.shell("wc -l < programs.txt").split()[0] == \
            str((ROOT / "user/files/programs.txt").read_text().count("\n"))
        assert guest.shell("yes | head -n 3") == "y\ny\ny\n"
        assert "no such file" in guest.shell("cat < nothing")
        assert "read-only" in guest.shell("echo a > b")


@suite.test
def large_data_through_pipes() -> None:
    with session("large data") as guest:
        assert guest.shell("seq 1 20000 | cat | wc").split() == ["20000", "20000", "108894"]


@suite.test
def status_and_lists() -> None:
    with session("status") as guest:
        assert guest.shell("true; echo $?") == "0\n"
        assert guest.shell("false; echo $?") == "1\n"
        assert guest.shell("false && echo no || echo yes") == "yes\n"
        assert guest.shell("true | false; echo $?") == "1\n"
        assert "not found" in guest.shell("nonsense")
        assert guest.shell("echo $?") == "127\n"
        assert guest.shell("echo 'a  b' \"c $? d\" e\\ f # g") == "a  b c 0 d e f\n"


@suite.test
def patterns_name_files() -> None:
    with session("patterns") as guest:
        assert guest.shell("echo mot?") == "motd\n"
        assert guest.shell("echo 'mot?' \"mot*\" mot\\*") == "mot? mot* mot*\n"
        assert "levels.txt" in guest.shell("echo *.txt").split()
        assert guest.shell("echo no*such*file") == "no*such*file\n"


@suite.test
def history_and_editing() -> None:
    with session("history") as guest:
        guest.shell("echo first")
        guest.shell("echo second")
        assert "first\n" in guest.shell("!1")
        assert "second\n" in guest.shell("\x1b[A\x1b[A")
        assert guest.shell("echo bc\x01\x1b[C\x1b[C\x1b[C\x1b[C\x1b[Ca").endswith("abc\n")
        assert guest.shell("echo junk\x15echo kept").endswith("kept\n")
        assert guest.shell("echo abx\x7fc").endswith("abc\n")
        assert "echo first" in guest.shell("history")


@suite.test
def break_key_ends_what_runs() -> None:
    with session("break key") as guest:
        guest.type("yes\r")
        guest.expect(r"y\r*\ny\r*\n")
        guest.type("\x03")
        guest.prompt()
        assert guest.shell("echo $?") == "130\n"
        guest.type("sleep 1000\r")
        guest.expect("\n")
        guest.type("\x03")
        guest.prompt()
        guest.type("not a command\x03")
        guest.prompt()
        guest.shell("true")
        assert not pids(guest.shell("ps"), "sleep")


@suite.test
def background_jobs_and_kill() -> None:
    with session("jobs") as guest:
        guest.shell("sleep 1000 &")
        guest.shell("sleep 1001 &")
        first, second = pids(guest.shell("ps"), "sleep")
        assert "sleep 1000" in guest.shell("jobs")
        guest.shell(f"kill {first}")
        guest.shell("true")
        assert pids(guest.shell("ps"), "sleep") == [second]
        guest.shell("kill %2")
        guest.shell("true")
        assert not pids(guest.shell("ps"), "sleep")
        assert "not a child" in guest.shell("kill 1")
        assert "no such process" in guest.shell("kill 99")


@suite.test
def killing_one_never_disturbs_another() -> None:
    with session("disturb") as guest:
        guest.shell("yes | wc &")
        guest.shell("fault masked &")
        guest.shell("fault storm &")
        guest.shell("sleep 1000 &")
        # what starts in the background may print its line in between
        text = guest.shell("seq 1 100 | wc -l")
        assert re.search(r"^ *100$", text, re.M), text
        for name in ("fault", "yes", "sleep", "fault"):
            pid = pids(guest.shell("ps"), name)[0]
            guest.shell(f"kill {pid}")
            text = guest.shell("echo alive; seq 1 10 | wc -l")
            assert re.search(r"^alive$", text, re.M) and re.search(r"^ *10$", text, re.M), text
        guest.shell("wait")
        left = guest.shell("ps")
        assert not any(pids(left, name) for name in ("fault", "yes", "wc", "sleep")), left


@suite.matrix(kind=[kind for kind in KINDS if kind not in ENDLESS])
def fault_ends_its_process_alone(kind: str) -> None:
    with session(f"fault {kind}") as guest:
        text = guest.shell(f"fault {kind}")
        assert "nothing happened" not in text, text
        assert "fault" in text.splitlines()[-1] or "0x" in text, text
        assert int(guest.shell("echo $?")) >= 128
        assert guest.shell("echo fine") == "fine\n"


@suite.matrix(kind=ENDLESS)
def endless_fault_can_be_ended(kind: str) -> None:
    with session(f"fault {kind}") as guest:
        guest.type(f"fault {kind}\r")
        guest.expect("for ever[^\n]*\n")
        guest.type("\x03")
        guest.prompt()
        assert guest.shell("echo fine") == "fine\n"


@suite.test
def tools_show_the_system() -> None:
    with session("tools") as guest:
        assert re.search(r"^\s*1\s.*init$", guest.shell("ps"), re.M)
        tree = guest.shell("pstree")
        assert tree.index("init") < tree.index("sh")
        assert "hv8" in guest.shell("dmesg")
        assert "stack" in guest.shell("memmap")
        assert "motd" in guest.shell("ls")
        assert re.search(r"\d", guest.shell("uptime"))
        assert re.search(r"^time: \d+\.\d+ s", guest.shell("time true"))
        assert "levels.txt" in guest.shell("ls | grep levels")


@suite.matrix(key=["q", "^C"])
def top_runs_until_its_key(key: str) -> None:
    with session(f"top {key}") as guest:
        guest.type("top\r")
        guest.expect("PID")
        guest.type(key.replace("^C", "\x03"))
        guest.prompt()
        assert guest.shell("echo fine") == "fine\n"


@suite.matrix(demo=["el0demo", "fpdemo", "ipcdemo", "pgdemo"])
def demo_ends_well(demo: str) -> None:
    with session(demo) as guest:
        text = guest.shell(demo)
        assert text.strip()
        assert guest.shell("echo $?") == "0\n", text


@suite.matrix(gic=["3", "2"], cpus=[1, 4])
def sixty_clients_get_their_answers(gic: str, cpus: int) -> None:
    """IPC_MESSAGES=1000000 sends a million."""
    messages = os.environ.get("IPC_MESSAGES", "60000")
    name = f"ipcstorm gic={gic} cpus={cpus}"
    with Guest(Machine(name, gic=gic, cpus=cpus, extra=ONE_THREAD)) as guest:
        guest.prompt()
        text = guest.shell(f"ipcstorm 60 {messages}", timeout=3600)
        assert "60 clients" in text and text.rstrip().endswith("all as expected"), text
        guest.halt()


@suite.test
def leaving_the_shell_gives_a_new_one() -> None:
    with session("exit") as guest:
        guest.shell("exit")
        assert guest.shell("echo again").endswith("again\n")


@suite.test
def nested_shells_and_scripts() -> None:
    with session("nested") as guest:
        assert guest.shell("sh -c 'echo in; sh -c \"echo deeper\"'") == "in\ndeeper\n"
        assert guest.shell("echo 'echo from a pipe' | sh") == "from a pipe\n"


@suite.test
def much_typed_ahead_is_kept() -> None:
    """Far more than any buffer of the guest, in one burst."""
    with Guest(Machine("shell typed ahead"), timeout=300) as guest:
        guest.expect(re.escape(PROMPT))
        lines = [f"echo line {n} of many" for n in range(60)]
        guest.type("".join(line + "\r" for line in lines) + "halt\r")
        assert guest.ended() == 0
        said = re.findall(r"^line (\d+) of many$", guest.before, re.M)
        assert [int(n) for n in said] == list(range(60)), said


@suite.test
def reboot_starts_again() -> None:
    with Guest(Machine("shell reboot"), timeout=300) as guest:
        guest.prompt()
        guest.type("reboot\r")
        assert guest.ended() == 0  # because of -no-reboot


if __name__ == "__main__":
    sys.exit(main([suite]))
