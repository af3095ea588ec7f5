# SPDX-License-Identifier: MIT
"""What people need beside a row: source text, and names of errors and arguments.

All of it is read from the sources that the ELF was built of and is only shown; no proof uses it.
"""
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ERROR = re.compile(r"^\s*(HV_E\w+)\s*=\s*(\d+)", re.M)
CALL = re.compile(r"^HC\d\(\d+, (\w+), \w+((?:,\s*\w+)*)\)", re.M)
ERRNO = re.compile(r"\berrno (\d+)\b")
REGISTER = re.compile(r"x(\d+)")
SIGN = 1 << 63


@dataclass(frozen=True)
class Routine:
    """The text of a function: `first` is the number of its first line."""

    file: str
    first: int
    line: int
    text: tuple[str, ...]


def root_of(elf: Path) -> Path:
    """The sources beside `elf`, which make puts in build/; else this project's own."""
    beside = elf.resolve().parent.parent
    return beside if (beside / "include/uapi/abi.h").is_file() else PROJECT


def printable(text: str) -> str:
    """The same text with tabs kept and other control characters as \\xNN, for any screen."""
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode()
                   for c in text)


@dataclass(frozen=True)
class Guide:
    """Looks things up in the sources under `root`; what is not there, or with no root, is empty."""

    root: Path | None
    _files: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def lines(self, file: str) -> tuple[str, ...]:
        """The lines of a file, named from the root."""
        if file not in self._files:
            # The specification that was run is this one, wherever the ELF was built.
            root = PROJECT if self.root and file.startswith("spec/") else self.root
            path = root / file if root and file else None
            text = path.read_text(errors="replace") if path and path.is_file() else ""
            self._files[file] = tuple(text.split("\n"))
        return self._files[file]

    def line(self, place: str) -> str:
        """The text at file:line, without what surrounds it."""
        file, _, number = place.rpartition(":")
        lines = self.lines(file)
        inside = number.isdecimal() and 0 < int(number) <= len(lines)
        return lines[int(number) - 1].strip() if inside else ""

    def routine(self, subject: str, source: str) -> Routine | None:
        """The C function at `source` (file:line), or the assembly routine called `subject`."""
        file, _, number = source.rpartition(":")
        if number.isdecimal() and self.line(source):
            return self._function(file, int(number))
        for name in self._assembly_files():
            for at, line in enumerate(self.lines(name), 1):
                if line == f"{subject}:":
                    return self._assembly(name, subject, at)
        return None

    def _assembly_files(self) -> list[str]:
        found = sorted((self.root / "kernel").glob("*.S")) if self.root else []
        return [f"kernel/{path.name}" for path in found]

    def _function(self, file: str, number: int) -> Routine:
        """With the comment above it, to the brace in the first column."""
        lines = self.lines(file)
        first = number
        while first > 1 and lines[first - 2] and not lines[first - 2].startswith(("}", "#")):
            first -= 1
        last = number
        while last < len(lines) and not lines[last - 1].startswith("}"):
            last += 1
        return Routine(file, first, number, lines[first - 1:last])

    def _assembly(self, file: str, subject: str, number: int) -> Routine:
        """From the label to its .size."""
        lines = self.lines(file)
        last = number
        while last < len(lines) and f".size\t{subject}" not in lines[last - 1]:
            last += 1
        return Routine(file, number, number, lines[number - 1:last])

    @cached_property
    def errors(self) -> dict[int, str]:
        """Error numbers, positive, and their names in abi.h."""
        text = "\n".join(self.lines("include/uapi/abi.h"))
        return {int(number): name for name, number in ERROR.findall(text)}

    @cached_property
    def arguments(self) -> dict[str, tuple[str, ...]]:
        """Parameter names of each hypercall of hypercall.def."""
        text = "\n".join(self.lines("include/uapi/hypercall.def"))
        return {name: tuple(w.strip() for w in rest.split(",")[2::2])
                for name, rest in CALL.findall(text)}

    def explained(self, what: str) -> str:
        """`what` with the name behind each `errno N`."""
        return ERRNO.sub(lambda m: " ".join([m[0], self.errors.get(int(m[1]), "")]).rstrip(), what)

    def named(self, subject: str, register: str) -> str:
        """`x0` as `x0 pid`, if the subject is a hypercall that takes that much."""
        names = self.arguments.get(subject, ())
        found = REGISTER.fullmatch(register)
        known = found is not None and int(found[1]) < len(names)
        return f"{register} {names[int(found[1])]}" if found and known else register

    def number(self, component: str, value: str) -> str:
        """A decimal number of 64 bits as hex; a result also signed, or by its error's name."""
        if not value.isdecimal():
            return value
        bits = int(value)
        if not component.startswith("result"):
            return f"{bits:#x}"
        signed = bits - 2 * SIGN if bits >= SIGN else bits
        name = self.errors.get(-signed)
        return f"{bits:#x} ({f'-{name}' if name else signed})"
