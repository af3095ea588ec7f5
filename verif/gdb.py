# SPDX-License-Identifier: MIT
"""QEMU's gdb stub over a Unix socket: registers, breakpoints, going on.

Packets are sent several at a time where the machine is stopped; the next packet acknowledges
the reply before it, so no acknowledgement is sent. Numbers on the wire are little-endian.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

GENERAL = 31            # x0 .. x30, then SP, PC, each 8 bytes, then CPSR
SP_AT, PC_AT, WORD = 31, 32, 8
FIRST_VECTOR = 34       # v0 .. v31 (or z0 .. z31), FPSR, FPCR follow the 34 core registers
VECTORS = 32
PATIENCE = 600          # seconds without a stop: the machine hangs


class Ended(Exception):
    """QEMU has closed the connection or told of its end."""


@dataclass(frozen=True)
class Core:
    """x0 .. x30, the stack pointer in use, and the PC, as words."""

    x: tuple[int, ...]
    sp: int
    pc: int


class Gdb:
    """One connection. While the machine runs nothing but `go` and `step` wait for it.
    TimeoutError if it says nothing for `patience` seconds."""

    def __init__(self, connection: socket.socket, patience: float = PATIENCE) -> None:
        self.socket = connection
        self.socket.settimeout(patience)
        self.buffer = b""
        self.thread = 1
        self.ask("qSupported:xmlRegisters=aarch64")
        self._document("target.xml")
        text = self._document("system-registers.xml")
        found = re.findall(r'<reg name="([^"]+)"[^>]*regnum="(\d+)"', text)
        self.numbers = {name.lower(): int(number) for name, number in found}

    def close(self) -> None:
        """Ends the connection."""
        self.socket.close()

    def _reply(self) -> str:
        while True:
            begin = self.buffer.find(b"$")
            end = self.buffer.find(b"#", begin)
            if begin >= 0 and end >= 0 and len(self.buffer) >= end + 3:
                reply, self.buffer = self.buffer[begin + 1:end], self.buffer[end + 3:]
                return reply.decode()
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                raise Ended
            self.buffer += data

    def _send(self, packets: tuple[str, ...]) -> None:
        frames = [f"${p}#{sum(p.encode()) & 0xff:02x}" for p in packets]
        try:
            self.socket.sendall("".join(frames).encode())
        except ConnectionError:
            raise Ended from None

    def ask(self, *packets: str) -> list[str]:
        """The replies, in order."""
        self._send(packets)
        return [self._reply() for _ in packets]

    def _document(self, name: str) -> str:
        text, more = "", True
        while more:
            reply = self.ask(f"qXfer:features:read:{name}:{len(text):x},800")[0]
            text, more = text + reply[1:], reply[0] == "m"
        return text

    # ---- registers ----------------------------------------------------------------

    def read(self, names: tuple[str, ...] = ()) -> tuple[Core, list[int]]:
        """The general registers, and system registers by name (KeyError if there is none)."""
        packets = [f"p{self.numbers[name]:x}" for name in names]
        core, *values = self.ask("g", *packets)
        raw = bytes.fromhex(core[:2 * WORD * (PC_AT + 1)])
        words = [int.from_bytes(raw[i:i + WORD], "little") for i in range(0, len(raw), WORD)]
        return (Core(tuple(words[:GENERAL]), words[SP_AT], words[PC_AT]),
                [int.from_bytes(bytes.fromhex(value), "little") for value in values])

    def read_fp(self) -> list[int]:
        """FPCR, FPSR, then the low and the high word of Q0 .. Q31."""
        status, control = FIRST_VECTOR + VECTORS, FIRST_VECTOR + VECTORS + 1
        numbers = (control, status, *range(FIRST_VECTOR, FIRST_VECTOR + VECTORS))
        raw = [bytes.fromhex(r) for r in self.ask(*(f"p{n:x}" for n in numbers))]
        words = [int.from_bytes(r, "little") for r in raw[:2]]
        for vector in raw[2:]:
            words += [int.from_bytes(vector[i:i + WORD], "little") for i in (0, WORD)]
        return words

    def choose(self, core: int) -> None:
        """The core, from 0, whose registers are meant from now on, and that goes alone."""
        self.thread = core + 1
        self._must(f"Hg{self.thread:x}")

    # ---- the stopped machine --------------------------------------------------------

    def poke(self, address: int, data: bytes) -> None:
        """Writes memory at a virtual address of the level that the core is at."""
        self._must(f"M{address:x},{len(data):x}:{data.hex()}")

    def peek(self, address: int, size: int) -> bytes:
        """Reads memory at a virtual address."""
        return bytes.fromhex(self.ask(f"m{address:x},{size:x}")[0])

    def peek_physical(self, address: int, size: int) -> bytes:
        """Reads memory or device registers at a physical address; LookupError if QEMU cannot."""
        self._must("Qqemu.PhyMemMode:1")
        reply = self.ask(f"m{address:x},{size:x}")[0]
        self._must("Qqemu.PhyMemMode:0")
        if len(reply) != 2 * size:
            raise LookupError(f"QEMU reads nothing at physical {address:#x}: {reply}")
        return bytes.fromhex(reply)

    def poke_physical(self, address: int, data: bytes) -> None:
        """Writes memory or device registers at a physical address."""
        self._must("Qqemu.PhyMemMode:1")
        self.poke(address, data)
        self._must("Qqemu.PhyMemMode:0")

    def set_general(self, number: int, value: int) -> None:
        """x0 .. x30 get another value; number 32 is the PC."""
        self._must(f"P{number:x}={value.to_bytes(WORD, 'little').hex()}")

    def set_pc(self, address: int) -> None:
        """Where the core goes on."""
        self.set_general(PC_AT, address)

    def _must(self, packet: str) -> None:
        reply = self.ask(packet)[0]
        if reply != "OK":
            raise LookupError(f"QEMU's answer to {packet} is {reply}")

    # ---- on -------------------------------------------------------------------------

    def _wait(self) -> None:
        reply = self._reply()
        if not reply.startswith(("T05", "S05")):
            raise Ended

    def stop_at(self, addresses: tuple[int, ...]) -> None:
        """Breakpoints at these addresses, besides those that there are."""
        replies = self.ask(*(f"Z0,{a:x},4" for a in addresses))
        if set(replies) != {"OK"}:
            raise ValueError(f"QEMU takes no breakpoint: {replies}")

    def go(self, away: int | None, back: int | None) -> None:
        """To the next breakpoint. The one at `away`, where the machine is, is taken away,
        since QEMU would stop at it again; the one at `back` is put back."""
        packets = ["c"]
        if away is not None:
            packets.insert(0, f"z0,{away:x},4")
        if back is not None:
            packets.insert(0, f"Z0,{back:x},4")
        self._send(tuple(packets))
        for _ in packets[:-1]:
            self._reply()
        self._wait()

    def go_alone(self) -> None:
        """To the next breakpoint with the chosen core alone: the others stay where they are."""
        self._send((f"vCont;c:{self.thread}",))
        self._wait()

    def step(self) -> None:
        """One instruction of the chosen core alone, breakpoint or not."""
        self._send((f"vCont;s:{self.thread}",))
        self._wait()
