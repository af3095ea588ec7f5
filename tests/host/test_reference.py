#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/gen_reference.py: what it reads, and that it refuses what it cannot."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from gen_reference import Check, Parameter, TableError, parse, render  # noqa: E402
from harness import ROOT, Suite, main  # noqa: E402

suite = Suite("host/reference")

GROUP = "/* ---- memory ---------- */\n"
CALL = """/* Does it.
 * EPERM  not allowed
 *        at all
 * EINTR, EPIPE  later */
HC2(0, name, FAST, hv_pid, pid, hv_word, w)
"""


def refuses(text: str) -> bool:
    try:
        parse(text)
    except TableError:
        return True
    return False


@suite.test
def reads_an_entry() -> None:
    (call,) = parse(GROUP + CALL)
    assert (call.group, call.number, call.name, call.path) == ("memory", 0, "name", "FAST")
    assert call.parameters == (Parameter("hv_pid", "pid"), Parameter("hv_word", "w"))
    assert call.effect == "Does it."
    assert call.checks == (Check("EPERM", "not allowed at all"), Check("EINTR, EPIPE", "later"))


@suite.test
def refuses_what_it_cannot_read() -> None:
    assert refuses(CALL.replace("HC2(0", "HC2(1"))
    assert refuses(CALL + CALL.replace("HC2(0", "HC2(1"))
    assert refuses(CALL.replace("HC2", "HC3"))
    assert refuses(CALL + "#include <x.h>\n")
    assert refuses("HC0(0, name, FAST)\n")


@suite.test
def every_call_has_its_section() -> None:
    calls = parse((ROOT / "include/uapi/hypercall.def").read_text())
    text = render(calls)
    assert calls and all(f"### {call.number}: {call.name}\n" in text for call in calls)


if __name__ == "__main__":
    sys.exit(main([suite]))
