#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The verifier's results for people: terminal, JSON, page, and the bound that `make bench` checks.

Rows are random; SEED=n repeats a run.
"""

import hashlib
import html.parser
import io
import json
import os
import random
import re
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, ROOT, Suite, command, main  # noqa: E402

sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import bound  # noqa: E402
import handlers  # noqa: E402
from verif import html as page  # noqa: E402
from verif import report, show, theorems, trusted  # noqa: E402
from verif import __main__ as program  # noqa: E402
from verif.guide import Guide, printable  # noqa: E402
from verif.result import Failure, Line, Row, from_json, row, to_json  # noqa: E402

suite = Suite("verif/report")

CALLS = ("self", "set_name", "alloc_frame")
STRANGE = ("<script>alert(1)</script>", "a & b \"c\" 'd'", "bell \x07 escape \x1b[31m", "π ≠ ∞",
           "]]> --> </pre></style>", "`back`ticks`", "line\nbreak", "events a instead of ")
VOID = {"meta", "input", "br"}


def rng() -> random.Random:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}", flush=True)
    return random.Random(seed)


def failure(r: random.Random) -> Failure:
    differs = r.random() < 0.5
    values = tuple((f"x{i}", hex(r.getrandbits(64))) for i in range(r.randrange(4)))
    if differs:
        values += (("actual", str(r.getrandbits(64))), ("expected", str(2 ** 64 - 1)))
    path = " ".join(f"kernel/check.h:{r.randrange(1, 60)}:{r.choice('TF')}"
                    for _ in range(r.randrange(5)))
    # Each in a case of its own: those of one case and path are shown together, with one input.
    what = f"result {r.choice(STRANGE)} differs from case {r.random()} (errno 1)" if differs \
        else f"{r.choice(STRANGE)} {r.random()}"
    lines = tuple(Line(r.choice(STRANGE), r.choice(STRANGE),
                       f"spec/vocabulary.py:{r.randrange(99)}",
                       tuple(f"spec/sets.py:{r.randrange(99)}" for _ in range(r.randrange(3))))
                  for _ in range(r.randrange(4)))
    return Failure(what, "kernel/check.h:41 (hc_set_name+0xc)", path, "refuted", values,
                   f"build/verify/{r.choice(STRANGE)}.smt2", lines)


def random_rows(r: random.Random) -> list[Row]:
    """Rows of all calls and of some strange subjects; some failed, some cached."""
    rows = []
    for subject in (*CALLS, *STRANGE[:4]):
        for theorem in ("T1", "T2", "T8"):
            wrong = [failure(r) for _ in range(r.randrange(1, 4))] if r.random() < 0.4 else []
            facts = {"instructions": r.randrange(999), "paths": r.randrange(99)}
            if r.random() < 0.3:
                facts["cached"] = "yes"
            assumed = (trusted.assumptions()[0].text,)
            rows.append(row(subject, theorem, r.random() * 100, facts, wrong, assumed,
                            "kernel/hc_process.c:19"))
    r.shuffle(rows)
    return rows


def target(folder: Path, sha256: str = "ab" * 32) -> SimpleNamespace:
    """As much of a Target as a report takes."""
    return SimpleNamespace(image=SimpleNamespace(path=folder / "build/hv8.elf", sha256=sha256),
                           kernel_hash=sha256[::-1],
                           hypercalls=[SimpleNamespace(name=name) for name in CALLS])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(rows: list[Row], out: io.StringIO) -> str:
    """What a run that brings these rows says."""
    subjects = list(dict.fromkeys(r.subject for r in rows))
    progress = report.Progress(out, len(subjects), Guide(ROOT))
    for subject in subjects:
        progress.running(subject)
    for subject in reversed(subjects):
        progress.add([r for r in rows if r.subject == subject])
    report.finish(out, progress.rows, Guide(ROOT))
    return out.getvalue()


# ---- terminal ----------------------------------------------------------------------


@suite.test
def plain_output_has_no_control_characters() -> None:
    text = told(random_rows(rng()), io.StringIO())
    wrong = {c for c in text if not c.isprintable() and c != "\n"}
    assert not wrong, wrong


@suite.test
def last_line_counts_rows() -> None:
    rows = random_rows(rng())
    failed = sum(not r.passed for r in rows)
    text = told(rows, io.StringIO())
    assert text.endswith(f"\n{len(rows) - failed} passed, {failed} failed\n"), text[-200:]
    assert report.finish(io.StringIO(), rows) == (failed == 0)
    assert report.finish(io.StringIO(), [r for r in rows if r.passed])


@suite.test
def every_failure_is_told_in_full() -> None:
    rows = random_rows(rng())
    summary = told(rows, io.StringIO()).split("\nNot proved:\n")[1]
    for one in (r for r in rows if not r.passed):
        assert printable(f"{one.subject} {one.theorem} ({one.source})") in summary
        for f in one.failures:
            for word in (f.where, f.query if f.component else f.what):
                assert printable(word) in summary, word
            for step in f.decisions:
                assert step.where in summary
            for line in f.lines:
                assert all(place in summary for place in (line.where, *line.callers))
                assert printable(f"{line.kind} {line.text}".rstrip()) in summary
            if f.component:
                assert "0xffffffffffffffff (-HV_EPERM)" in summary
    if any(f.path for r in rows for f in r.failures):
        assert "taken" in summary


@suite.test
def source_lines_and_errors_are_named() -> None:
    guide = Guide(ROOT)
    wrong = Failure("result x0 differs from case guard 2 (errno 1)", "kernel/check.h:1 (f+0x0)",
                    "kernel/check.h:1:T kernel/check.h:2:F", "refuted",
                    (("x0", "0x5"), ("actual", "7"), ("expected", str(2 ** 64 - 3))), "q.smt2")
    other = Failure("procs.name differs from case guard 2 (errno 1)", wrong.where, wrong.path,
                    "refuted", (("actual", "16"), ("expected", "0")), "p.smt2")
    shown = show.failures(row("set_name", "T1", 0, {}, [wrong, other], (), ""), guide)
    assert len(shown) == 1, "two differences on one path are one failure"
    text = "\n".join(show.text(shown[0]))
    for word in ("errno 1 HV_EPERM", "0x7 (7)", "0xfffffffffffffffd (-HV_ESRCH)", "x0 pid",
                 "procs.name  0x10", "q.smt2", "p.smt2", guide.line("kernel/check.h:1")):
        assert word in text, f"{word}:\n{text}"
    assert re.search(r"check\.h:2 .* not taken$", text, re.M) and text.count("not taken") == 1, text


@suite.test
def cached_rows_say_so() -> None:
    fresh, cached = (row("self", "T1", 1, {"paths": 1, **extra}, [], (), "")
                     for extra in ({}, {"cached": "yes"}))
    assert "cached" in told([cached], io.StringIO())
    assert "cached" not in told([fresh], io.StringIO())


@suite.test
def a_terminal_is_redrawn() -> None:
    rows = random_rows(rng())
    text = told(rows, Terminal())
    assert "\r\033[K" in text and "running: " in text
    assert not text.split("\r\033[K")[-1].startswith("  0/"), "the last line is left over"
    left = re.sub(r"[^\n]*\r\033\[K", "", text)
    assert "running: " not in left, left


@suite.test
def a_job_that_has_ended_is_not_running() -> None:
    out = Terminal()
    progress = report.Progress(out, 3)
    for name in ("first", "second", "third"):
        progress.running(name)
    progress.add([row("first", "T1", 0, {}, [], (), "")])
    progress.add([row("self", "T1", 0, {}, [], (), "")], "second")
    last = out.getvalue().split("\r\033[K")[-1]
    assert "third" in last and "first" not in last and "second" not in last, last


@suite.test
def what_is_not_declared_fails() -> None:
    rows = [row("self", "T1", 0, {}, [], ("the moon is full",), "")]
    out = io.StringIO()
    assert not report.finish(out, rows)
    assert "the moon is full" in out.getvalue()
    assert report.finish(io.StringIO(), [row("self", "T1", 0, {}, [],
                                             (trusted.assumptions()[-1].text,), "")])


@suite.test
def every_theorem_is_explained() -> None:
    unknown = [key for key in program.THEOREMS if not theorems.explained(key).says]
    assert not unknown, unknown


# ---- JSON ------------------------------------------------------------------------------


@suite.test
def json_keeps_every_row() -> None:
    for one in random_rows(rng()):
        assert from_json(json.loads(json.dumps(to_json(one)))) == one


@suite.test
def report_does_not_depend_on_the_order_of_rows() -> None:
    r = rng()
    rows = random_rows(r)
    other = r.sample(rows, len(rows))
    first, second = (report.document(target(ROOT), some, 1.0, Guide(ROOT))
                     for some in (rows, other))
    first["date"] = second["date"] = ""
    assert first == second
    assert [from_json(one) for one in first["rows"]] != [], "no rows"
    assert first["passed"] + first["failed"] == len(rows)
    assert first["verdict"] == ("failed" if first["failed"] else "proved")


@suite.test
def what_was_not_tried_is_missing() -> None:
    rows = [row("self", "T8", 0, {}, [], (), "")]
    missing = report.document(target(ROOT), rows, 1.0, Guide(ROOT))["missing"]
    assert "self T1" in missing and "set_name T8" in missing and "self T8" not in missing


@suite.test
def report_files_replace_older_ones() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "verify/report.json"
        for sha256 in ("11" * 32, "22" * 32):
            report.save(path, target(ROOT, sha256), random_rows(rng()), 3.0)
            assert json.loads(path.read_text())["sha256"] == sha256
            assert sha256 in path.with_suffix(".html").read_text()
        assert sorted(p.name for p in path.parent.iterdir()) == ["report.html", "report.json"]


# ---- page ------------------------------------------------------------------------------


class Reader(html.parser.HTMLParser):
    """Checks that tags are closed in order and collects text, ids and references."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> within {self.open}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def read_page(rows: list[Row]) -> Reader:
    return Reader(page.page(report.document(target(ROOT), rows, 1.0, Guide(ROOT)), Guide(ROOT)))


