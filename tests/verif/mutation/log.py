# SPDX-License-Identifier: MIT
"""Results as JSON lines, so that a run can be interrupted; what they come to, and what is
known to be equivalent."""
import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .mutant import ROOT, Mutant
from .trial import Verdict

EQUIVALENT = ROOT / "tests" / "verif" / "equivalent.txt"
JUDGED = ("Makefile", "linker.ld", "kernel", "include", "spec", "verif")
FINE = ("caught", "no change", "does not build", "equivalent")


def digest(root: Path) -> str:
    """Of all sources that a verdict depends on."""
    total = hashlib.sha256()
    for name in JUDGED:
        paths = [root / name] if (root / name).is_file() else sorted((root / name).rglob("*"))
        for path in paths:
            if path.is_file() and path.suffix != ".pyc":
                total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def equivalents(path: Path = EQUIVALENT) -> dict[str, str]:
    """Identity -> why no theorem can notice it, as somebody has found by reading."""
    found = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            identity, reason = line.split(None, 1)
            found[identity] = reason
    return found


@dataclass
class Log:
    """One line for each verdict; those of other sources than the present ones do not count."""

    path: Path
    tree: str
    known: dict[str, Verdict] = field(default_factory=dict)

    def read(self) -> None:
        """Takes over what an earlier run has found."""
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            entry = json.loads(line)
            if entry["tree"] == self.tree:
                verdict = {**entry["verdict"], "tried": tuple(entry["verdict"]["tried"])}
                self.known[entry["identity"]] = Verdict(**verdict)

    def add(self, m: Mutant, verdict: Verdict) -> None:
        """Writes it down at once."""
        entry = {"identity": m.identity, "tree": self.tree, "line": m.line, "change": m.change,
                 "verdict": asdict(verdict)}
        self.known[m.identity] = verdict
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as out:
            out.write(json.dumps(entry) + "\n")


@dataclass(frozen=True)
class Summary:
    """What a sample came to. `survivors` are those that nobody has explained."""

    counts: dict[str, Counter[str]]
    survivors: tuple[Mutant, ...]
    undecided: tuple[Mutant, ...]
    explained: tuple[tuple[Mutant, str], ...]

    @property
    def total(self) -> Counter[str]:
        """Over all kinds."""
        return sum(self.counts.values(), Counter())


def column(verdict: Verdict) -> str:
    """Under which word a verdict is counted: what is caught, by what caught it."""
    return verdict.theorem if verdict.word == "caught" else verdict.word


def summarize(chosen: tuple[Mutant, ...], found: dict[str, Verdict],
              reasons: dict[str, str]) -> Summary:
    """Counts; a survivor with a reason is equivalent."""
    counts: dict[str, Counter[str]] = {}
    survivors, undecided, explained = [], [], []
    for m in chosen:
        verdict = found[m.identity]
        word = column(verdict)
        if verdict.word not in FINE and m.identity in reasons:
            word = "equivalent"
            explained.append((m, reasons[m.identity]))
        elif verdict.word in ("timeout", "open"):
            undecided.append(m)
        elif verdict.word not in FINE:
            survivors.append(m)
        counts.setdefault(m.kind, Counter())[word] += 1
    return Summary(counts, tuple(survivors), tuple(undecided), tuple(explained))
