# SPDX-License-Identifier: MIT
"""Compiles C files of the project for this machine, with sanitizers, and talks to them."""

import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import BUILD, ROOT, output

FLAGS = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fwrapv",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         "-Iinclude", "-Ikernel", "-Itests/host")


@cache
def compile_driver(name: str, sources: tuple[str, ...], flags: tuple[str, ...] = (),
                   variant: str = "") -> Path:
    """The program of tests/host/NAME.c; a variant has flags of its own."""
    target = BUILD / "host" / (name + variant)
    target.parent.mkdir(parents=True, exist_ok=True)
    output("gcc", *FLAGS, *flags, "-o", target, f"tests/host/{name}.c", *sources)
    return target


@dataclass(frozen=True)
class Driver:
    process: subprocess.Popen[bytes]

    def ask(self, data: bytes) -> str:
        """One request and its answer. A driver that dies is a failure with its words."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(struct.pack("<I", len(data)) + data)
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            self.process.wait(timeout=20)
            stderr = self.process.stderr
            words = stderr.read().decode(errors="replace") if stderr is not None else ""
            raise AssertionError(f"the driver died on {data[:200]!r}:\n{words[:4000]}")
        return line.decode()


@contextmanager
def running(path: Path) -> Iterator[Driver]:
    process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=ROOT)
    try:
        yield Driver(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
