#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The verifier's instruction semantics against qemu-aarch64: the fast slice.

`compare.py --count 1000000` is the full run. HV8_ISA_SEED sets the seed.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE.parent.parent)]

from harness import Suite, command, main  # noqa: E402
from plants import PLANTS  # noqa: E402

suite = Suite("isa/compare")
SEED = os.environ.get("HV8_ISA_SEED", "1")


def compare(*options: str) -> tuple[int, str]:
    """Exit status and output of compare.py."""
    done = command("/usr/bin/python3", HERE / "compare.py", "--seed", SEED, *options, timeout=1200)
    return done.returncode, done.stdout.decode(errors="replace")


@suite.test
def every_class_agrees_with_qemu() -> None:
    code, text = compare("--count", "20000")
    assert code == 0 and text.splitlines()[-1].endswith(" 0 mismatches"), text[-6000:]


@suite.matrix(plant=[*PLANTS])
def a_wrong_rule_is_noticed(plant: str) -> None:
    code, text = compare("--count", "640", "--plant", plant)
    assert code == 1 and f"{PLANTS[plant].encoding.name} 0x" in text, text[-3000:]
    assert text.splitlines()[-1].startswith(f"seed {SEED}: "), text[-3000:]


if __name__ == "__main__":
    sys.exit(main([suite]))
