# SPDX-License-Identifier: MIT
"""report.html: one file that holds everything it shows, made from report.json and the sources."""
import html
import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from . import coverage, show, theorems, trusted
from .guide import Guide, Routine, printable
from .result import Row, from_json

ASSETS = Path(__file__).resolve().parent / "assets"
NUMBERS = ("paths", "instructions", "stack bytes")
TAB = 4
SUMS = ("queries", "obligations", "fallbacks", "solver seconds", "paths", "cases")


def esc(text: object) -> str:
    """Text between tags or in an attribute."""
    return html.escape(printable(str(text)))


def words(text: str) -> str:
    """Escaped, and what stands between backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", esc(text))


def anchor(subject: str) -> str:
    """The id of a routine's details."""
    return "r-" + re.sub(r"[^A-Za-z0-9_-]", lambda m: f".{ord(m[0]):x}", subject)


def _seconds(value: float) -> str:
    if value >= 60:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"


# ---- head ------------------------------------------------------------------------------


def _verdict(document: dict[str, Any]) -> tuple[str, str]:
    if document["failed"]:
        return "bad", f"✗ {document['failed']} not proved"
    return ("soft", "– nothing was tried") if not document["passed"] else \
        ("ok", "✓ all proved" if not document["missing"] else "✓ proved what was tried")


def _head(document: dict[str, Any]) -> Iterator[str]:
    kind, said = _verdict(document)
    facts = (("Verdict", f'<span class="verdict {kind}">{esc(said)}</span>'),
             ("Rows", f"{document['passed']} proved, {document['failed']} not proved"),
             ("Kernel", f"<code>{esc(document['elf'])}</code>"),
             ("SHA-256", f"<code>{esc(document['sha256'])}</code>"),
             ("Prints at boot", f"<code>{esc(document['kernel'][:16])}</code>"),
             ("Date", esc(document["date"].replace("T", " ").replace("+00:00", " UTC"))),
             ("Time", _seconds(document["seconds"])))
    yield "<h1>hv8: what is proved of this kernel</h1><dl class=head>"
    yield from (f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts)
    yield "</dl>"
    yield ('<p>Each hypercall of the kernel was executed symbolically, from the machine code of '
           "the file with this SHA-256, with every argument and the whole state unknown. A row is "
           "proved if a solver found no state that contradicts it.</p>")
    missing = document["missing"]
    if missing:
        yield (f'<details class=note><summary>Not tried: {len(missing)} rows</summary>'
               f'<p class="body">{esc(", ".join(missing))}</p></details>')


# ---- failures --------------------------------------------------------------------------