@suite.test
def page_is_well_formed_and_alone() -> None:
    found = read_page(random_rows(rng()))
    assert found.tags.count("script") == 1 and found.tags.count("html") == 1
    assert len(found.ids) == len(set(found.ids)), "an id twice"
    wrong = [link for link in found.links if link[:1] != "#" or link[1:] not in found.ids]
    assert not wrong, wrong


@suite.test
def page_has_every_subject_and_failure() -> None:
    rows = random_rows(rng())
    text = "".join(read_page(rows).text)
    for one in rows:
        assert printable(one.subject) in text, one.subject
        for f in one.failures:
            for word in (f.where, f.query, f.component and "-HV_EPERM" or f.what,
                         *(v for _, v in f.inputs), *(x.where for x in f.lines)):
                assert printable(word) in text or word.startswith("build/verify/events"), word
    for assumption in {a for r in rows for a in r.assumptions}:
        assert assumption in text, assumption
    for key in ("T1", "T2", "T8"):
        assert theorems.explained(key).says in text


@suite.test
def page_shows_the_source_of_a_handler() -> None:
    text = "".join(read_page([row("set_name", "T1", 0, {}, [], (), "kernel/hc_process.c:19"),
                              row("page_copy", "T2", 0, {}, [], (), "page_copy+0x0")]).text)
    assert "int64_t hc_set_name(uint64_t pid" in text
    assert "page_copy:" in text and ".size" in text


