# SPDX-License-Identifier: MIT
"""QEMU with hv8 on it, its RAM in a file that is mapped here too, its keyboard driven by a
list of lines. Stopped before its first instruction.

The guest's time is the host's while the guest runs. Instructions are not counted (-icount):
a process whose vectors are not mapped takes abort after abort and executes none, so that the
scheduler's tick would never come.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from verif.gdb import Gdb

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
RAM_BASE = 0x4000_0000      # of QEMU's virt
PROMPT = b"hv8$ "


@dataclass(frozen=True)
class Machine:
    """What QEMU emulates; `ram` in bytes. Several cores are one thread of the host."""

    cpu: str = "cortex-a57"
    gic: str = "3"
    ram: int = 128 << 20
    cpus: int = 1


class Typist:
    """Types the next line whenever the prompt appears, and keeps all that is written."""

    def __init__(self, console: socket.socket, lines: list[str]) -> None:
        self.console, self.lines = console, list(lines)
        self.text = bytearray()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def wait(self, seconds: float) -> None:
        """Until the first line has been typed; TimeoutError if that takes longer."""
        end = time.monotonic() + seconds
        while PROMPT not in self.text:
            if time.monotonic() > end:
                raise TimeoutError(f"no prompt after {self.text[-500:]!r}")
            time.sleep(0.05)

    def _run(self) -> None:
        unseen = 0
        while True:
            try:
                data = self.console.recv(4096)
            except OSError:
                return
            if not data:
                return
            self.text += data
            at = self.text.find(PROMPT, unseen)
            if at >= 0:
                unseen = at + len(PROMPT)
                if self.lines:
                    self.console.sendall(self.lines.pop(0).encode() + b"\r")


def _die_with_parent() -> None:
    """For the child before exec: prctl(PR_SET_PDEATHSIG, SIGKILL)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _connect(path: Path) -> socket.socket:
    end = socket.socket(socket.AF_UNIX)
    for _ in range(200):
        try:
            end.connect(str(path))
            return end
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
    raise TimeoutError(f"QEMU does not listen at {path}")


@dataclass
class Guest:
    """Leaving the `with` block ends QEMU in any case. `ram` is the guest's memory, `stub` what
    talks to gdb's stub."""

    machine: Machine
    lines: list[str]
    stub: type[Gdb] = Gdb
    ram: mmap.mmap = field(init=False)
    gdb: Gdb = field(init=False)
    typist: Typist = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def _argv(self, folder: Path, fd: int) -> list[str]:
        m = self.machine
        ram = f"memory-backend-file,id=ram,size={m.ram},mem-path=/proc/self/fd/{fd},share=on"
        sockets = [word for name in ("console", "gdb") for word in
                   ("-chardev", f"socket,id={name},path={folder / name},server=on,wait=off")]
        return ["qemu-system-aarch64", "-machine",
                f"virt,virtualization=on,gic-version={m.gic},dtb-randomness=off,memory-backend=ram",
                "-object", ram, "-m", f"{m.ram >> 20}M", "-cpu", m.cpu,
                "-smp", str(m.cpus), *(("-accel", "tcg,thread=single") if m.cpus > 1 else ()),
                "-nodefaults", "-display", "none", "-no-reboot", "-S",
                *sockets, "-serial", "chardev:console", "-gdb", "chardev:gdb",
                "-kernel", str(BUILD / "hv8.img"), "-initrd", str(BUILD / "initrd.cpio")]

    def __enter__(self) -> Guest:
        fd = os.memfd_create("hv8-ram")
        os.ftruncate(fd, self.machine.ram)
        self.ram = mmap.mmap(fd, self.machine.ram)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.process = subprocess.Popen(self._argv(folder, fd), pass_fds=(fd,),
                                            stdin=subprocess.DEVNULL,
                                            preexec_fn=_die_with_parent)
            try:
                self.typist = Typist(_connect(folder / "console"), self.lines)
                self.gdb = self.stub(_connect(folder / "gdb"))
            except (TimeoutError, OSError):
                self._kill()
                raise
        os.close(fd)
        return self

    def _kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.gdb.close()
        self._kill()
        self.typist.thread.join(timeout=10)
