# SPDX-License-Identifier: MIT
"""Machine and specification side by side: where their memories differ, in the words of the
kernel's tables."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

from replay.memory import COMPARE, PAGE, WORD, Mirror, Place, Span

STACKS = "cpu_stacks"       # the kernel's scratch: no state
MOST = 24                   # differences that are worth printing


@dataclass(frozen=True)
class Difference:
    """One thing that is not as specified; both are words. `word` is its number in RAM."""

    what: str
    expected: int
    actual: int
    word: int = -1


class Mismatch(Exception):
    """Machine and specification disagree. `rows` are the differences, `title` says after what."""

    def __init__(self, title: str, rows: list[Difference]) -> None:
        super().__init__(title)
        self.title, self.rows = title, rows

    def __str__(self) -> str:
        width = max([len(row.what) for row in self.rows], default=0)
        lines = [f"{'':{width}}  {'expected':>18}  {'actual':>18}"]
        lines += [f"{row.what:{width}}  {row.expected:#18x}  {row.actual:#18x}"
                  for row in self.rows[:MOST]]
        if len(self.rows) > MOST:
            lines.append(f"... and {len(self.rows) - MOST} more")
        return "\n".join([self.title, *lines])


def _indices(place: Place, word: int) -> tuple[int, ...] | None:
    """The indices whose cell is that word of RAM, if there are any."""
    rest, key = word - place.start, []
    for stride, count in place.dims:
        index, rest = divmod(rest, stride)
        if not 0 <= index < count:
            return None
        key.append(index)
    return tuple(key) if rest == 0 else None


def describe(mirror: Mirror, word: int) -> str:
    """Which field a word of RAM is."""
    for span in mirror.spans:
        if span.start <= word * WORD < span.start + span.size:
            for name, place in mirror.places.items():
                key = _indices(place, word)
                if name.split(".")[0] == span.name and key is not None:
                    return f"{name}[{', '.join(map(str, key))}]"
            return f"{span.name} + {word * WORD - span.start:#x}"
    page, index = divmod(word * WORD - mirror.pages_start, PAGE)
    owner, kind = (mirror.get(f"page_descs.{f}", page) for f in ("owner", "type"))
    return f"pages[{page}, {index // WORD}] (type {kind}, of {owner})"


def _words(mirror: Mirror, start: int, size: int) -> Iterator[Difference]:
    actual = memoryview(mirror.ram[start:start + size]).cast("Q")
    for n, value in enumerate(actual):
        word = start // WORD + n
        if mirror.words[word] != value:
            yield Difference(describe(mirror, word), mirror.words[word], value, word)


def range_differs(mirror: Mirror, start: int, size: int) -> list[Difference]:
    """Differences in these bytes; both are multiples of 8."""
    if COMPARE(mirror.ours + start, mirror.theirs + start, size) == 0:
        return []
    return list(_words(mirror, start, size))


def _shown(mirror: Mirror, span: Span) -> int:
    """Bytes of an object that are looked at each time: page_descs goes on behind RAM."""
    return min(span.size, mirror.page_count * 32) if span.name == "page_descs" else span.size


def tables_differ(mirror: Mirror) -> list[Difference]:
    """Every table of the kernel, padding included."""
    found: list[Difference] = []
    for span in mirror.spans:
        if span.name != STACKS:
            found += range_differs(mirror, span.start, _shown(mirror, span))
    return found


def pages_differ(mirror: Mirror, pages: set[int]) -> list[Difference]:
    """Every word of these pages."""
    found: list[Difference] = []
    for page in sorted(pages):
        found += range_differs(mirror, mirror.page_at(page), PAGE)
    return found


def _stack(mirror: Mirror) -> Span:
    return next(span for span in mirror.spans if span.name == STACKS)


def rest_differs(mirror: Mirror) -> list[Difference]:
    """All of RAM but the kernel's stacks. Frames must have been taken over before."""
    stack = _stack(mirror)
    end = stack.start + stack.size
    return (range_differs(mirror, 0, stack.start)
            + range_differs(mirror, end, len(mirror.ram) - end))


def take_frames(mirror: Mirror) -> None:
    """Every frame and the kernel's stacks become what the machine has there."""
    stack = _stack(mirror)
    ctypes.memmove(mirror.ours + stack.start, mirror.theirs + stack.start, stack.size)
    first, stride = mirror.places["page_descs.type"].start, 32 // WORD
    kinds = mirror.words[first:first + mirror.page_count * stride].tolist()[::stride]
    for page, kind in enumerate(kinds):
        if kind == mirror.c.HV_PAGE_FRAME:
            at = mirror.page_at(page)
            ctypes.memmove(mirror.ours + at, mirror.theirs + at, PAGE)
