# SPDX-License-Identifier: MIT
"""Faults in C, found by a tokenizer: enough of C's grammar for this kernel's own style."""
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .mutant import Mutant, line_of

TOKEN = re.compile(r"[A-Za-z_]\w*|0[xX][0-9a-fA-F]+\w*|\d+\w*|->|\+\+|--|<<=?|>>=?|[<>=!]=|&&|\|\|"
                   r"|[-+*/%&|^]=|\S")
HIDDEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.S | re.M)
OPERATORS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||",
             "||": "&&", "++": "--", "--": "++", "|=": "=", "&=": "=", "~": "", "!": ""}
COMPARED = {"<", "<=", ">", ">="}
# What only orders accesses: see barrier.py.
BARRIERS = ("dsb_", "isb(", "prim_")
NO_UPDATE = ("return", "if", "else", "uint64_t", "int64_t", "bool", "struct", "const", "static",
             "_Static_assert")
# The struct that an expression of the kernel's is of.
STRUCTS = {"procs": "hv_proc", "proc": "hv_proc", "page_descs": "hv_page_desc",
           "handles": "hv_handle_entry", "files": "hv_file_entry", "cpu": "hv_cpu",
           "sched": "hv_sched", "console": "console", "machine": "machine", "m": "message"}


@dataclass(frozen=True)
class Token:
    """`text` from `start` on."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """One past its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Facts:
    """Of the headers: the enumerators of each named enum, and the plain words of each struct."""

    enums: tuple[tuple[str, ...], ...]
    structs: dict[str, tuple[str, ...]]

    def other(self, name: str) -> str | None:
        """The next enumerator of the same enum."""
        for members in self.enums:
            if name in members:
                return members[(members.index(name) + 1) % len(members)]
        return None

    def other_field(self, struct: str, name: str) -> str | None:
        """The next word of the same struct."""
        members = self.structs.get(struct, ())
        if name not in members or len(members) < 2:
            return None
        return members[(members.index(name) + 1) % len(members)]


def blank(text: str) -> str:
    """The text with comments, strings and directives as spaces of the same length."""
    return HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def facts(root: Path, headers: tuple[str, ...]) -> Facts:
    """Reads the headers."""
    enums: list[tuple[str, ...]] = []
    structs: dict[str, tuple[str, ...]] = {}
    for header in headers:
        text = blank((root / header).read_text())
        for body in re.findall(r"\benum\s+\w+\s*\{(.*?)\}", text, re.S):
            enums.append(tuple(re.findall(r"\b([A-Z]\w+)(?:\s*=[^,]*)?(?:,|$)", body.strip())))
        for name, body in re.findall(r"\bstruct\s+(\w+)\s*\{(.*?)\}", text, re.S):
            lists = re.findall(r"uint64_t\s+([\w\s,]+);", body)
            structs[name] = tuple(w for part in lists for w in re.split(r"[\s,]+", part.strip())
                                  if not w.startswith("reserved"))
    return Facts(tuple(e for e in enums if len(e) > 1), structs)


