# SPDX-License-Identifier: MIT
"""Rows that are proved already, by the hash of all that they depend on.

A row depends on the verifier and the specification, Z3's version, the constants of the kernel
and, if it is about machine code, on every function that the code reaches, on constants in
memory and on where each field of the state lies. Only what is proved is kept.
"""
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import z3

from . import sources
from .flow import Flow
from .lin import signed
from .result import Row, from_json, to_json
from .target import Target


def _sources() -> bytes:
    return f"{z3.get_full_version()} {sources.digest()}".encode()


def _reached(target: Target, flow: Flow, address: int) -> list[tuple[int, bytes]]:
    """Address and bytes of each function that is reached by direct branches."""
    found: dict[int, bytes] = {}
    todo = [address]
    while todo:
        symbol = flow.owner(todo.pop())
        if symbol is None or symbol.address in found:
            continue
        words = []
        for pc in range(symbol.address, symbol.address + symbol.size, 4):
            words.append(target.image.word(pc))
            instruction = flow.instruction(pc)
            if instruction.encoding.name == "branch_immediate":
                todo.append(pc + 4 * signed(instruction.fields["imm26"], 26))
        found[symbol.address] = b"".join(w.to_bytes(4, "little") for w in words)
    return sorted(found.items())


@dataclass
class Cache:
    """Rows in files of `folder`; nothing is kept or found if `folder` is None."""

    target: Target
    folder: Path | None

    def __post_init__(self) -> None:
        self.flow = Flow(self.target.image)
        constants = sorted(self.target.debug.constants.items())
        self.common = hashlib.sha256(_sources() + repr(constants).encode()).digest()
        memory = [(s.base, s.data) for s in self.target.image.segments if s.flags == 4]
        self._sweep()
        self.machine = hashlib.sha256(
            repr((sorted(self.target.layout.families.items()), memory)).encode()).digest()

    def _sweep(self) -> None:
        """Removes what runs that were killed had not finished writing."""
        for partial in self.folder.glob("*.part") if self.folder else ():
            pid = partial.suffixes[-2][1:]
            if not Path("/proc", pid).exists():
                partial.unlink(missing_ok=True)

    def key(self, job: str, theorem: str, addresses: tuple[int, ...], inputs: bytes = b"") -> str:
        """Hash of what the rows of a job depend on; `addresses`: entries of machine code;
        `inputs`: a hash of what else there is."""
        digest = hashlib.sha256(self.common + f"{job}\0{theorem}\0".encode() + inputs)
        for address in addresses:
            digest.update(self.machine + repr(_reached(self.target, self.flow, address)).encode())
        return digest.hexdigest()

    def find(self, key: str) -> list[Row] | None:
        """The rows of that key, each with the fact `cached`."""
        if self.folder is None:
            return None
        rows: list[Row] = []
        try:
            rows = [from_json(r) for r in json.loads((self.folder / f"{key}.json").read_text())]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not rows or not all(r.passed for r in rows):
            return None
        return [Row(r.subject, r.theorem, r.status, r.seconds, (*r.facts, ("cached", "yes")),
                    r.failures, r.assumptions, r.source) for r in rows]

    def keep(self, key: str, rows: list[Row]) -> None:
        """Keeps rows that are all proved."""
        if self.folder is None or not all(r.passed for r in rows):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{key}.{os.getpid()}.part"
        partial.write_text(json.dumps([to_json(r) for r in rows]))
        partial.replace(self.folder / f"{key}.json")
