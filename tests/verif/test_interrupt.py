#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A run of the verifier may be ended at any time, in any way, and run again."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from harness import ROOT, Suite, environment, main  # noqa: E402

from verif.result import from_json  # noqa: E402

suite = Suite("verif/interrupt", serial=True)

# Some short proofs, and `steps`, which is not at its end when they are.
WORDS = ("/usr/bin/python3", "-u", "-m", "verif", "--elf", str(ROOT / "build/hv8.elf"),
         "--jobs", "2")
SHORT = ("--hc", "self,set_name", "--theorem", "T1,T3")
LONG = ("--hc", "reply_wait,steps", "--theorem", "T3")    # takes far longer than LONGEST
LONGEST = 180.0     # for what hangs
ROW = re.compile(r"^ +\d+/\d+ ", re.M)
Rows = dict[tuple[str, str], str]


def start(out: Path, what: tuple[str, ...] = SHORT) -> subprocess.Popen[bytes]:
    """A run in a group of processes of its own, whose signals are those of a shell's command."""
    def usual_signals() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    with (out / "said").open("wb") as said:
        return subprocess.Popen([*WORDS, *what, "--out", str(out)], cwd=ROOT, env=environment(),
                                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                start_new_session=True, preexec_fn=usual_signals)


def said(out: Path) -> str:
    return (out / "said").read_text(errors="replace")


def group(leader: int) -> list[int]:
    """Processes of the group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == leader and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def wait_for(what: str, holds: object, out: Path) -> None:
    """Until `holds()`; AssertionError if that takes too long."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < LONGEST, f"no end of waiting for {what}\n{said(out)}"
        time.sleep(0.02)


def verdicts(out: Path) -> Rows:
    rows = json.loads((out / "report.json").read_text())["rows"]
    return {(row["subject"], row["theorem"]): row["status"] for row in rows}


def finish(out: Path) -> Rows:
    """Runs it to its end."""
    process = start(out)
    assert process.wait(LONGEST) == 0, said(out)
    assert re.search(r"^\d+ passed, 0 failed$", said(out).splitlines()[-1]), said(out)
    return verdicts(out)


@cache
def undisturbed() -> Rows:
    with tempfile.TemporaryDirectory(prefix="hv8-interrupt-") as name:
        return finish(Path(name))


def check_left(out: Path) -> int:
    """What an ended run has left behind is right; how many proofs that is."""
    assert not list(out.glob("report.*")), "a report of a run that had no end"
    kept = list((out / "cache").glob("*.json"))
    for path in kept:
        rows = [from_json(row) for row in json.loads(path.read_text())]
        assert rows and all(row.passed for row in rows), path
    assert " passed, " not in said(out), said(out)
    return len(kept)


@suite.matrix(how=["SIGINT process", "SIGINT group", "SIGTERM process", "SIGKILL process"])
def ended_and_run_again(how: str) -> None:
    """After its first row; what then was proved is not proved again."""
    sent, to = how.split()
    number = signal.Signals[sent]
    with tempfile.TemporaryDirectory(prefix="hv8-interrupt-") as name:
        out = Path(name)
        process = start(out)
        try:
            wait_for("a row", lambda: ROW.search(said(out)) or process.poll() is not None, out)
            assert process.poll() is None and len(group(process.pid)) > 1, said(out)
            (os.kill if to == "process" else os.killpg)(process.pid, number)
            status = process.wait(LONGEST)
            wait_for("its workers to end", lambda: not group(process.pid), out)
        finally:
            for pid in group(process.pid):
                os.kill(pid, signal.SIGKILL)
        if sent == "SIGKILL":
            assert status == -number, status
        else:
            assert status == 128 + number, f"{status}\n{said(out)}"
            assert f"Stopped by {sent}" in said(out), said(out)
        kept = check_left(out)
        assert kept >= 1, said(out)
        (out / "cache" / f"half.{process.pid}.part").write_text("[{")
        assert finish(out) == undisturbed()
        assert said(out).count("(cached: ") >= kept, said(out)
        assert not list(out.rglob("*.part")), "left over for ever"


@suite.test
def no_worker_outlives_its_parent() -> None:
    """Though it has much to do yet, and nobody is left to kill it."""
    with tempfile.TemporaryDirectory(prefix="hv8-interrupt-") as name:
        out = Path(name)
        process = start(out, LONG)
        try:
            wait_for("one worker to be left", lambda: process.poll() is not None or (
                ROW.search(said(out)) and len(group(process.pid)) == 2), out)
            assert process.poll() is None, said(out)
            process.kill()
            process.wait()
            wait_for("its worker to end", lambda: not group(process.pid), out)
        finally:
            for pid in group(process.pid):
                os.kill(pid, signal.SIGKILL)
        check_left(out)


@suite.test
def half_an_entry_is_no_proof() -> None:
    with tempfile.TemporaryDirectory(prefix="hv8-interrupt-") as name:
        out = Path(name)
        finish(out)
        whole = {path: path.read_text() for path in (out / "cache").glob("*.json")}
        for number, (path, text) in enumerate(whole.items()):
            path.write_text(("", "[]", text[:len(text) // 2],
                             text.replace('"proved"', '"failed"'))[number % 4])
        assert finish(out) == undisturbed()
        assert "(cached" not in said(out), said(out)


if __name__ == "__main__":
    sys.exit(main([suite]))
