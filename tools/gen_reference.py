#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the reference of hypercalls from the table in hypercall.def, the types and errors
in abi.h, and the specification.

Usage: gen_reference.py [--check] TABLE ABI OUTPUT

--check writes nothing and fails if OUTPUT is out of date. Where the errors in a comment of
the table are not those of the specification's guards, in their order, nothing is written.
"""

import re
import sys
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from spec_facts import Change, Facts, SpecError, facts  # noqa: E402

GROUP = re.compile(r"^/\* -{2,} (.*?) -{2,} \*/$", re.M)
COMMENT = re.compile(r"/\*(.*?)\*/", re.S)
ENTRY = re.compile(r"^HC(\d)\(([^)]*)\)$", re.M)
ERRORS = re.compile(r"^((?:E[A-Z]+)(?:, E[A-Z]+)*)\s+(.*)$")
LATER = "after waiting"
TYPE = re.compile(r"^typedef uint64_t (hv_\w+);\s*/\* (.*?) \*/$", re.M)
ERRNO = re.compile(r"^\s*HV_(E[A-Z]+) = (\d+),\s*/\* (.*?) \*/$", re.M)
PLACE = re.compile(r"`(.*)\.(\w+)`$")


class TableError(Exception):
    """The table does not have the form that its own first comment gives."""


@dataclass(frozen=True)
class Parameter:
    type: str
    name: str


@dataclass(frozen=True)
class Check:
    error: str
    when: str


@dataclass(frozen=True)
class Call:
    group: str
    number: int
    name: str
    path: str
    parameters: tuple[Parameter, ...]
    effect: str
    checks: tuple[Check, ...]


def parse_comment(text: str) -> tuple[str, tuple[Check, ...]]:
    """Splits a comment's text into the effect and the ordered checks."""
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in text.strip().splitlines()]
    effect: list[str] = []
    checks: list[Check] = []
    for line in lines:
        match = ERRORS.match(line)
        if match:
            checks.append(Check(match.group(1), match.group(2).strip()))
        elif checks and line:
            last = checks[-1]
            checks[-1] = Check(last.error, f"{last.when} {line.strip()}")
        elif line:
            effect.append(line.strip())
    return " ".join(effect), tuple(checks)


def parse_entry(group: str, comment: str, arity: str, body: str) -> Call:
    fields = [field.strip() for field in body.split(",")]
    count = int(arity)
    if len(fields) != 3 + 2 * count:
        raise TableError(f"HC{arity}({body}): {3 + 2 * count} fields expected")
    effect, checks = parse_comment(comment)
    if not effect:
        raise TableError(f"{fields[1]}: no comment says what it does")
    pairs = zip(fields[3::2], fields[4::2])
    return Call(group, int(fields[0]), fields[1], fields[2],
                tuple(Parameter(kind, name) for kind, name in pairs), effect, checks)


def parse(text: str) -> list[Call]:
    """All calls of the table, in its order, which must be that of the numbers."""
    calls: list[Call] = []
    group = comment = ""
    token = re.compile(f"{GROUP.pattern}|{COMMENT.pattern}|{ENTRY.pattern}", re.M | re.S)
    rest = token.sub("", text).strip()
    if rest:
        raise TableError(f"not understood: {rest.splitlines()[0]}")
    for match in token.finditer(text):
        heading = GROUP.match(match.group(0))
        entry = ENTRY.match(match.group(0))
        if heading:
            group = heading.group(1)
        elif entry:
            calls.append(parse_entry(group, comment, entry.group(1), entry.group(2)))
            comment = ""
        else:
            comment = match.group(0)[2:-2]
    for index, call in enumerate(calls):
        if call.number != index:
            raise TableError(f"{call.name} has number {call.number}, not {index}")
    if len({call.name for call in calls}) != len(calls):
        raise TableError("a name occurs twice")
    return calls


