# SPDX-License-Identifier: MIT
"""One mutant against the verifier, which runs as a program on a copy of the tree."""
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness import command, output

from verif import plan
from verif.boot import machines
from verif.errors import VerifError
from verif.result import to_json

from . import boots, reach, terms, vectors
from .mutant import ROOT, Mutant
from .population import EDGES, PREMISES, SLOW

COPIED = ("Makefile", "linker.ld", "kernel", "include", "tools", "spec", "verif")
BUILT = ("kernel", "gen", "libfdt", "hv8.elf")
ELF = "build/hv8.elf"
# A refusal of the verifier that counts: it says what it does not know, and where.
REFUSAL = re.compile(r"^(?:VerifError: [\w /]+: )?(?:Undecoded|Unallocated|Unmodelled)Error: "
                     r".*\+0x[0-9a-f]+.*|^VerifError: .*: the specification (?:takes|changes|reads)"
                     r"\b.*", re.M)
# What Python refuses of these kinds, like what a compiler refuses, is no mutant.
PYTHON = ("spec", "invariant")
REFUSED = re.compile(r"Traceback .*File \"[^\"]*/spec/[^\"]*\".*^[\w.]+(?:Error|Exception): ",
                     re.M | re.S)
# What a failure must say beside the hypercall: of the code where, of the text which transition.
PLACE = re.compile(r" at [\w/]+\.(?:[chS]|py):\d+")
LIMIT = 300.0
BOOT = f"boot {machines(False)[0].name}"     # the machine of boots.py


@dataclass(frozen=True)
class Verdict:
    """`word`: caught, no change, does not build, survived, open (what the mutant can affect is
    not all under proof), timeout, or error (the verifier failed without saying where). The rest
    says what noticed it, with the message; `tried` are the hypercalls that were proved."""

    word: str
    theorem: str = ""
    subject: str = ""
    message: str = ""
    tried: tuple[str, ...] = ()
    seconds: float = 0.0


def copy_tree(source: Path, to: Path) -> None:
    """What the kernel is built from and what judges it, with what is built already."""
    for name in (*COPIED, *(f"build/{n}" for n in BUILT)):
        if (source / name).is_dir():
            shutil.copytree(source / name, to / name)
        else:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, to / name)


def run(*words: str | Path, cwd: Path) -> tuple[int | None, str]:
    """Exit status, None after the time limit, and output."""
    try:
        done = command(*words, cwd=cwd, timeout=LIMIT)
    except AssertionError as error:
        return None, str(error)
    return done.returncode, done.stdout.decode(errors="replace")


def build(tree: Path) -> str | None:
    """Builds the kernel; what the compiler says if it does not want to."""
    code, text = run("make", "-j1", "WARN=-w", ELF, cwd=tree)
    return None if code == 0 else text


# ---- one run of the verifier ---------------------------------------------------------------


def verify(tree: Path, calls: tuple[str, ...], theorems: tuple[str, ...]) -> Verdict:
    """Asks for these theorems of these hypercalls, or of what is proved once for all of them."""
    out = tree / "verify"
    code, text = run("/usr/bin/python3", "-m", "verif", "--elf", ELF, "--out", out,
                     "--jobs", "1", "--no-cache",
                     "--hc", ",".join(calls), "--theorem", ",".join(theorems), cwd=tree)
    if code == 0:
        return Verdict("survived", tried=calls)
    if code is None:
        return Verdict("timeout", message=" ".join(calls), tried=calls)
    refusal = REFUSAL.search(text)
    if code == 2 and refusal:
        return Verdict("caught", "refusal", calls[0], refusal.group(), calls)
    report = out / "report.json"
    if code == 1 and report.exists():
        return _failure(json.loads(report.read_text()), calls)
    word = "does not build" if REFUSED.search(text) else "error"
    return Verdict(word, message=text[-1500:], tried=calls)


def _failure(report: dict[str, Any], calls: tuple[str, ...]) -> Verdict:
    """Of the first subject that fails: which theorems, and the first failure of each."""
    failed = [row for row in report["rows"] if row["failures"]]
    if not failed:
        return Verdict("error", message="exit status 1, but no failure in the report", tried=calls)
    rows = [row for row in failed if row["subject"] == failed[0]["subject"]]
    messages = [f"{row['failures'][0]['what']} at {row['failures'][0]['where']}" for row in rows]
    is_named = all(map(PLACE.search, messages))
    return Verdict("caught" if is_named else "error", " ".join(row["theorem"] for row in rows),
                   failed[0]["subject"], "; ".join(messages), calls)


def verify_boot(tree: Path) -> Verdict:
    """Do the invariants of the tree hold of the kernel without faults when it has booted?"""
    code, text = run("/usr/bin/python3", boots.__file__, tree, ROOT / ELF, cwd=tree)
    if code is None:
        return Verdict("timeout", message="T4")
    if code != 0:
        word = "does not build" if REFUSED.search(text) else "error"
        return Verdict(word, message=text[-1500:])
    rows = json.loads(text.splitlines()[-1])
    if not any(row["failures"] for row in rows):
        return Verdict("survived", tried=(BOOT,))
    return _failure({"rows": rows}, (BOOT,))


