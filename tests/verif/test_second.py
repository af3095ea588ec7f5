#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The second opinion: all that Z3 calls unsat is written out, cvc5 is asked, and its answer counts.

The cvc5 of some cases is a script that says what the case wants. SEED=n repeats a run.
"""

import hashlib
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import z3  # noqa: E402
from harness import BUILD, ROOT, Suite, command, main, output  # noqa: E402

sys.path.insert(0, str(ROOT))

from verif import boot, manifest, plan, queries, target  # noqa: E402

suite = Suite("verif/second", serial=True)

CALL = "set_name"
FAKE = """#!/bin/sh
if [ "$1" = --version ]; then echo "This is cvc5 version 9.9"; exit 0; fi
file=$3
echo "$file" >> {log}
case $file in
*/00001.smt2) {first} ;;
*) echo unsat ;;
esac
"""


def rng() -> random.Random:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}", flush=True)
    return random.Random(seed)


@cache
def exported() -> Path:
    """Queries of one hypercall."""
    folder = BUILD / "test-files/export"
    output("rm", "-rf", folder)
    output("/usr/bin/python3", "-m", "verif", "--hc", CALL, "--theorem", "T1,T2,T3",
           "--out", BUILD / "test-files/export-report", "--export", folder)
    assert {q.subject for q in manifest.read(folder / manifest.NAME)} == {CALL}
    return folder


@contextmanager
def copied() -> Iterator[Path]:
    """The export in a place where it may be changed."""
    with tempfile.TemporaryDirectory(prefix="hv8-export-") as name:
        output("cp", "-a", f"{exported()}/.", name)
        yield Path(name)


def asked(folder: Path, *solver: str) -> Path:
    """What a solver says of each file, by the command of docs/verify.md with this machine alone."""
    text = (ROOT / "docs/verify.md").read_text()
    line = re.search(r"^    tail -n \+2 (?:.*\\\n)*.*answers\.txt$", text, re.M)
    assert line, "docs/verify.md does not say how to ask"
    (folder / "hosts").write_text(":\n")
    words = line[0].replace("cvc5 --lang smt2", " ".join(solver)).replace("answers.txt", "said")
    output("bash", "-c", f"cd {folder} && rm -f jobs.log said && {words}")
    return folder / "said"


def collected(folder: Path, *paths: Path) -> tuple[int, str]:
    done = command(ROOT / "tools/collect.py", folder, *paths)
    return done.returncode, done.stdout.decode()


def verified(fake: str, folder: Path, *options: str) -> tuple[int, str, list[str]]:
    """A run whose cvc5 does `fake` with the first query; what it was asked, by file name."""
    program, log = folder / "bin/cvc5", folder / "asked"
    program.parent.mkdir(exist_ok=True)
    program.write_text(FAKE.format(log=log, first=fake))
    program.chmod(0o755)
    log.write_text("")
    done = command("env", f"PATH={program.parent}:{os.environ['PATH']}", "/usr/bin/python3", "-m",
                   "verif", "--hc", CALL, "--theorem", "T2", "--solver", "both",
                   "--out", folder / "out", *options)
    return done.returncode, done.stdout.decode(), log.read_text().split()


# ---- what is written -----------------------------------------------------------------------


@suite.test
def every_unsat_is_written() -> None:
    """As often as Z3 says it in the course of a proof, whoever asks."""
    kernel = target.load(BUILD / "hv8.elf")
    calls = tuple(c for c in kernel.hypercalls if c.name == CALL)
    said = []
    check = z3.Solver.check

    def counted(self: z3.Solver, *assumptions: z3.BoolRef) -> z3.CheckSatResult:
        said.append(check(self, *assumptions))
        return said[-1]

    with tempfile.TemporaryDirectory() as name:
        jobs = plan.Plan(kernel, Path(name), ("T1", "T2", "T3"), boot.files(kernel, None),
                         ()).jobs(calls, ())
        z3.Solver.check = counted
        try:
            for job in (j for j in jobs if j.name == CALL):
                said.clear()
                record = queries.Record(Path(name) / job.folder, job.name, "/".join(job.theorems))
                with queries.recording(record):
                    job.work()
                assert said.count(z3.unsat) == len(record.queries) > 0, job.folder
        finally:
            z3.Solver.check = check


@suite.test
def nobody_else_asks_z3() -> None:
    wrong = [path.name for path in sorted((ROOT / "verif").rglob("*.py"))
             if re.search(r"\.check\(|z3\.(prove|solve)\(|\.consequences\(", path.read_text())
             and path.name not in ("solve.py", "lazily.py", "naming.py")]
    assert not wrong, wrong


@suite.test
def text_does_not_depend_on_what_was_asked_before() -> None:
    r = rng()
    texts = []
    for _ in range(3):
        kept = [z3.BitVec(f"k{n}", 64) * n for n in range(r.randrange(2000))]
        x, y = z3.BitVecs("x y", 64)
        shared = (x * y + x) & (y ^ x)
        solver = z3.Solver()
        solver.add(shared * shared == shared + 1, z3.Not(shared * shared == shared + 1))
        texts.append(queries.canonical(solver.to_smt2()))
        del kept
    assert "let" in texts[0] and len(set(texts)) == 1, texts


@suite.test
def queries_of_the_assembly_are_of_its_rows() -> None:
    """One job has the rows of all segments from exception to `eret`."""
    with tempfile.TemporaryDirectory(prefix="hv8-export-") as name:
        output("/usr/bin/python3", "-m", "verif", "--hc", "vectors", "--theorem", "T8",
               "--out", Path(name, "report"), "--export", Path(name, "queries"))
        found = manifest.read(Path(name, "queries") / manifest.NAME)
    assert {"vector 0x400", "vector 0x480", "return, full", "return, trap"} <= {
        q.subject for q in found}


@suite.test
def export_is_never_mixed_with_other_files() -> None:
    with copied() as folder:
        done = command("/usr/bin/python3", "-m", "verif", "--hc", CALL, "--export", folder,
                       "--out", folder / "out")
    assert done.returncode == 2 and b"is not empty" in done.stdout, done.stdout


# ---- other solvers ---------------------------------------------------------------------------


@suite.matrix(solver=["cvc5 --lang smt2", "z3"])
def solvers_agree(solver: str) -> None:
    with copied() as folder:
        said = asked(folder, *solver.split())
        count = len(manifest.read(folder / manifest.NAME))
        status, text = collected(folder, said)
    assert status == 0, text
    assert f"{count} agreed, 0 disagreed, 0 changed, 0 unknown, 0 missing" in text, text


@suite.test
def a_goal_that_does_not_follow_is_a_disagreement() -> None:
    """Without its negated goal a query is satisfiable. The manifest is made to match, or not."""
    with copied() as folder:
        found = manifest.read(folder / manifest.NAME)
        one = next(q for q in found if q.goal.startswith(f"{CALL}-T3-"))
        text = (folder / one.file).read_text()
        wrong = text[:text.rindex("(assert")] + "(check-sat)\n"
        (folder / one.file).write_text(wrong)
        said = asked(folder, "cvc5", "--lang", "smt2")
        status, text = collected(folder, said)
        assert status == 1 and f"changed: {CALL} T3 {one.goal}" in text, text
        listed = (folder / manifest.NAME).read_text()
        (folder / manifest.NAME).write_text(
            listed.replace(one.digest, hashlib.sha256(wrong.encode()).hexdigest()))
        status, text = collected(folder, said)
        assert status == 1 and f"disagreed: {CALL} T3 {one.goal}" in text, text
        assert f"{len(found) - 1} agreed, 1 disagreed, 0 changed" in text, text


@suite.test
def what_is_open_is_listed() -> None:
    with copied() as folder:
        files = sorted({q.file for q in manifest.read(folder / manifest.NAME)})
        lines = [f"{file} unsat" for file in files]
        said, more = folder / "said", folder / "more"
        said.write_text("\n".join([f"{files[0]} unknown", f"{files[1]} ", *lines[3:]]))
        status, text = collected(folder, said)
        assert status == 2 and "2 unknown, 1 missing" in text, text
        assert f"({files[0]}): unknown" in text and f"({files[2]}): no answer" in text, text
        more.write_text("\n".join(lines[:3]))
        assert collected(folder, said, more)[0] == 0
        more.write_text(f"{files[5]} sat\n")
        assert collected(folder, said, more)[0] == 1, "one contradicts, another agrees"
        more.write_text("elsewhere.smt2 unsat\n")
        assert collected(folder, said, more)[0] == 2


# ---- make verify SOLVER=both ------------------------------------------------------------------


@suite.test
def cvc5_confirms_a_hypercall() -> None:
    with tempfile.TemporaryDirectory() as name:
        text = output("/usr/bin/python3", "-m", "verif", "--hc", CALL, "--theorem", "T1,T2",
                      "--solver", "both", "--out", name)
        found = json.loads((Path(name) / "report.json").read_text())
    assert "second opinion: 2 of 2 rows confirmed, 0 in part, 0 disagreements" in text, text
    for one in found["rows"]:
        told = re.fullmatch(r"(\d+) of (\d+) by cvc5 [\d.]+", one["facts"]["confirmed"])
        assert told and told[1] == told[2] != "0", one["facts"]


@suite.test
def disagreement_fails_the_row() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        status, text, _ = verified("echo sat", folder)
        row = json.loads((folder / "out/report.json").read_text())["rows"][0]
        assert status == 1 and "cvc5 9.9 says sat" in text and "[disagreement]" in text, text
        assert row["status"] == "failed" and Path(row["failures"][0]["query"]).is_file()
        again, _, log = verified("echo sat", folder)
        assert again == 1 and not log, "the answer is kept, and the row not taken for proved"


@suite.matrix(fake=["echo unknown", "echo unsat; kill -6 $$", "echo oops", "while :; do :; done"])
def no_answer_is_listed(fake: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        status, text, log = verified(fake, folder, "--limit", "1")
        assert status == 0, text
        assert re.search(rf"^Not confirmed:\n  {CALL} T2: .*/00001\.smt2\)$", text, re.M), text
        assert "second opinion: 0 of 1 rows confirmed, 1 in part, 0 disagreements" in text, text
        assert len(log) > 1
        _, text, log = verified("echo unsat", folder, "--limit", "1")
        assert not log and "1 in part" in text, text
        status, text, log = verified("echo unsat", folder, "--limit", "2")
        assert status == 0 and len(log) == 1 and "1 of 1 rows confirmed" in text, text


@suite.test
def no_cvc5_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:
        done = command("env", f"PATH={name}", "/usr/bin/python3", "-m", "verif", "--hc", CALL,
                       "--solver", "both", "--out", name)
    assert done.returncode == 2 and b"no cvc5" in done.stdout, done.stdout


if __name__ == "__main__":
    sys.exit(main([suite]))
