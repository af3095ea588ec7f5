#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares answers of solvers with the manifest of `make export`.

Usage: collect.py FOLDER ANSWERS...

An answer is a line `FILE WORD`, as docs/verify.md makes them: FILE as in the manifest, WORD what
the solver said. A file may have answers of several solvers or runs: one that contradicts
the manifest counts most, one that agrees counts more than any other word. Exit status: 0 if all
agree, 1 if an answer contradicts or an exported file has changed, 2 if something is open.
Imports nothing but Python's own library.
"""
import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEAD = ["file", "subject", "theorem", "goal", "sha256", "expected"]
FINAL = ("sat", "unsat")
AGREED, DISAGREED, UNKNOWN = "agreed", "disagreed", "unknown"
MISSING, CHANGED = "missing", "changed"
WRONG, OPEN = (DISAGREED, CHANGED), (UNKNOWN, MISSING)


class CollectError(Exception):
    """A manifest or an answer that cannot be read."""


@dataclass(frozen=True)
class Obligation:
    """A line of the manifest."""

    file: str
    subject: str
    theorem: str
    goal: str
    sha256: str
    expected: str


def manifest(folder: Path) -> list[Obligation]:
    """What was exported."""
    lines = [line.split("\t") for line in (folder / "manifest.tsv").read_text().splitlines()]
    if not lines or lines[0] != HEAD or any(len(line) != len(HEAD) for line in lines):
        raise CollectError(f"{folder / 'manifest.tsv'} is no manifest")
    if len(lines) == 1:
        raise CollectError("nothing was exported")
    return [Obligation(*line) for line in lines[1:]]


def answers(paths: Iterable[Path]) -> dict[str, set[str]]:
    """All that was said of each file. No word at all is an answer like any other."""
    found: dict[str, set[str]] = {}
    for path in paths:
        for line in path.read_text(errors="replace").splitlines():
            if line.strip():
                file, _, word = line.strip().partition(" ")
                found.setdefault(file.removeprefix("./"), set()).add(word.strip())
    return found


def verdict(one: Obligation, said: set[str], text: bytes) -> str:
    """What has come of one obligation; `text` is what its file holds now."""
    if hashlib.sha256(text).hexdigest() != one.sha256:
        return CHANGED
    if one.expected not in FINAL:
        raise CollectError(f"{one.file}: {one.expected} cannot be expected")
    if (set(FINAL) - {one.expected}) & said:
        return DISAGREED
    if one.expected in said:
        return AGREED
    return UNKNOWN if said else MISSING


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("answers", type=Path, nargs="+")
    options = parser.parse_args()
    try:
        wanted, said = manifest(options.folder), answers(options.answers)
        strange = sorted(set(said) - {one.file for one in wanted})
        if strange:
            raise CollectError(f"answers to what was not asked: {' '.join(strange[:5])}")
        counts: Counter[str] = Counter()
        for one in wanted:
            path = options.folder / one.file
            word = verdict(one, said.get(one.file, set()),
                           path.read_bytes() if path.is_file() else b"")
            counts[word] += 1
            if word != AGREED:
                heard = ", ".join(sorted(said.get(one.file, {"no answer"})))
                print(f"{word}: {one.subject} {one.theorem} {one.goal} ({one.file}): {heard}")
    except (OSError, CollectError) as error:
        print(f"collect: {error}", file=sys.stderr)
        return 2
    print(", ".join(f"{counts[word]} {word}" for word in (AGREED, *WRONG, *OPEN)))
    return 1 if any(counts[word] for word in WRONG) \
        else 2 if any(counts[word] for word in OPEN) else 0


if __name__ == "__main__":
    sys.exit(main())
