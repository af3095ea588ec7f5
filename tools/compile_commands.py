#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns lines `file TAB command` into a compile_commands.json."""

import json
import os
import sys
from pathlib import Path


def main() -> int:
    source, target = (Path(name) for name in sys.argv[1:3])
    entries = []
    for line in source.read_text().splitlines():
        if not line.strip():
            continue
        file, command = line.split("\t", 1)
        entries.append({"directory": os.getcwd(), "file": file, "command": command})
    target.write_text(json.dumps(entries, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
