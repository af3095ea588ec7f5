#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs all test files, or the cases whose titles hold the given words.

The last line is "N passed, N failed"; the exit status is 0 if none failed.
"""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import Suite, main  # noqa: E402

AREAS = ("layout", "host", "isa", "verif", "boot", "user", "replay", "stress")


def load(path: Path) -> Suite:
    name = f"{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.suite


if __name__ == "__main__":
    files = [path for area in AREAS for path in sorted((HERE / area).glob("test_*.py"))]
    sys.exit(main([load(path) for path in files]))