# ---- one mutant --------------------------------------------------------------------------------


def batches(calls: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Few first, then more: most mutants need one proof. What takes long comes alone."""
    quick, edges = (tuple(c for c in calls if c not in SLOW and (c in EDGES) == is_edge)
                    for is_edge in (False, True))
    cuts = (0, 1, 5, 13, 29, len(quick))
    for some, ends in ((quick, cuts), (edges, (0, len(edges) // 2, len(edges)))):
        yield from (some[low:high] for low, high in pairwise(ends) if some[low:high])
    yield from ((c,) for c in calls if c in SLOW)


def shared(subjects: tuple[str, ...], theorems: tuple[str, ...]) -> tuple[str, ...]:
    """What is proved once for all hypercalls and may be affected."""
    leaves = (plan.LEAF_ROUTINES,) if set(subjects) & set(reach.LEAVES) else ()
    return plan.SHARED if set(theorems) & {"T3", "T5", "T9"} else leaves


def judge(tree: Path, subjects: tuple[str, ...], theorems: tuple[str, ...],
          left_out: tuple[str, ...]) -> Verdict:
    """Proves what may be affected, but for what is left out, until something turns red."""
    handlers = tuple(s for s in subjects if s not in reach.LEAVES)
    whole = tuple(h for h in handlers if h not in left_out)
    tried: tuple[str, ...] = ()
    others = tuple(theorem for theorem in theorems if theorem != "T4")
    if "T4" in theorems:
        verdict = verify_boot(tree)
        if verdict.word != "survived" or not others:
            return verdict
    for calls in (shared(subjects, others), *batches(whole)):
        if not calls:
            continue
        verdict = verify(tree, calls, others)
        tried += calls
        if verdict.word != "survived":
            return verdict
    rest = tuple(h for h in handlers if h in left_out)
    if not rest:
        return Verdict("survived", tried=tried)
    return Verdict("open", message=f"not tried: {' '.join(rest)}", tried=tried)


def judge_edge(m: Mutant, base: Path, tree: Path, code: reach.Code) -> Verdict:
    """One of vectors.S, which is proved whole. A refusal must say where, too."""
    address = next(a for a in vectors.places(code)
                   if reach.file_offset(code.kernel.image.path, a) == m.start)
    found = vectors.prove(base / ELF, tree / ELF, address, LIMIT)
    if found is None:
        return Verdict("timeout", message=" ".join(m.subjects))
    if found.refusal:
        word = "caught" if re.search(r"\+0x[0-9a-f]+|0x4[0-9a-f]{11}", found.refusal) else "error"
        return Verdict(word, "refusal", "vectors", found.refusal)
    if not found.rows:
        return Verdict("survived", tried=m.subjects)
    return _failure({"rows": [to_json(row) for row in found.rows]}, (found.rows[0].subject,))


def try_mutant(m: Mutant, base: Path, code: reach.Code, theorems: tuple[str, ...],
               left_out: tuple[str, ...] = ()) -> Verdict:
    """Plants it in a copy of `base`, whose ELF is `code`, and proves."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hv8-mutant-") as name:
        tree = Path(name)
        copy_tree(base, tree)
        m.apply(tree)
        problem = build(tree) if m.is_source else None
        if problem is not None:
            verdict = Verdict("does not build", message=problem[-300:])
        elif m.kind == "vectors":
            verdict = judge_edge(m, base, tree, code)
        else:
            subjects = affected(m, base, tree, code, theorems)
            verdict = judge(tree, subjects, theorems, left_out) if subjects else \
                Verdict("no change")
            if verdict.word == "does not build" and m.kind not in PYTHON:
                verdict = replace(verdict, word="error")    # the verifier's own
    return Verdict(**{**asdict(verdict), "seconds": round(time.monotonic() - begin, 1)})


def affected(m: Mutant, base: Path, tree: Path, code: reach.Code,
             theorems: tuple[str, ...]) -> tuple[str, ...]:
    """Subjects whose machine code or specification is another than before, or all if what a part
    asks for is, in the order of the mutant's. If the code cannot be followed it is the verifier's
    turn to say why."""
    if m.kind == "spec" and m.function not in PREMISES:
        status, text = run("/usr/bin/python3", Path(terms.__file__), base, tree, *m.subjects,
                           cwd=tree)
        if status != 0:
            raise RuntimeError(text)
        changed = {name for name, kind in (line.split() for line in text.splitlines())
                   if kind == "state" or "T3" in theorems}
    elif m.is_source:
        try:
            changed = set(code.changed(reach.load(tree / ELF)))
        except VerifError:
            changed = set(m.subjects)
    else:
        changed = set(m.subjects)
    rank = {name: at for at, name in enumerate(m.subjects)}
    return tuple(sorted(changed, key=lambda n: (rank.get(n, len(rank)), n)))


def snapshot(folder: Path) -> Path:
    """A copy of the tree as it is now, with the kernel built."""
    output("make", "-s", ELF, timeout=LIMIT)
    copy_tree(ROOT, folder)
    return folder