# ---- the comment beside the guards ------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of the comment and the guards that it stands for, from 1, as they are counted
    on the first way that has them."""

    check: Check
    guards: tuple[int, ...]


def runs(errors: list[str]) -> list[tuple[str, list[int]]]:
    """Each error with the places, from 0, where it stands in a row."""
    numbered = [(error, list(group)) for error, group
                in groupby(range(len(errors)), key=lambda i: errors[i])]
    return [(error, places) for error, places in numbered]


def match_way(call: Call, way: tuple[str, ...], lines: list[str]) -> dict[int, list[int]]:
    """For each line (from 0) the guards of one way (from 1): both in order. A row of guards
    with one error is told by as many lines or by a single one."""
    found: dict[int, list[int]] = {}
    left = runs(lines)
    for error, guards in runs(list(way)):
        while left and left[0][0] != error:
            left.pop(0)
        if not left:
            raise TableError(f"{call.name}: guard {guards[0] + 1} of spec/ gives {error}, which"
                             f" the comment does not say there: it lists {', '.join(lines)};"
                             f" the guards are {', '.join(way)}")
        told = left.pop(0)[1]
        if len(told) not in (1, len(guards)):
            raise TableError(f"{call.name}: {len(told)} lines say {error} for"
                             f" {len(guards)} guards of spec/")
        for at, guard in enumerate(guards):
            found.setdefault(told[at if len(told) > 1 else 0], []).append(guard + 1)
    return found


def match(call: Call, said: Facts) -> tuple[Line, ...]:
    """The comment's checks with the guards that each stands for. TableError if there is a
    guard that no line tells, a line that tells no guard, or another order."""
    checks = [check for check in call.checks if check.when != LATER]
    names = [check.error for check in checks]
    guards: dict[int, list[int]] = {}
    for way in said.ways:
        guards = {**match_way(call, way, names), **guards}
    for at, name in enumerate(names):
        if at not in guards:
            raise TableError(f"{call.name}: the comment says {name}, {checks[at].when!r}, but"
                             f" no guard of spec/ gives it there: they are"
                             f" {'; '.join(', '.join(way) for way in said.ways) or 'none'}")
    return tuple(Line(check, tuple(guards[at])) for at, check in enumerate(checks))


# ---- Markdown -------------------------------------------------------------------------


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def signature(call: Call) -> str:
    inside = ", ".join(f"{p.type} {p.name}" for p in call.parameters)
    return f"{call.name}({inside})"


def registers(call: Call) -> str:
    words = [f"x{n} = `{p.name}`" for n, p in enumerate(call.parameters)]
    return ", ".join([*words, f"x8 = {call.number}"])


def when_text(when: tuple[tuple[str, ...], ...]) -> str:
    """A sum of products of labels in words."""
    def label_text(label: str) -> str:
        name = label.removeprefix("not ")
        return f"*{name}*" if name == label else f"not *{name}*"

    return ", or ".join(" and ".join(map(label_text, labels)) for labels in when) or "always"


def changes_text(places: list[str]) -> str:
    """Fields of one entry of a table together."""
    texts: list[str] = []
    for entry, some in groupby(places, key=lambda p: PLACE.match(p).group(1)
                               if PLACE.match(p) else p):
        fields = [m.group(2) for p in some if (m := PLACE.match(p))]
        if not fields:
            texts.append(entry)
        elif len(fields) == 1:
            texts.append(f"`{entry}.{fields[0]}`")
        else:
            texts.append(f"`{entry}.{{{', '.join(fields)}}}`")
    return "; ".join(texts)


def by_condition(changes: tuple[Change, ...]) -> list[tuple[str, list[str]]]:
    """What is changed under one condition together; first what always is."""
    rows: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for change in changes:
        rows.setdefault(change.when, []).append(change.what)
    return [(when_text(when), rows[when])
            for when in sorted(rows, key=lambda w: (w != (), len(w), w))]


def render_effect(said: Facts) -> list[str]:
    lines = ["| case | x0 | changes |", "|---|---|---|"]
    results = dict(by_condition(said.results))
    changes = dict(by_condition(said.changes))
    for when in dict.fromkeys((*results, *changes)):
        places = changes_text(changes.get(when, [])) if changes else "nothing"
        lines.append(f"| {when} | {', '.join(results.get(when, []))} | {cell(places)} |")
    return [*lines, ""]


def render_errors(call: Call, matched: tuple[Line, ...]) -> list[str]:
    later = [check for check in call.checks if check.when == LATER]
    if not matched and not later:
        return []
    lines = ["| guard | error | when |", "|---|---|---|"]
    lines += [f"| {', '.join(map(str, line.guards))} | {line.check.error} |"
              f" {cell(line.check.when)} |" for line in matched]
    lines += [f"| | {check.error} | {check.when} |" for check in later]
    return [*lines, ""]


def render_call(call: Call, said: Facts) -> list[str]:
    return [f"### {call.number}: {call.name}", "", f"`{signature(call)}`", "",
            f"{call.path}; {registers(call)}.", "", call.effect, "",
            f"Specified as: {said.text}", "",
            *render_errors(call, match(call, said)), *render_effect(said)]


HEAD = """\
<!-- SPDX-License-Identifier: MIT -->
<!-- Generated by tools/gen_reference.py from include/uapi and spec/: edit those, then \
`make docs`. -->

