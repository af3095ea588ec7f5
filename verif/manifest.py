# SPDX-License-Identifier: MIT
"""The list of exported queries: manifest.tsv, a line for each obligation, with a head."""
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path

from .errors import VerifError
from .queries import Query

NAME = "manifest.tsv"
HEAD = ("file", "subject", "theorem", "goal", "sha256", "expected")


def write(path: Path, queries: Iterable[Query]) -> None:
    """Lines in the order of the queries; `path` is complete as soon as it is there."""
    lines = [HEAD, *(astuple(query) for query in queries)]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text("".join("\t".join(line) + "\n" for line in lines))
    partial.replace(path)


def read(path: Path) -> list[Query]:
    """VerifError if it is no manifest."""
    lines = [tuple(line.split("\t")) for line in path.read_text().splitlines()]
    if not lines or lines[0] != HEAD or any(len(line) != len(HEAD) for line in lines):
        raise VerifError(f"{path} is no manifest")
    return [Query(*line) for line in lines[1:]]


def join(folder: Path, jobs: Iterable[str]) -> int:
    """Makes one manifest of those of the jobs, and removes these; the number of obligations."""
    found = []
    for job in jobs:
        part = folder / job / NAME
        found += read(part)
        part.unlink()
        if not any(part.parent.iterdir()):
            part.parent.rmdir()
    write(folder / NAME, found)
    return len(found)
