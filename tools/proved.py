#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Says in one line whether the kernel that `make run` boots is proved, and by which report.

Usage: proved.py [FOLDER]    (build, by default: with hv8.elf, hv8.img and verify/report.json)

Fails only if hv8.img is not made of hv8.elf, or hv8.elf prints another hash than its own:
an unproved kernel may be run. Imports nothing but Python's own library.
"""
import argparse
import json
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import stamp  # noqa: E402
from verif import sources  # noqa: E402

SCHEMA = 2
DIGITS = 16
PT_LOAD = 1


def image_of(elf: bytes) -> bytes:
    """What objcopy makes of it: the bytes of its segments, each at its distance from the first."""
    begin, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", elf, begin + size * i) for i in range(count)]
    loaded = sorted((h[3], elf[h[2]:h[2] + h[5]]) for h in headers if h[0] == PT_LOAD and h[5])
    found = bytearray()
    for address, data in loaded:
        found += bytes(address - loaded[0][0] - len(found)) + data
    return bytes(found)


def _in_part(report: dict[str, Any]) -> str:
    """What a report proves that has not tried all rows."""
    calls = set(report["hypercalls"])
    done = [r for r in report["rows"] if r["status"] == "proved"]
    of_calls = Counter(r["theorem"] for r in done if r["subject"] in calls)
    said = [f"{theorem} of {number} hypercalls" if number > 1 else f"{theorem} of 1 hypercall"
            for theorem, number in sorted(of_calls.items())]
    rows = f"{len(done)} of {len(report['rows']) + len(report['missing'])} rows"
    return ", ".join([*said, rows])


def verdict(path: Path, name: str, kernel: str, verifier: str) -> str:
    """What the report at `path`, shown as `name`, says of the kernel with that hash; `verifier` is
    the hash of verif/ and spec/ as they are now."""
    try:
        report = json.loads(path.read_text())
        if report["schema"] != SCHEMA:
            return f"not proved: {name} is of another version of hv8; run make verify"
        if report["kernel"] != kernel:
            return (f"not proved: {name} is of another kernel, {report['kernel'][:DIGITS]}; "
                    "run make verify")
        whence = f"{name} of {report['date'][:10]}"
        passed, failed = (sum((r["status"] == "proved") is wanted for r in report["rows"])
                          for wanted in (True, False))
        counts = f"{passed} passed, {failed} failed"
        if failed or not passed:
            return f"NOT PROVED by {whence} ({counts})"
        if report["verifier"] != verifier:
            return f"not proved: verif/ or spec/ has changed since {whence}; run make verify"
        if report["missing"]:
            return f"proved in part ({_in_part(report)}) by {whence}"
        return f"proved by {whence} ({counts})"
    except FileNotFoundError:
        return "not proved: run make verify"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"not proved: {name} cannot be read; run make verify"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build")
    folder = parser.parse_args().folder
    try:
        elf = (folder / "hv8.elf").read_bytes()
        kernel = stamp.checked(elf)
        if (folder / "hv8.img").read_bytes() != image_of(elf):
            raise stamp.StampError("is not what hv8.img is made of")
    except (OSError, stamp.StampError, struct.error) as error:
        print(f"proved: {folder / 'hv8.elf'}: {error}", file=sys.stderr)
        return 1
    path = folder / "verify/report.json"
    print(f"kernel {kernel[:DIGITS]}: {verdict(path, str(path), kernel, sources.digest())}",
          flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
