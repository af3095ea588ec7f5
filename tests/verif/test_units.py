#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The parts of the verifier, each alone: pytest runs each file units_*.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import Suite, command, main  # noqa: E402

suite = Suite("verif/units")


@suite.matrix(file=[path.name for path in sorted(HERE.glob("units_*.py"))])
def units(file: str) -> None:
    done = command("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / file,
                   timeout=1200)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-4000:]


if __name__ == "__main__":
    sys.exit(main([suite]))
