#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A report of several runs: what adds up, what begins anew, and when it is whole."""

import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, ROOT, Suite, main  # noqa: E402

sys.path.insert(0, str(ROOT))

from verif import boot, contracts, coverage, plan, report, segments, target, whole  # noqa: E402
from verif.result import Failure, Row, row  # noqa: E402

suite = Suite("verif/whole", serial=True)

CALLS = ("self", "set_name", "alloc_frame")


def kernel_of(sha256: str) -> SimpleNamespace:
    """As much of a Target as a report takes."""
    return SimpleNamespace(image=SimpleNamespace(path=BUILD / "hv8.elf", sha256=sha256),
                           kernel_hash=sha256[::-1],
                           hypercalls=[SimpleNamespace(name=name) for name in CALLS])


@suite.test
def runs_about_the_same_kernel_add_up() -> None:
    """Rows of another run stay unless there is a new one; those about anything else go."""
    whole_run = [row(s, t, 1, {}, [], (), "") for s, t in whole.expected(CALLS)]
    failure = Failure("wrong", "kernel/hc_process.c:18 (hc_self+0x0)", "", "refuted", (), "")
    wrong = row("self", "T1", 2, {}, [failure], (), "")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "report.json"

        def saved(rows: list[Row], sha256: str = "ab" * 32) -> dict[str, Any]:
            report.save(path, kernel_of(sha256), rows, 1.0)
            found: dict[str, Any] = json.loads(path.read_text())
            return found

        first = saved(whole_run[:20])
        assert len(first["rows"]) == 20 and len(first["missing"]) == len(whole_run) - 20
        second = saved(whole_run[15:])
        assert (second["passed"], second["missing"]) == (len(whole_run), []), second["missing"]
        broken = saved([wrong])
        assert (broken["verdict"], broken["failed"]) == ("failed", 1)
        assert broken["passed"] == len(whole_run) - 1
        assert saved([whole_run[0]])["verdict"] == "proved", "the row is proved again"
        for key in whole.SAME:
            other = json.loads(path.read_text()) | {key: "other"}
            path.write_text(json.dumps(other))
            assert saved(whole_run[:3])["passed"] == 3, f"rows of another {key} are kept"
            saved(whole_run)


@suite.test
def a_whole_run_has_the_expected_rows() -> None:
    kernel = target.load(BUILD / "hv8.elf")
    calls = [call.name for call in kernel.hypercalls]
    every = plan.Plan(kernel, BUILD / "verify", plan.THEOREMS, boot.files(kernel, None),
                      boot.machines(False))
    jobs = every.jobs(kernel.hypercalls, every.others(), True)
    names = {"leaf routines": tuple(leaf.name for leaf in contracts.LEAVES),
             plan.VECTORS: segments.NAMES}
    made = [(coverage.NAME, "T10")]
    made += [(name, t) for job in jobs for name in names.get(job.name, (job.name,))
             for t in job.theorems]
    assert sorted(made) == sorted(whole.expected(calls))


if __name__ == "__main__":
    sys.exit(main([suite]))
