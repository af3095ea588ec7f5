#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""uart=process: the console's server drives the UART, everybody is its client, and whatever it dies
of there is a console again."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import AF_UNIX, socket
from tempfile import TemporaryDirectory

import pexpect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import BUILD, Suite, main  # noqa: E402
from qemu import ONE_THREAD, PROMPT, Guest, Machine, expect_failure  # noqa: E402
from test_servers import rows  # noqa: E402
from verif.gdb import Gdb  # noqa: E402
from verif.image import load  # noqa: E402

suite = Suite("user/uart")

BREAK, NEXT = "\x03", "\x14"
KILLS = 50
UARTCR = 0x900_0030     # physical, of QEMU's virt


def machine(name: str, words: str, gic: str = "3", cpus: int = 1) -> Machine:
    """`words` are for the kernel."""
    return Machine(f"uart {name}", gic=gic, cpus=cpus, extra=("-append", words, *ONE_THREAD))


@contextmanager
def guest(name: str, gic: str = "3", cpus: int = 1) -> Iterator[Guest]:
    """A machine whose UART is a process's; `halt` ends it."""
    with Guest(machine(name, "uart=process", gic, cpus), timeout=120) as found:
        found.expect(r"hv8: the UART is left to a process \(uart=process\)")
        found.prompt()
        yield found
        found.halt()


def heard(found: Guest, pattern: str) -> bool:
    """Does this come within some seconds?"""
    try:
        found.expect(pattern, 5)
    except AssertionError:
        return False
    return True


def fresh(found: Guest) -> None:
    """A prompt of its own, whatever is shown of others. What is typed while the server dies may be
    lost."""
    for n in range(20):
        found.type(f"\recho fr''esh {n}\r")
        if heard(found, rf"\nfresh {n}\r*\n"):
            found.prompt()
            return
    raise AssertionError("what is typed is not heard")


def settle(found: Guest) -> None:
    """All messages have been shown: each draws the prompt again."""
    for _ in range(60):
        try:
            found.child.expect(b".+", timeout=3)
        except pexpect.TIMEOUT:
            return
    raise AssertionError("messages without end")


def kill(found: Guest, number: str = "") -> None:
    """The next server has the session."""
    found.type(f"service kill console {number}\r")
    found.expect("-- session 1 --")
    fresh(found)


def check_programs(found: Guest) -> None:
    assert found.shell("seq 1 2000 | wc -l").split() == ["2000"]
    assert found.shell("seq 1 700").split() == [str(n) for n in range(1, 701)]
    assert "stopped by the kernel" in found.shell("fault msr")
    found.type("cat | wc -c\r")
    found.expect("\n")
    found.type("12345\r6789\r\x04")
    assert found.prompt().split()[-1] == "11"
    for command, sign in (("yes", r"y\r*\ny"), ("cat\rz", r"z\r*\nz\r*\n"), ("top", "PID")):
        found.type(command + "\r")
        found.expect(sign)
        found.type(BREAK)
        found.prompt()
        assert found.shell("echo $?") == "130\n", command


@suite.matrix(gic=["2", "3"], cpus=[1, 2])
def the_shell_and_its_programs_are_clients(gic: str, cpus: int) -> None:
    with guest(f"clients gic={gic} cpus={cpus}", gic, cpus) as found:
        table = rows(found)
        assert len(table["consoled"]) == len(table["registry"]) == len(table["sh"]) == 1
        assert re.search(r"mapped +no +\d+ consoled +pl011@", found.shell("lsdev"))
        check_programs(found)
        assert "has nothing but its session" in found.shell("console off")
        found.type("\x04")      # the first shell is started again
        found.expect("Welcome")
        found.prompt()
        assert re.search(r"hv8: the UART is left to a process", found.shell("dmesg"))


@suite.matrix(gic=["2", "3"])
def sessions(gic: str) -> None:
    with guest(f"sessions gic={gic}", gic) as found:
        found.type("console new\r")
        found.expect("-- session 2 --")
        found.expect(re.escape(PROMPT))
        assert found.shell("echo two") == "two\n"
        found.type(NEXT)
        found.expect("-- session 1 --")
        fresh(found)
        assert found.shell("echo $$") == "2\n"
        found.type(NEXT)
        found.expect("-- session 2 --")
        fresh(found)
        found.type("service kill console\r")
        found.expect(r"-- session \d --")
        fresh(found)
        for _ in range(2):      # both are there again
            found.type(NEXT)
            found.expect(r"-- session \d --")
            fresh(found)
        found.type("console 2\r")
        found.expect(r"-- session 2 --|" + re.escape(PROMPT))
        fresh(found)
        found.type("exit\r")
        found.expect("-- session 1 --")
        fresh(found)


def transcript(found: Guest) -> str:
    found.transcript.flush()
    return Path(found.transcript.name).read_text(errors="replace")


def numbers(text: str, base: int, last: int) -> list[int]:
    """Those that are missing: each is unlike any part of the others."""
    return [n for n in range(base, base + last + 1) if str(n) not in text]


