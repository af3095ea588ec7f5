#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random runs of the specification (`make test-spec`). HV8_SPEC_SEED and HV8_SPEC_STEPS are
passed on."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import ROOT, Suite, command, main  # noqa: E402

suite = Suite("verif/spec")
SPEC = ROOT / "tests" / "spec"


@suite.matrix(file=[path.name for path in sorted(SPEC.glob("test_*.py"))])
def specification(file: str) -> None:
    done = command("/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider",
                   SPEC / file, timeout=1200)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0 and "HV8_SPEC_SEED=" in text, text[-4000:]


if __name__ == "__main__":
    sys.exit(main([suite]))