# ---- the bound -------------------------------------------------------------------------


# bench.py, with bounds and measured counts that come as JSON in place of its own.
BENCH = """
import json, sys
sys.path.insert(0, "tools")
import bench
bounds, counts = map(json.loads, sys.argv[1:])
bench.boot_counts = dict
bench.operation_counts = lambda keys: {key: counts[key] for key in keys if key in counts}
bench.bounds_of = lambda elf, build: bounds
bench.measured = lambda machine, kernel: []
bench.shares = lambda machine, kernel, program: {}
bench.locked_table = lambda found, labels: ""
sys.argv[1:] = []
sys.exit(bench.main())
"""


def bench_with(bounds: dict[str, int], counts: dict[str, int]) -> tuple[int, str]:
    """Exit status and output of tools/bench.py."""
    done = command(sys.executable, "-c", BENCH, json.dumps(bounds), json.dumps(counts))
    return done.returncode, done.stdout.decode()


@suite.test
def bench_fails_above_the_bound() -> None:
    r = rng()
    bounds = {call: r.randrange(3, 500) for call, _ in bound.SINGLE.values()}
    whole = bound.wholes(BUILD / "hv8.elf", BUILD / "user/bin/bench", bounds)
    counts = {key: one.total for key, one in whole.items()}
    status, text = bench_with(bounds, counts)
    assert status == 0 and "proved at most" in text, text
    for key, (call, _) in bound.SINGLE.items():
        status, text = bench_with({**bounds, call: bounds[call] - 1}, counts)
        assert status == 1, f"{key} is above its bound"
        assert re.search(rf"^bench: {key} takes {counts[key]} instructions, and at most "
                         rf"{counts[key] - 1} are proved", text, re.M), text


@suite.test
def a_handler_above_its_bound_fails() -> None:
    good = handlers.Handler("self", 3, 1, 1)
    waits = handlers.Handler("call", 9, 0, 40)
    bounds = {"self": 3, "call": 9}
    assert handlers.exceeded([good, waits], bounds) == []
    for wrong, said in ((handlers.Handler("self", 4, 1, 1), "takes 4 instructions, and at most 3"),
                        (handlers.Handler("self", 3, 0, 7), "no success in 7 calls"),
                        (handlers.Handler("call", 0, 0, 0), "no success in 0 calls")):
        found = handlers.exceeded([wrong], bounds)
        assert len(found) == 1 and said in found[0], found


@suite.test
def bounds_are_those_of_this_kernel() -> None:
    with tempfile.TemporaryDirectory() as name:
        elf, path = BUILD / "hv8.elf", Path(name) / "report.json"
        sha256 = hashlib.sha256(elf.read_bytes()).hexdigest()
        rows = [row(call, "T8", 0, {"instructions": 7}, [], (), "") for call in CALLS]
        report.save(path, target(ROOT, sha256), rows, 1.0)
        assert bound.proved(path, sha256) == dict.fromkeys(CALLS, 7)
        assert bound.proved(path, "0" * 64) is None, "a report of another kernel"
        path.unlink()
        report.save(path, target(ROOT, sha256), rows[1:], 1.0)
        assert bound.proved(path, sha256) is None, "a call without a bound"
        failed = row("self", "T8", 0, {"instructions": 7}, [failure(random.Random(1))], (), "")
        report.save(path, target(ROOT, sha256), [failed, *rows[1:]], 1.0)
        assert bound.proved(path, sha256) is None, "a bound that is not proved"


if __name__ == "__main__":
    sys.exit(main([suite]))
