#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/gen_reference.py: what it reads, what it says of the specification, and that it
refuses what it cannot read and what disagrees."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from gen_reference import (Call, Check, Line, Parameter, TableError, match,  # noqa: E402
                           parse, render)
from harness import ROOT, Suite, main  # noqa: E402
from spec_facts import Change, Facts, SpecError, condition, facts  # noqa: E402

suite = Suite("host/reference", serial=True)

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


TABLE = (ROOT / "include/uapi/hypercall.def").read_text()
ABI = (ROOT / "include/uapi/abi.h").read_text()


def call_with(*errors: str) -> Call:
    return Call("g", 0, "name", "FAST", (), "Does it.",
                tuple(Check(error, f"reason {at}") for at, error in enumerate(errors)))


def matched(errors: tuple[str, ...], *ways: tuple[str, ...]) -> list[tuple[int, ...]] | None:
    """The guards of each line, or None if the generator refuses."""
    try:
        return [line.guards for line in match(call_with(*errors), Facts("", ways, (), ()))]
    except TableError:
        return None


@suite.test
def every_call_has_its_section() -> None:
    calls = parse(TABLE)
    text = render(calls, ABI)
    assert calls and all(f"### {call.number}: {call.name}\n" in text for call in calls)
    assert "| EPERM | 1 |" in text and "| `hv_pid` |" in text


@suite.test
def pairs_lines_with_guards() -> None:
    assert matched(("EA", "EB"), ("EA", "EB")) == [(1,), (2,)]
    assert matched(("EA", "EB"), ("EA", "EA", "EB")) == [(1, 2), (3,)]
    assert matched(("EA", "EA", "EB"), ("EA", "EA", "EB")) == [(1,), (2,), (3,)]
    assert matched(("EA", "EB"), ("EA", "EB"), ("EB",)) == [(1,), (2,)]
    assert matched(()) == []


@suite.test
def refuses_lines_that_are_not_the_guards() -> None:
    assert matched(("EA", "EB"), ("EB", "EA")) is None
    assert matched(("EA",), ("EA", "EB")) is None
    assert matched(("EA", "EB"), ("EA",)) is None
    assert matched(("EA", "EA"), ("EA", "EA", "EA")) is None
    assert matched(("EA",)) is None
    assert matched(("EA", "EB"), ("EA", "EB"), ("EC",)) is None


@suite.test
def refuses_a_table_whose_lines_are_exchanged() -> None:
    lines = [" * EPERM  pid is not a child of self\n", " * ESTATE pid is not a zombie\n"]
    assert TABLE.count("".join(lines)) == 1
    try:
        render(parse(TABLE.replace("".join(lines), "".join(reversed(lines)))), ABI)
    except TableError as error:
        assert "reap" in str(error) and "ESTATE" in str(error), error
    else:
        raise AssertionError("not refused")


@suite.test
def refuses_a_call_that_is_not_specified() -> None:
    try:
        facts("frobnicate")
    except SpecError as error:
        assert "frobnicate" in str(error), error
    else:
        raise AssertionError("not refused")


@suite.test
def conditions_hold_in_their_cases_alone() -> None:
    cases = [frozenset(words.split(",")) for words in
             ("a,b", "a,not b", "not a,b", "not a,not b")]
    for bits in range(1, 16):
        wanted = frozenset(i for i in range(4) if bits >> i & 1)
        found = condition(wanted, cases)
        holds = frozenset(i for i, case in enumerate(cases)
                          if found == () or any(case.issuperset(labels) for labels in found))
        assert holds == wanted, (wanted, found)
    assert condition(frozenset({0, 1}), cases) == (("a",),)
    assert condition(frozenset({0, 1, 2, 3}), cases) == ()


@suite.test
def tells_what_a_call_may_change() -> None:
    close = facts("close")
    assert close.ways == (("ESRCH", "EPERM", "EBADF"),)
    assert Change("`procs[pid].handles_count`", ()) in close.changes
    assert Change("`sched.ready`", (("no readers left",), ("no writers left",))) in close.changes
    assert not any("ghost" in change.what for change in close.changes)
    free = facts("free_frame")
    assert Change("TLB entries of the ASID of `pid` invalidated", ()) in free.changes
    assert Line(Check("EPERM", "self may not build pid"), (2,)) in match(
        parse(TABLE)[14], free)


if __name__ == "__main__":
    sys.exit(main([suite]))
