#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The parts of the verifier, each alone. The work is done by units.py in a process of its own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, command, main  # noqa: E402

suite = Suite("verif/units")
UNITS = ROOT / "tests" / "verif" / "units.py"


@suite.test
def units() -> None:
    done = command("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", UNITS,
                   timeout=1200)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-4000:]


if __name__ == "__main__":
    sys.exit(main([suite]))
