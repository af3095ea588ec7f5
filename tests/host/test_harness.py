#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The harness itself: what it says of cases that pass, fail, and take their process with them."""

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, command, main  # noqa: E402

suite = Suite("host/harness")

CASES = """
import os, sys
sys.path.insert(0, "{tests}")
import harness
from pathlib import Path
harness.LOGS = Path("{folder}")
serial, single = harness.Suite("of/serial", serial=True), harness.Suite("of/single")
seen = []
@serial.test
def passes(): seen.append(1)
@serial.test
def sees_the_one_before(): assert seen
@serial.test
def dies(): os.abort()
@serial.test
def runs_all_the_same(): assert not seen
@serial.test
def leaves(): sys.exit(0)
@single.matrix(number=range(4))
def is_not(number): assert number != 2
@single.test
def sees_nothing(): assert not seen
sys.exit(harness.main([serial, single]))
"""


@suite.matrix(jobs=[1, 3])
def a_case_that_dies_has_failed(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.py"
        path.write_text(CASES.format(tests=ROOT / "tests", folder=folder))
        done = command("/usr/bin/python3", path, "--jobs", str(jobs))
    text = done.stdout.decode()
    assert done.returncode == 1 and text.splitlines()[-1] == "7 passed, 3 failed", text
    assert sorted(re.findall(r"^failed: (.*)$", text, re.M)) == [
        "of/serial: dies", "of/serial: leaves", "of/single: is not number=2"], text
    assert "ended with -6" in text and "ended with 0" in text, text


if __name__ == "__main__":
    sys.exit(main([suite]))
