# SPDX-License-Identifier: MIT
"""Measured instructions against proved ones: what theorem T8 says of each hypercall.

T8 counts from a handler's first instruction to its return. A row of the benchmark
that is one fast hypercall has two parts more, both counted in the machine code:
the caller's loop, and the vector before and after the handler, with the lock that
nobody else has. So: measured <= caller + vector + T8 of the handler.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from program import Program, distance

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = 2
VECTOR = 0x400
HVC, BLR_X16, ERET, RET, CBZ_X8 = 0xd4000002, 0xd63f0200, 0xd69f03e0, 0xd65f03c0, 0xb4000008
LONGEST = 200       # instructions of a vector
FREE = "self"       # the hypercall without the lock: number 0
# b and bl; b.cond; cbz and cbnz; tbz and tbnz; br, blr, ret, eret: (mask, value), C4.1.65
BRANCHES = ((0x7c000000, 0x14000000), (0xff000000, 0x54000000), (0x7e000000, 0x34000000),
            (0x7e000000, 0x36000000), (0xfe000000, 0xd6000000))
# Rows of the benchmark that are one fast hypercall: its name, and the function that repeats it.
SINGLE = {"null": ("self", "null_batch"), "alloc_frame": ("alloc_frame", "alloc_batch"),
          "protect_frame": ("protect_frame", "protect_batch"),
          "free_frame": ("free_frame", "free_batch")}


class BoundError(Exception):
    """There are no bounds, or the code is not of the shape that is counted here."""


@dataclass(frozen=True)
class Whole:
    """At most so many instructions for one operation: caller, vector, handler."""

    caller: int
    vector: int
    handler: int

    @property
    def total(self) -> int:
        return self.caller + self.vector + self.handler


# ---- what is proved ----------------------------------------------------------------


def proved(report: Path, sha256: str) -> dict[str, int] | None:
    """Instructions of each hypercall, if `report` is about that kernel and has them all."""
    if not report.is_file():
        return None
    found = json.loads(report.read_text())
    if found.get("schema") != SCHEMA or found["sha256"] != sha256:
        return None
    bounds = {row["subject"]: int(row["facts"]["instructions"]) for row in found["rows"]
              if row["theorem"] == "T8" and row["status"] == "proved"}
    return None if set(found["hypercalls"]) - set(bounds) else bounds


def prove(elf: Path, out: Path) -> None:
    """Makes `out`/report.json with T8 of every hypercall. Takes minutes."""
    done = subprocess.run([sys.executable, "-m", "verif", "--elf", elf, "--out", out, "--theorem",
                           "T8"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if done.returncode != 0:
        raise BoundError(f"T8 is not proved:\n{done.stdout.decode(errors='replace')[-2000:]}")


def bounds_of(elf: Path, build: Path) -> dict[str, int]:
    """From the last full run of the verifier if it was about this ELF, else from one of its own."""
    sha256 = hashlib.sha256(elf.read_bytes()).hexdigest()
    own = build / "bound"
    for folder in (build / "verify", own):
        found = proved(folder / "report.json", sha256)
        if found is not None:
            return found
    print("bench: no report of this kernel with T8 of all hypercalls: proving it, which takes "
          "minutes", file=sys.stderr, flush=True)
    prove(elf, own)
    found = proved(own / "report.json", sha256)
    if found is None:
        raise BoundError("T8 is not proved of all hypercalls")
    return found


# ---- what the code around the handler takes --------------------------------------------


def _is_branch(word: int) -> bool:
    return any(word & mask == value for mask, value in BRANCHES)


def vector_cost(kernel: Program, is_free: bool) -> int:
    """Instructions of the vector of a fast hypercall, without the handler, or of the one that
    takes no lock. No conditional branch is taken, but that one's (CBZ X8): they lead to other
    classes, or to where another core has the lock."""
    pc, count, back, calls = kernel.address("el2_vectors") + VECTOR, 0, [], 0
    while count < LONGEST:
        word, count = kernel.words(pc, 1)[0], count + 1
        pc += 4
        if word == ERET and calls == 1 and not back:
            return count
        if word == BLR_X16:
            calls += 1
        elif word & 0xff00001f == CBZ_X8 and is_free:
            pc += distance(word, 5, 19) - 4
        elif word & 0x7c000000 == 0x14000000:
            if word >> 31:
                back.append(pc)
            pc += distance(word, 0, 26) - 4
        elif word == RET and back:
            pc = back.pop()
        elif word & 0xfe000000 == 0xd6000000:
            break
    raise BoundError("the vector does not call by x16, once, and end in eret")


def caller_cost(program: Program, function: str) -> int:
    """Instructions of the loop around the first hvc of `function`, itself included."""
    _, words = program.function(function)
    if HVC not in words:
        raise BoundError(f"no hvc in {function}")
    hvc = words.index(HVC)
    end = next((i for i in range(hvc, len(words)) if _is_branch(words[i])), len(words) - 1)
    start = end + distance(words[end], 5, 19) // 4
    if words[end] >> 24 != 0x54 or not 0 <= start <= hvc or any(map(_is_branch, words[start:end])):
        raise BoundError(f"{function} has more than a loop around its hvc")
    return end - start + 1


def wholes(kernel: Path, program: Path, bounds: dict[str, int]) -> dict[str, Whole]:
    """For each row of the benchmark in SINGLE."""
    own, bench = Program(kernel), Program(program)
    return {key: Whole(caller_cost(bench, function), vector_cost(own, call == FREE), bounds[call])
            for key, (call, function) in SINGLE.items()}


def exceeded(measured: dict[str, int], bounds: dict[str, Whole]) -> list[str]:
    """A line for each operation that took more than its bound; BoundError if one did not run."""
    if set(bounds) - set(measured):
        raise BoundError(f"not measured: {', '.join(sorted(set(bounds) - set(measured)))}")
    return [f"{key} takes {measured[key]} instructions, and at most {w.total} are proved: "
            f"{w.caller} of the caller, {w.vector} of the vector, {w.handler} of the handler"
            for key, w in bounds.items() if measured[key] > w.total]