def _table(kind: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f'<div class=scroll><table class="{kind}">'
    if head:
        yield "<thead><tr>" + "".join(f"<th>{esc(h)}</th>" for h in head) + "</tr></thead>"
    yield "<tbody>"
    labels = [f' data-label="{esc(h)}"' for h in head]
    for cells in rows:
        yield "<tr>" + "".join(f"<td{label}>{cell}</td>" for label, cell in
                               zip_longest(labels, cells, fillvalue="")) + "</tr>"
    yield "</tbody></table></div>"


def _code(text: str) -> str:
    return f"<code>{esc(text)}</code>" if text else ""


def _failure(one: Row, shown: show.Shown) -> Iterator[str]:
    yield "<article class=failure>"
    yield (f'<h3><a href="#{anchor(one.subject)}">{esc(one.subject)}</a> {esc(one.theorem)}: '
           f"{esc(shown.what)} <span class=soft>[{esc(shown.status)}]</span></h3>")
    yield f"<p>At {_code(shown.where)}{':' if shown.text else ''}</p>"
    if shown.text:
        yield f"<pre>{esc(shown.text)}</pre>"
    if shown.differences:
        yield "<h4>What differs</h4>"
        yield from _table("stacked", ("component", "actual", "expected", "query"), (
            (_code(d.component), _code(d.actual), _code(d.expected), _code(d.query))
            for d in shown.differences))
    if shown.steps:
        yield "<h4>The way there: branches of the machine code</h4>"
        yield from _table("stacked", (), (
            (_code(s.where), _code(s.text),
             f"<span class=taken>{'taken' if s.taken else 'not taken'}</span>")
            for s in shown.steps))
    if shown.about:
        yield "<h4>What it is about: lines of the specification, and stores</h4>"
        yield from _table("stacked", (), (
            (_code(a.where), esc(a.what), _code(a.text),
             f"from {_code(a.callers)}" if a.callers else "") for a in shown.about))
    if shown.inputs:
        yield "<h4>In this state, for example</h4>"
        yield from _table("", (), ((_code(n), _code(v)) for n, v in shown.inputs))
    if shown.query and not shown.differences:
        yield f"<p>Query: {_code(shown.query)}</p>"
    yield "</article>"


def _failures(rows: list[Row], guide: Guide) -> Iterator[str]:
    failed = [one for one in rows if not one.passed]
    if not failed:
        return
    yield f"<section id=failures><h2>Not proved ({len(failed)})</h2>"
    for one in failed:
        for shown in show.failures(one, guide):
            yield from _failure(one, shown)
    yield "</section>"


# ---- matrix ----------------------------------------------------------------------------


def _mark(found: list[Row]) -> str:
    if not found:
        return ('<td class="mark soft" data-value=1><span aria-hidden=true>–</span>'
                "<span class=hidden>not tried</span></td>")
    passed, cached = all(r.passed for r in found), all(r.is_cached for r in found)
    word = ("proved" if passed else "not proved") + (", cached" if cached else "")
    return (f'<td class="mark {"ok" if passed else "bad"}" data-value={2 if passed else 0} '
            f'title="{word}"><span aria-hidden=true>{"✓" if passed else "✗"}'
            f'{"*" if cached else ""}</span><span class=hidden>{word}</span></td>')


def _number(rows: list[Row], name: str) -> str:
    found = next((r.fact(name) for r in rows if r.fact(name)), "")
    value = found if found.isdecimal() else "-1"
    return f"<td class=num data-value={value}>{esc(found)}</td>"


def _line(subject: str, rows: list[Row], keys: list[str]) -> str:
    seconds = sum(r.seconds for r in rows if r.theorem != "T8")
    source = next((r.source for r in rows), "")
    failed = int(any(not r.passed for r in rows))
    link = f'<a href="#{anchor(subject)}">'
    cells = [f'<th scope=row data-value="{esc(subject)}">'
             f'{f"{link}{esc(subject)}</a>" if rows else esc(subject)}</th>',
             *(_mark([r for r in rows if r.theorem == key]) for key in keys),
             *(_number(rows, name) for name in NUMBERS),
             f"<td class=num data-value={seconds:.3f}>{f'{seconds:.2f}' if rows else ''}</td>",
             f"<td class=code>{link}{esc(source)}</a></td>" if rows else "<td></td>"]
    return (f'<tr data-name="{esc(subject.lower())}" data-failed={failed}>'
            + "".join(cells) + "</tr>")


def _columns(rows: list[Row]) -> list[str]:
    return theorems.ordered({r.theorem for r in rows})


def _subjects(document: dict[str, Any], rows: list[Row]) -> tuple[list[str], list[str]]:
    """Hypercalls, and what else rows are about."""
    calls = document["hypercalls"]
    return calls, sorted({r.subject for r in rows} - set(calls))


def _matrix(document: dict[str, Any], rows: list[Row]) -> Iterator[str]:
    keys = _columns(rows)
    calls, others = _subjects(document, rows)
    yield "<section id=rows><h2>Rows</h2>"
    yield ('<div class=tools hidden><label>Filter <input type=search></label>'
           "<label><input type=checkbox> only what is not proved</label></div>")
    yield ('<p class=soft>✓ proved, ✗ not proved, – not tried, * proved by an earlier run from the '
           "same inputs (cached). Instructions and stack bytes are the most that any path takes. "
           "A name leads to the routine's source text in this page.</p>")
    yield "<div class=scroll><table class=matrix><thead><tr><th>routine</th>"
    yield from (f'<th class=mark title="{esc(theorems.explained(k).name)}">{esc(k)}</th>'
                for k in keys)
    yield "".join(f"<th class=num>{n}</th>" for n in (*NUMBERS, "seconds"))
    yield "<th>source</th></tr></thead><tbody>"
    width = len(keys) + len(NUMBERS) + 3
    for title, subjects in (("hypercalls", calls), ("other", others)):
        if subjects:
            yield f"<tr class=part><th colspan={width}>{title}</th></tr>"
        yield from (_line(s, [r for r in rows if r.subject == s], keys) for s in subjects)
    yield "</tbody></table></div></section>"


# ---- the rest --------------------------------------------------------------------------


def _theorems(rows: list[Row]) -> Iterator[str]:
    yield "<section id=theorems><h2>What the theorems say</h2><dl class=head>"
    for key in _columns(rows):
        known = theorems.explained(key)
        proved = [r for r in rows if r.theorem == key]
        count = f"{sum(r.passed for r in proved)} of {len(proved)} rows" if proved else "not tried"
        yield (f"<dt><b>{esc(key)}</b> {esc(known.name)}</dt><dd>{esc(known.says)} "
               f"<span class=soft>({count})</span></dd>")
    yield "</dl></section>"


def _rests(document: dict[str, Any]) -> Iterator[str]:
    reasons = {a.text: a.reason for a in trusted.assumptions()}
    yield "<section id=rests><h2>What the proof rests on</h2>"
    yield "<h3>What rows of this run assume</h3>"
    yield from _table("stacked", (), ((_code(text), words(reasons.get(text, "not declared")))
                                      for text in document["assumptions"]))
    yield "<h3>What no theorem is about, and what stands behind it</h3>"
    yield from _table("stacked", (), ((words(p.name), words(p.behind)) for p in trusted.PARTS))
    yield "</section>"


def _sum(rows: list[Row], name: str) -> str:
    """Of a fact that is a number; empty if no row has it."""
    found = [float(r.fact(name)) for r in rows if r.fact(name)]
    return f"{sum(found):.7g}" if found else ""


def _statistics(rows: list[Row]) -> Iterator[str]:
    yield "<section id=solver><h2>Solver</h2>"
    keys = [k for k in _columns(rows) if any(r.theorem == k for r in rows)]
    cells = []
    for key in keys:
        own = [r for r in rows if r.theorem == key]
        cells.append((esc(key), str(len(own)), str(sum(r.is_cached for r in own)),
                      f"{sum(r.seconds for r in own):.1f}", *(_sum(own, n) for n in SUMS)))
    yield from _table("", ("theorem", "rows", "cached", "seconds", *SUMS), cells)
    yield ("<p class=soft>A fallback is a query that the incremental solver gave up and another "
           "tactic took over. Seconds are those of the run that proved the row; T8 is read off the "
           "paths of T2.</p></section>")


def _source(routine: Routine) -> str:
    lines = (f'<span class=n>{number}</span>{esc(text.expandtabs(TAB))}'
             for number, text in enumerate(routine.text, routine.first))
    return f"<p class=code>{esc(routine.file)}</p><pre>" + "\n".join(lines) + "</pre>"


def _routine(subject: str, rows: list[Row], guide: Guide) -> Iterator[str]:
    source = next((r.source for r in rows), "")
    yield (f'<details id="{anchor(subject)}"><summary><b>{esc(subject)}</b> '
           f"<span class=soft>{esc(source)}</span></summary><div class=body>")
    yield from _table("", ("theorem", "status", "seconds", "facts"), (
        (esc(r.theorem), esc(r.status), f"{r.seconds:.2f}",
         esc(", ".join(f"{value} {name}" for name, value in r.facts if name != coverage.WORDS)))
        for r in rows))
    found = guide.routine(subject, source)
    yield _source(found) if found else "<p class=soft>No source text.</p>"
    yield "</div></details>"


def _routines(document: dict[str, Any], rows: list[Row], guide: Guide) -> Iterator[str]:
    yield "<section id=routines><h2>Routines and their source</h2>"
    calls, others = _subjects(document, rows)
    for subject in [*calls, *others]:
        own = [r for r in rows if r.subject == subject]
        if own:
            yield from _routine(subject, own, guide)
    yield "</section>"


def page(document: dict[str, Any], guide: Guide) -> str:
    """The whole page. `document` is report.json."""
    rows = [from_json(one) for one in document["rows"]]
    style, script = ((ASSETS / name).read_text() for name in ("report.css", "report.js"))
    parts = (_head(document), _failures(rows, guide), _theorems(rows), _matrix(document, rows),
             _rests(document), _statistics(rows), _routines(document, rows, guide))
    body = "\n".join(line for part in parts for line in part)
    return ('<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>'
            '<meta name=viewport content="width=device-width, initial-scale=1">'
            f"<title>hv8: {esc(_verdict(document)[1])}</title><style>\n{style}</style></head>"
            "<body>\n"
            f"{body}\n<script>\n{script}</script>\n</body></html>\n")