# Hypercalls

`hvc #0` with the number in x8 and the parameters in x0, x1, ... in the order
shown. The result is in x0: 0 or more, or a negated error. Registers x1 to x17
come back as zero except where a receive fills x1 to x7; x18 to x30 are kept.
After `call` and `reply_wait` x8 to x17, and without a message x1 to x7, may be
what the caller had in them when it was last interrupted, and ELR_EL1, SPSR_EL1,
ESR_EL1, FAR_EL1 and PAR_EL1 may be zero or such values: never another
process's.
A number that is not in the table gives ENOSYS.

A FAST call neither switches to another process nor makes one ready; a FULL call may do
both. A FREE call takes no lock.

Each section first says what the call is for, then how the specification puts
it ("self" is the caller, who may build itself and its own embryos), then has
two tables.

*Errors.* The guards of the specification are numbered in the order in which
they are tested; the first that fails decides, and a call that fails changes
nothing. "After waiting" are the results of who had to wait.

*Success.* Where it can go several ways, the choices have names, in italics,
and a row holds for all cases in which its condition does; "again" is the
second time that a choice comes up in one call. x0 of a call that waits is
what it will be unless whoever wakes it stores something else. The third
column lists everything that the call may change, in C notation:
`procs`, `page_descs`, `handles`, `files` and `sched` are in
`include/uapi/tables.h`; `pages[p][i]` is word i of page p, and
`pages[procs[p].ctx]` holds the saved registers of process p; `timer_tree` is
the tree of deadlines, `console` the bytes not read yet. A name in capitals is a
system register. `[...]` is an index found in the tables, for example the first
receiver that waits. What the table does not list stays as it was.
"""


def render(calls: list[Call], abi: str) -> str:
    """The document. TableError if comment and specification disagree."""
    lines = [HEAD, "| number | call | path |", "|---|---|---|"]
    for call in calls:
        anchor = f"{call.number}-{call.name}"
        lines.append(f"| {call.number} | [`{signature(call)}`](#{anchor}) | {call.path} |")
    lines += ["", "## Types of parameters", "", "All are 64 bits wide.", "", "| type | values |",
              "|---|---|"]
    lines += [f"| `{name}` | {cell(text)} |" for name, text in TYPE.findall(abi)]
    lines += ["", "## Error numbers", "", "| error | number | meaning |", "|---|---|---|"]
    lines += [f"| {name} | {value} | {cell(text)} |" for name, value, text in ERRNO.findall(abi)]
    for group, members in groupby(calls, key=lambda call: call.group):
        lines += ["", f"## {group[0].upper()}{group[1:]}"]
        for call in members:
            lines += ["", *render_call(call, facts(call.name))[:-1]]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    check = arguments[:1] == ["--check"]
    table, abi, output = (Path(name) for name in arguments[check:])
    try:
        text = render(parse(table.read_text()), abi.read_text())
    except (TableError, SpecError) as error:
        print(f"{table}: {error}", file=sys.stderr)
        return 1
    if not check:
        output.write_text(text)
    elif not output.exists() or output.read_text() != text:
        print(f"{output} is out of date: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
