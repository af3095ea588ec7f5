# SPDX-License-Identifier: MIT
"""As much of QEMU's gdb stub and monitor as it takes to count instructions.

QEMU in record mode knows how many instructions it has executed; stopped at a
breakpoint it tells the number exactly, and the guest need not help.
"""

import json
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class StubError(Exception):
    """QEMU did not answer as expected."""


def connect(path: Path, seconds: float) -> socket.socket:
    """Connects to a socket that QEMU is about to make."""
    end = time.monotonic() + seconds
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
            client.settimeout(seconds)
            return client
        except OSError:
            client.close()
            if time.monotonic() > end:
                raise StubError(f"QEMU made no {path.name} socket") from None
            time.sleep(0.05)


@dataclass(frozen=True)
class Counter:
    """A machine that is stopped, and runs from one breakpoint to the next."""

    gdb: socket.socket
    monitor: socket.socket

    def ask(self, text: str) -> str:
        """A request of the remote serial protocol and its answer."""
        self.gdb.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())
        data = b""
        while not re.search(rb"\$[^#]*#..", data):
            more = self.gdb.recv(4096)
            if not more:
                raise StubError("QEMU ended")
            data += more
        self.gdb.sendall(b"+")
        return data[data.index(b"$") + 1:data.index(b"#")].decode()

    def run_to(self, address: int) -> int:
        """Instructions executed since reset when `address` is about to be."""
        if self.ask(f"Z1,{address:x},4") != "OK":
            raise StubError(f"no breakpoint at {address:#x}")
        self.go()
        self.ask(f"z1,{address:x},4")
        return self.count()

    def go(self, how: str = "c") -> None:
        """Runs to a breakpoint, or (how = "s") one instruction."""
        stop = self.ask(how)
        if not stop.startswith("T05"):
            raise StubError(f"stopped otherwise than by the breakpoint: {stop}")

    def register(self, number: int) -> int:
        """x0 to x30, 31 for SP, 32 for the PC."""
        return int.from_bytes(bytes.fromhex(self.ask("g"))[8 * number:8 * number + 8], "little")

    def memory(self, address: int, size: int) -> bytes:
        """`size` bytes as what runs would read them; none if that would fault."""
        answer = self.ask(f"m{address:x},{size:x}")
        return b"" if answer.startswith("E") else bytes.fromhex(answer)

    def count(self) -> int:
        """Instructions executed since reset."""
        text = self.execute("human-monitor-command", {"command-line": "info replay"})
        match = re.search(r"instruction count = (\d+)", str(text))
        if match is None:
            raise StubError(f"no instruction count in {text!r}")
        return int(match.group(1))

    def execute(self, command: str, arguments: dict[str, str]) -> object:
        """A command of the machine protocol (QMP)."""
        request = json.dumps({"execute": command, "arguments": arguments}) + "\n"
        self.monitor.sendall(request.encode())
        data = b""
        while True:
            more = self.monitor.recv(65536)
            if not more:
                raise StubError("QEMU ended")
            data += more
            for line in data.split(b"\n")[:-1]:
                answer = json.loads(line)
                if "error" in answer:
                    raise StubError(str(answer["error"]))
                if "return" in answer:
                    return answer["return"]
            data = data.split(b"\n")[-1]


@contextmanager
def counting(argv: list[str], seconds: float = 60) -> Iterator[Counter]:
    """Starts QEMU stopped before the first instruction. `argv` says which machine."""
    with tempfile.TemporaryDirectory() as name, \
            stopped([*argv, "-icount", f"shift=0,sleep=off,rr=record,rrfile={name}/record"],
                    seconds) as counter:
        yield counter


@contextmanager
def stopped(argv: list[str], seconds: float = 60, keys: bytes = b"") -> Iterator[Counter]:
    """The same without a count: it is for single steps. `keys` are typed on it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "keys").write_bytes(keys)
        process = subprocess.Popen(
            [*argv, "-S", "-serial", "stdio" if keys else "null",
             "-gdb", f"unix:{place}/gdb,server=on,wait=off",
             "-qmp", f"unix:{place}/qmp,server=on,wait=off"],
            stdin=(place / "keys").open("rb"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(place / "qmp", seconds) as monitor, connect(place / "gdb", seconds) as gdb:
                counter = Counter(gdb, monitor)
                counter.execute("qmp_capabilities", {})
                yield counter
        finally:
            process.kill()
            process.wait()
