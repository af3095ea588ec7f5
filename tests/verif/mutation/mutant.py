# SPDX-License-Identifier: MIT
"""One planted fault: where it is, what it replaces, and what it is called."""
import hashlib
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KINDS = ("c", "binary", "spec", "invariant", "barrier", "vectors")


def stamp(elf: Path) -> None:
    """Gives a changed kernel the hash that it has now: otherwise the verifier would refuse it."""
    subprocess.run([ROOT / "tools/stamp.py", elf], check=True)


@dataclass(frozen=True)
class Mutant:
    """In `file` (relative to the tree) the characters, or of an ELF the bytes, from `start` to
    `end` are `old` and become `new` (of an ELF: hexadecimal). `subjects` are the hypercalls
    that may be affected, those that are proved fastest first."""

    kind: str
    operator: str
    file: str
    function: str
    line: str
    start: int
    end: int
    old: str
    new: str
    subjects: tuple[str, ...] = ()
    nth: int = 0

    @property
    def identity(self) -> str:
        """Its name: stays the same while the function and the text that it replaces do."""
        text = "\0".join((self.function, self.old, self.new, str(self.nth)))
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{self.kind}/{self.operator}/{Path(self.file).name}/{self.function}/{digest}"

    @property
    def is_patch(self) -> bool:
        """Is it in an ELF?"""
        return self.file.endswith(".elf")

    @property
    def is_source(self) -> bool:
        """Is it in what an ELF is built from?"""
        return self.file.startswith("kernel/")

    @property
    def change(self) -> str:
        """What becomes what, on one line."""
        old, new = (" ".join(t.split()) for t in (self.old, self.new))
        return f"`{old}` -> `{new}`" if new else f"`{old}` dropped"

    def apply(self, tree: Path) -> None:
        """Plants it in a copy of the tree."""
        path = tree / self.file
        if self.is_patch:
            data = bytearray(path.read_bytes())
            if data[self.start:self.end].hex() != self.old:
                raise ValueError(f"{self.identity}: {path} is another ELF")
            data[self.start:self.end] = bytes.fromhex(self.new)
            path.write_bytes(data)
            stamp(path)
            return
        text = path.read_text()
        if text[self.start:self.end] != self.old:
            raise ValueError(f"{self.identity}: {path} has changed")
        path.write_text(text[:self.start] + self.new + text[self.end:])


def numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """The same, of one text in one function told apart by their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    for m in mutants:
        key = (m.operator, m.file, m.function, m.old, m.new)
        yield replace(m, nth=seen[key])
        seen[key] += 1


def line_of(text: str, at: int) -> int:
    """Number of the line that holds the character."""
    return text.count("\n", 0, at) + 1