@suite.matrix(cpus=[1, 2])
def killed_again_and_again_while_programs_print(cpus: int) -> None:
    """No line is lost, and the shell, which kills it and prints as well, goes on."""
    with guest(f"kills cpus={cpus}", cpus=cpus) as found:
        pid = rows(found)["sh"][0][0]
        last = 5000
        for n, rest in ((1, ""), (2, ""), (3, "| cat")):
            found.type(f"seq {n * 10 ** 14} {n * 10 ** 14 + last} {rest} &\r")
        for _ in range(KILLS):
            kill(found)
        found.shell("wait")
        fresh(found)
        assert rows(found)["sh"][0][0] == pid
        assert re.search(rf"^console +\d+ +up +{KILLS + 1}$", found.shell("service"), re.M)
        text = transcript(found)
        for n in (1, 2, 3):
            missing = numbers(text, n * 10 ** 14, last)
            assert not missing, (n, missing[:9], len(missing))


@suite.matrix(bug=["crashes", "exits"])
def a_driver_with_a_bug_is_replaced(bug: str) -> None:
    """Again and again, and its registers, and what the registry says of it, the next one shows."""
    with guest(f"bug {bug}") as found:
        pid = rows(found)["sh"][0][0]
        kill(found, "80" if bug == "crashes" else "81")
        said = "died of signal" if bug == "crashes" else "ended with 1"
        for _ in range(3):
            for _ in range(20):
                found.type("\rseq 1 60\r")
                if heard(found, rf"registry: consoled {said}"):
                    break
            else:
                raise AssertionError(said)
        if bug == "crashes":
            assert re.search(r"consoled\[\d+\] crashed: BRK", transcript(found))
        fresh(found)
        kill(found, "1000000")
        settle(found)
        assert found.shell("echo fine") == "fine\n"
        assert rows(found)["sh"][0][0] == pid


@suite.test
def one_that_dies_at_once_rests_and_comes_again() -> None:
    with guest("dies at once") as found:
        found.type("sh -c 'sleep 20; service kill console 1000000' &\r")
        found.prompt()
        found.type("service kill console 3\r")     # each one's third call is for the prompt
        found.expect("registry: consoled dies too often")
        found.expect("registry: consoled dies too often")
        fresh(found)
        settle(found)
        assert "well\n" in found.shell("echo well")


@suite.matrix(victim=["registry", "clock"])
def other_servers_die(victim: str) -> None:
    with guest(f"victim {victim}") as found:
        pid = rows(found)["sh"][0][0]
        for _ in range(3):
            found.shell("date")
            found.type(f"service kill {victim}\r")
            fresh(found)
            assert "UTC" in found.shell("date")
        assert rows(found)["sh"][0][0] == pid


@suite.test
def much_typed_ahead_is_kept() -> None:
    """More than the receiver, the server's ring and the session's queue hold."""
    with Guest(machine("typed ahead", "uart=process"), timeout=120) as found:
        found.prompt()
        found.type("sleep 2\r" + "".join(f"echo line {n} of many\r" for n in range(150)) + "halt\r")
        assert found.ended() == 0
        said = re.findall(r"^line (\d+) of many$", found.before, re.M)
        assert [int(n) for n in said] == list(range(150)), said


@suite.test
def another_kind_of_uart() -> None:
    zcu102 = Machine("uart zcu102", board="xlnx-zcu102,virtualization=on", cpu="", gic="2",
                     extra=("-smp", "1", "-dtb", str(BUILD / "zcu102.dtb"),
                            "-append", "uart=process"))
    with Guest(zcu102, timeout=120) as found:
        found.expect(r"Cadence UART at 0xff000000")
        found.prompt()
        check_programs(found)
        for _ in range(3):
            kill(found)
        found.halt()


@suite.matrix(option=["process", "kernel"])
def a_panic_takes_the_uart_over(option: str) -> None:
    """Of a driver that has switched it off. A debugger makes the kernel panic, since no entry path
    does."""
    image = load(BUILD / "hv8.elf")
    with TemporaryDirectory() as folder:
        words = ("-chardev", f"socket,id=gdb,path={folder}/gdb,server=on,wait=off",
                 "-gdb", "chardev:gdb", "-S")
        one = machine(f"panic {option}", f"uart={option}")
        with Guest(replace(one, extra=(*one.extra, *words)), timeout=60) as found, \
                socket(AF_UNIX) as end:
            while end.connect_ex(f"{folder}/gdb") != 0:
                found.silence(0.1)
            gdb = Gdb(end, 60)
            trap, says = image.function("trap_irq").address, image.function("put_string").address
            gdb.stop_at((trap, says))
            gdb.go(None, None)      # a tick of the first process
            gdb.poke_physical(UARTCR, bytes(4))
            gdb.set_pc(0x1000)      # where EL2 has nothing
            gdb.go(trap, None)
            assert int.from_bytes(gdb.peek_physical(UARTCR, 4), "little") == 0x301
            gdb.ask(f"z0,{says:x},4", "D")
            found.expect("hv8: panic: exception at EL2: instruction abort")
            found.expect("hv8: panic: called from")
            assert found.ended() == 0


@suite.test
def what_can_be_said_of_the_uart() -> None:
    for words in ("uart=", "uart=proces", "uart=process uart=kernel", "uart=process uart=process"):
        expect_failure(machine("wrong", words), "uart=kernel or uart=process", ends=False)
    with Guest(machine("kernel", "uart=kernel"), timeout=60) as found:
        found.prompt()
        assert not {"consoled", "registry"} & set(rows(found))
        assert "pl011" not in found.shell("lsdev")
        found.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
