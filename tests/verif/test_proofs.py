#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The proofs themselves: every theorem of every hypercall of the kernel that boots."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, ROOT, Suite, command, main  # noqa: E402

suite = Suite("verif/proofs", serial=True)

THEOREMS = {"T1", "T2", "T3", "T5", "T6", "T8", "T9"}
SHARED = {("page_zero", "T2"), ("page_copy", "T2"), ("page_sync", "T2"), ("steps", "T3"),
          *(("lock", theorem) for theorem in ("T1", "T2", "T3", "T8", "T9")),
          ("every state", "T5"), ("every state", "T9"), ("timer_interrupt", "T9"),
          ("boot GICv2 cortex-a53 128M", "T4"), ("boot GICv3 max 128M 4 cores dma=on", "T4")}


@suite.test
def every_theorem_of_every_hypercall_is_proved() -> None:
    done = command("/usr/bin/python3", "-m", "verif", timeout=3000)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0, text[-6000:]
    assert text.splitlines()[-1].endswith(" passed, 0 failed"), text[-6000:]
    found = json.loads((BUILD / "verify" / "report.json").read_text())
    proved = {(row["subject"], row["theorem"]) for row in found["rows"]
              if row["status"] == "proved"}
    table = (ROOT / "include" / "uapi" / "hypercall.def").read_text()
    calls = set(found["hypercalls"])
    assert len(calls) > 40 and all(f", {name}," in table for name in calls), calls
    missing = {(c, t) for c in calls for t in THEOREMS} | SHARED
    assert missing <= proved, sorted(missing - proved)
    assert not found["missing"] and not found["failed"], found["missing"]


if __name__ == "__main__":
    sys.exit(main([suite]))
