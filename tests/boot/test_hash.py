#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The hash that the kernel prints is that of the ELF under proof, and `make run` says what is
proved of it. Bytes are changed at random; SEED=n repeats a run."""

import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, ROOT, Suite, command, main, output  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import proved  # noqa: E402
import stamp  # noqa: E402
from verif import sources, stamped, whole  # noqa: E402
from verif.errors import ImageError  # noqa: E402

suite = Suite("boot/hash")

ELF = BUILD / "hv8.elf"


def rng() -> random.Random:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}", flush=True)
    return random.Random(seed)


@contextmanager
def folder() -> Iterator[Path]:
    """A copy of what proved.py looks at, without a report."""
    with tempfile.TemporaryDirectory(prefix="hv8-hash-") as name:
        for file in ("hv8.elf", "hv8.img"):
            shutil.copy(BUILD / file, Path(name) / file)
        (Path(name) / "verify").mkdir()
        yield Path(name)


@suite.test
def banner_has_the_hash_of_the_elf() -> None:
    hashed = output(ROOT / "tools/stamp.py", "--show", ELF).strip()
    with Guest(Machine("boot hash")) as guest:
        banner = guest.prompt()
        guest.halt()
    found = re.search(r"^hv8: version \S+, kernel ([0-9a-f]{16}), on ", banner, re.M)
    assert found and found[1] == hashed[:16], (banner, hashed)


@suite.test
def verifier_has_the_same_hash() -> None:
    assert stamped.kernel_hash(ELF) == stamp.checked(ELF.read_bytes())


@suite.test
def any_changed_byte_changes_the_hash() -> None:
    """A kernel that was changed holds a wrong hash; the verifier refuses it. With its new hash
    in it, it is taken: as another kernel."""
    r, elf = rng(), ELF.read_bytes()
    place, known = stamp.place(elf), stamp.digest(elf)
    with tempfile.TemporaryDirectory(prefix="hv8-hash-") as name:
        path = Path(name) / "hv8.elf"
        # Not the headers: without them it is no ELF file.
        for at in (place, place + 31, *(r.randrange(4096, 4096 * 40) for _ in range(30))):
            wrong = bytearray(elf)
            wrong[at] ^= 1 << r.randrange(8)
            path.write_bytes(wrong)
            is_hash = place <= at < place + stamp.SIZE
            assert (stamp.digest(bytes(wrong)) == known) == is_hash, hex(at)
            assert command(ROOT / "tools/stamp.py", "--show", path).returncode == 1, hex(at)
            try:
                raise AssertionError(f"{at:#x}: taken as {stamped.kernel_hash(path)}")
            except ImageError as error:
                assert "holds the hash" in str(error), error
            output(ROOT / "tools/stamp.py", path)
            assert (stamped.kernel_hash(path) == known.hex()) == is_hash, hex(at)


@suite.test
def make_verify_refuses_a_kernel_with_another_hash() -> None:
    with folder() as where:
        elf = bytearray(ELF.read_bytes())
        elf[stamp.place(bytes(elf))] ^= 1
        (where / "hv8.elf").write_bytes(elf)
        done = command("/usr/bin/python3", "-m", "verif", "--elf", where / "hv8.elf", "--out",
                       where / "verify", "--hc", "self", "--theorem", "T8")
        text = done.stdout.decode()
        assert done.returncode == 2 and "ImageError" in text and "holds the hash" in text, text
        assert not (where / "verify/report.json").exists()


# ---- the line of make run ------------------------------------------------------------


def report() -> dict[str, Any]:
    """A report in which everything is proved."""
    calls = ["self", "set_name", "alloc_frame"]
    rows = [{"subject": s, "theorem": t, "status": "proved"} for s, t in whole.expected(calls)]
    return {"schema": proved.SCHEMA, "kernel": stamp.checked(ELF.read_bytes()),
            "verifier": sources.digest(), "date": "2026-11-21T10:00:00+00:00", "passed": len(rows),
            "failed": 0, "verdict": "proved", "hypercalls": calls, "missing": [], "rows": rows}


def one_failed(found: dict[str, Any]) -> None:
    """The sums still say that all is proved: the line goes by the rows."""
    found["rows"][3]["status"] = "failed"


def only_t1(found: dict[str, Any]) -> None:
    kept = [r for r in found["rows"]
            if r["theorem"] == "T1" and r["subject"] in found["hypercalls"][1:]]
    found["missing"] = [f"{r['subject']} {r['theorem']}" for r in found["rows"] if r not in kept]
    found["rows"] = kept


ALL = len(report()["rows"])
LINES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "whole": (lambda f: None,
              rf"proved by \S+/report\.json of 2026-11-21 \({ALL} passed, 0 failed\)"),
    "failed": (one_failed, rf"NOT PROVED by \S+ of 2026-11-21 \({ALL - 1} passed, 1 failed\)"),
    "part": (only_t1,
             rf"proved in part \(T1 of 2 hypercalls, 2 of {ALL} rows\) by \S+ of 2026-11-21"),
    "kernel": (lambda f: f.update(kernel="ab" * 32),
               r"not proved: \S+ is of another kernel, (ab){8}; .*"),
    "verifier": (lambda f: f.update(verifier="ab" * 32),
                 r"not proved: verif/ or spec/ has changed since .*"),
    "schema": (lambda f: f.update(schema=1), r"not proved: \S+ is of another version of hv8; .*"),
    "empty": (lambda f: f.update(rows=[]),
              r"NOT PROVED by \S+ of 2026-11-21 \(0 passed, 0 failed\)"),
    "damaged": (lambda f: f.pop("rows"), r"not proved: \S+ cannot be read; .*"),
}


@suite.matrix(kind=[*LINES])
def line(kind: str) -> None:
    change, wanted = LINES[kind]
    found = report()
    change(found)
    with folder() as where:
        (where / "verify/report.json").write_text(json.dumps(found))
        text = output(ROOT / "tools/proved.py", where)
    kernel = stamp.checked(ELF.read_bytes())[:16]
    assert re.fullmatch(rf"kernel {kernel}: {wanted}\n", text), text


@suite.test
def line_without_a_report() -> None:
    with folder() as where:
        text = output(ROOT / "tools/proved.py", where)
        assert re.fullmatch(r"kernel [0-9a-f]{16}: not proved: run make verify\n", text), text
        (where / "verify/report.json").write_text("{")
        text = output(ROOT / "tools/proved.py", where)
        assert "cannot be read" in text, text


@suite.test
def image_must_be_made_of_the_elf() -> None:
    r = rng()
    with folder() as where:
        image = bytearray((where / "hv8.img").read_bytes())
        image[r.randrange(len(image))] ^= 1
        (where / "hv8.img").write_bytes(image)
        done = command(ROOT / "tools/proved.py", where)
        assert done.returncode == 1 and b"hv8.img" in done.stdout, done.stdout


if __name__ == "__main__":
    sys.exit(main([suite]))