@dataclass(frozen=True)
class Body:
    """One function of a file: the characters between its braces. `shown` hides comments."""

    file: str
    name: str
    text: str
    shown: str
    start: int
    end: int

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Those of the body."""
        return tuple(Token(m.group(), m.start())
                     for m in TOKEN.finditer(self.shown, self.start, self.end))

    @property
    def lines(self) -> range:
        """Numbers of its lines, from the one of its name."""
        return range(line_of(self.text, self.start), line_of(self.text, self.end) + 1)

    def mutant(self, operator: str, start: int, end: int, new: str) -> Mutant:
        """A fault in this function."""
        return Mutant("c", operator, self.file, self.name,
                      f"{self.file}:{line_of(self.text, start)}", start, end,
                      self.text[start:end], new)

    def closing(self, at: int) -> int:
        """Index of the token that closes the bracket which token `at` opens."""
        depth = 0
        for index in range(at, len(self.tokens)):
            depth += (self.tokens[index].text in "([{") - (self.tokens[index].text in ")]}")
            if depth == 0:
                return index
        raise ValueError(f"{self.file}: {self.name} has an open bracket")


def bodies(root: Path, file: str) -> Iterator[Body]:
    """The functions of a file."""
    text = (root / file).read_text()
    shown = blank(text)
    for head in re.finditer(r"^\w[^;{}=]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", shown, re.S | re.M):
        yield Body(file, head.group(1), text, shown, head.start(2), head.end(2))


# ---- statements -------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """`if (...) return ...;` without else: all of it, and what is returned."""

    start: int
    end: int
    answer: str


def checks(body: Body) -> Iterator[Check]:
    """In their order."""
    for at, token in enumerate(body.tokens):
        if token.text != "if":
            continue
        then = body.closing(at + 1) + 1
        if body.tokens[then].text != "return":
            continue
        last = next(i for i in range(then, len(body.tokens)) if body.tokens[i].text == ";")
        answer = body.text[body.tokens[then].start:body.tokens[last].end]
        if last + 1 == len(body.tokens) or body.tokens[last + 1].text != "else":
            yield Check(token.start, body.tokens[last].end, answer)


def dropped_checks(body: Body) -> Iterator[Mutant]:
    """No check."""
    for check in checks(body):
        yield body.mutant("drop-check", check.start, check.end, "")


def swapped_checks(body: Body) -> Iterator[Mutant]:
    """Two checks in the other order."""
    found = list(checks(body))
    for first, second in zip(found, found[1:]):
        between = body.text[first.end:second.start]
        if between.strip() == "" and first.answer != second.answer:
            new = body.text[second.start:second.end] + between + body.text[first.start:first.end]
            yield body.mutant("swap-checks", first.start, second.end, new)


def statements(body: Body) -> Iterator[tuple[int, int]]:
    """First and last token of each statement that is an expression."""
    begin = 0
    at = 0
    while at < len(body.tokens):
        text = body.tokens[at].text
        if text == "if":
            at = begin = body.closing(at + 1) + 1
            continue
        if text in ("{", "}", "else"):
            begin = at + 1
        elif text in ("(", "["):
            at = body.closing(at)
        elif text == ";":
            if begin < at:
                yield begin, at
            begin = at + 1
        at += 1


def dropped_updates(body: Body) -> Iterator[Mutant]:
    """A statement that does nothing any more."""
    for first, last in statements(body):
        start, end = body.tokens[first].start, body.tokens[last].end
        text = body.text[start:end]
        if body.tokens[first].text not in NO_UPDATE and not text.startswith(BARRIERS):
            yield body.mutant("drop-update", start, end, ";")


# ---- expressions ----------------------------------------------------------------------------


def _base(body: Body, at: int) -> str:
    """The name with which the expression that ends before token `at` begins."""
    at -= 1
    while body.tokens[at].text in ")]":
        depth = 0
        while True:
            depth += (body.tokens[at].text in ")]") - (body.tokens[at].text in "([")
            at -= 1
            if depth == 0:
                break
    return body.tokens[at].text


def wrong_words(body: Body, known: Facts) -> Iterator[Mutant]:
    """Another operator, constant, literal or field."""
    for at, token in enumerate(body.tokens):
        text, before = token.text, body.tokens[at - 1].text if at else ""
        if text in OPERATORS:
            operator = "off-by-one" if text in COMPARED else "wrong-operator"
            yield body.mutant(operator, token.start, token.end, OPERATORS[text])
        elif before in (".", "->") and _base(body, at - 1) in STRUCTS:
            other = known.other_field(STRUCTS[_base(body, at - 1)], text)
            if other is not None:
                yield body.mutant("other-field", token.start, token.end, other)
        elif text[0].isdigit() and before != "case":
            value = int(text.rstrip("ULul"), 0)
            if value < 1 << 32:
                yield body.mutant("wrong-number", token.start, token.end, str(value + 1))
        elif known.other(text) is not None:
            yield body.mutant("wrong-constant", token.start, token.end, str(known.other(text)))
        elif re.fullmatch(r"HV_N[A-Z]+|HV_PAGE_WORDS|HV_L0_USER_END", text) and text != "HV_NONE":
            yield body.mutant("off-by-one", token.start, token.end, f"({text} - 1)")


def swapped_arguments(body: Body) -> Iterator[Mutant]:
    """Two plain arguments of a call in the other order."""
    for at, token in enumerate(body.tokens[:-1]):
        if not re.fullmatch(r"[a-z]\w*", token.text) or body.tokens[at + 1].text != "(":
            continue
        if token.text in ("if", "return", "sizeof"):
            continue
        inner = body.tokens[at + 2:body.closing(at + 1)]
        for left, comma, right, after in zip(inner, inner[1:], inner[2:], (*inner[3:], None)):
            plain = all(re.fullmatch(r"[a-z]\w*", t.text) for t in (left, right))
            if comma.text == "," and plain and (after is None or after.text == ","):
                new = f"{right.text}, {left.text}"
                yield body.mutant("swap-arguments", left.start, right.end, new)


def faults(body: Body, known: Facts) -> Iterator[Mutant]:
    """Every one of a function."""
    yield from dropped_checks(body)
    yield from swapped_checks(body)
    yield from dropped_updates(body)
    yield from wrong_words(body, known)
    yield from swapped_arguments(body)
