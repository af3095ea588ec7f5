# SPDX-License-Identifier: MIT
"""A machine in QEMU with hv8 on it, talked to over its serial console."""

import os
import random
import re
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import pexpect

from harness import BUILD, LOGS

PROMPT = "hv8$ "
# Cores as threads of the host are slow where the host has fewer: who has the ticket that is
# served may not be running. One thread for all of them is fast, and preempts as well.
ONE_THREAD = ("-accel", "tcg,thread=single")
# Milliseconds that a machine of this file is stopped for at most, again and again, as a busy host
# may do to it at any time: no test may need that the host is quick.
HICCUPS = int(os.environ.get("HICCUPS") or "0")


@dataclass(frozen=True)
class Machine:
    """How to start QEMU. `log` names the transcript in build/test-logs. Of any `board` but
    virt, cores and interrupt controller are what they are."""

    log: str
    cpu: str = "cortex-a57"
    gic: str = "3"
    cpus: int = 1
    mem: str = "512M"
    virtualization: bool = True
    kernel: Path | None = BUILD / "hv8.img"
    initrd: Path | None = BUILD / "initrd.cpio"
    icount: bool = False
    extra: tuple[str, ...] = ()
    board: str = "virt"

    def argv(self) -> list[str]:
        onoff = "on" if self.virtualization else "off"
        words = ["-machine", f"virt,virtualization={onoff},gic-version={self.gic},"
                 "dtb-randomness=off", "-cpu", self.cpu, "-smp", str(self.cpus)]
        if self.board != "virt":
            words = ["-machine", self.board, "-audiodev", "none,id=none"]
        words += ["-m", self.mem, "-nodefaults", "-display", "none", "-no-reboot",
                  "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        if self.kernel is not None:
            words += ["-kernel", str(self.kernel)]
        if self.initrd is not None:
            words += ["-initrd", str(self.initrd)]
        if self.icount:
            words += ["-icount", "shift=0,sleep=off"]
        return words + list(self.extra)


class Hiccups:
    """Stops and continues a process at random until told to end."""

    def __init__(self, pid: int):
        self._process, self._ended = os.pidfd_open(pid), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """The process goes on, if it is there."""
        self._ended.set()
        self._thread.join()
        os.close(self._process)

    def _run(self) -> None:
        while not self._ended.wait(random.uniform(0.02, 1)):
            try:
                signal.pidfd_send_signal(self._process, signal.SIGSTOP)
                self._ended.wait(random.uniform(0, HICCUPS / 1000))
                signal.pidfd_send_signal(self._process, signal.SIGCONT)
            except ProcessLookupError:
                return


@dataclass
class Guest:
    """A running machine; leaving the `with` block ends it in any case."""

    machine: Machine
    timeout: float = 300
    child: pexpect.spawn = field(init=False)
    transcript: BinaryIO = field(init=False)
    hiccups: Hiccups | None = field(init=False, default=None)

    def __enter__(self) -> "Guest":
        LOGS.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9.=-]+", "-", self.machine.log)
        self.transcript = (LOGS / f"{name}.serial").open("wb")
        # QEMU makes the terminal raw; nothing is typed before the guest has spoken.
        self.child = pexpect.spawn("qemu-system-aarch64", self.machine.argv(), echo=False,
                                   timeout=self.timeout, logfile=None, dimensions=(40, 200))
        self.child.logfile_read = self.transcript
        self.child.delaybeforesend = None
        if HICCUPS:
            self.hiccups = Hiccups(self.child.pid)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.hiccups is not None:
            self.hiccups.end()
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close()
        self.transcript.close()

    def expect(self, pattern: str, timeout: float | None = None) -> re.Match[str]:
        """Waits for a regular expression; what came before is in self.before."""
        try:
            self.child.expect(pattern.encode(), timeout=timeout or self.timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as problem:
            seen = (self.child.before or b"").decode(errors="replace")
            why = "the machine ended" if isinstance(problem, pexpect.EOF) else "nothing came"
            raise AssertionError(
                f"expected {pattern!r}, but {why} after:\n{seen[-3000:]}") from None
        match = self.child.match
        text = match.group(0).decode(errors="replace")
        decoded = re.search(pattern, text)
        assert decoded is not None, text
        return decoded

    @property
    def before(self) -> str:
        """Text without carriage returns: the guest ends lines by CR LF, and the
        terminal that QEMU writes to adds another CR."""
        return re.sub(r"\r+\n", "\n", self.child.before.decode(errors="replace"))

    def prompt(self, timeout: float | None = None) -> str:
        """Waits for the shell's prompt and returns what came before it."""
        self.expect(re.escape(PROMPT), timeout)
        return self.before

    def type(self, text: str | bytes) -> None:
        self.child.send(text)

    def shell(self, line: str, timeout: float | None = None) -> str:
        """Types a command at the prompt and returns what it prints."""
        self.type(line + "\r")
        self.expect(r"\n")
        return self.prompt(timeout)

    def ended(self, timeout: float | None = None) -> int:
        """Waits for QEMU to end by itself; its exit status."""
        self.expect_end(timeout)
        self.child.wait()
        assert self.child.exitstatus is not None, f"QEMU died of signal {self.child.signalstatus}"
        return self.child.exitstatus

    def expect_end(self, timeout: float | None = None) -> None:
        try:
            self.child.expect(pexpect.EOF, timeout=timeout or self.timeout)
        except pexpect.TIMEOUT:
            raise AssertionError(f"the machine goes on after:\n{self.before[-3000:]}") from None

    def silence(self, seconds: float = 2) -> str:
        """What comes while nothing is expected; the machine may go on."""
        try:
            self.child.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT:
            pass
        return self.before

    def halt(self) -> None:
        self.type("halt\r")
        status = self.ended()
        assert status == 0, f"QEMU ended with {status}"


def all_passed(text: str) -> int:
    """How many tests of usertests passed, which printed `text`; none may have failed."""
    wrong = [line for line in text.splitlines() if not line.startswith(("ok ", "usertests:"))]
    summary = re.search(r"^usertests: (\d+) passed, 0 failed$", text, re.M)
    assert summary is not None, "\n".join(wrong) or text[-3000:]
    return int(summary.group(1))


def expect_failure(machine: Machine, pattern: str, ends: bool = True) -> None:
    """Boots and expects one line that matches, as the last thing said; then the
    machine is switched off or, where the kernel cannot do that, stays silent."""
    with Guest(machine, timeout=30) as guest:
        guest.expect(rf"hv8: [^\r\n]*(?:{pattern})[^\r\n]*\r*\n")
        before = guest.before
        if ends:
            assert guest.ended() == 0
            rest = guest.before
        else:
            rest = guest.silence()
        assert not rest.strip(), f"more was said: {rest!r}"
        wrong = [line for line in before.splitlines() if line and not line.startswith("hv8: ")]
        assert not wrong, wrong
