#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The shell's lexer and parser on this machine: the language of parse.h."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from driver import Driver, compile_driver, running  # noqa: E402
from harness import Suite, main  # noqa: E402

suite = Suite("host/shell", serial=True)
FUZZ = settings(max_examples=1000, deadline=None, database=None,
                suppress_health_check=list(HealthCheck))
LINE = 1024  # SH_LINE
SEPARATORS = ["", ";", "&", "&&", "||"]  # by their number


def build() -> Path:
    return compile_driver("shell_driver", ("user/apps/sh/lex.c", "user/apps/sh/parse.c"),
                          ("-Iuser/apps/sh",))


def parse(driver: Driver, line: bytes | str) -> list[object]:
    data = line.encode("latin-1") if isinstance(line, str) else line
    return json.loads(driver.ask(data + b"\0"))


def words(driver: Driver, line: str) -> list[str]:
    """The words of a line that is a single command."""
    parsed = parse(driver, line)
    assert len(parsed) == 1 and isinstance(parsed[0], dict), parsed
    assert len(parsed[0]["commands"]) == 1, parsed
    return parsed[0]["commands"][0]


def message(driver: Driver, line: str) -> str:
    last = parse(driver, line)[-1]
    assert isinstance(last, str), last
    return last


def single(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def double(word: str) -> str:
    return '"' + "".join("\\" + c if c in '"\\$' else c for c in word) + '"'


def escaped(word: str) -> str:
    return "".join("\\" + c for c in word)


TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255, blacklist_characters="\n"),
               min_size=1, max_size=8)
QUOTED = st.tuples(TEXT, st.sampled_from([single, double, escaped]))
COMMAND = st.tuples(st.lists(QUOTED, min_size=1, max_size=4), st.one_of(st.none(), QUOTED))
PIPELINE = st.lists(COMMAND, min_size=1, max_size=3)
SCRIPT = st.lists(st.tuples(PIPELINE, st.integers(1, 4)), min_size=1, max_size=3)


def spell(pipeline: list[tuple[list[tuple], tuple | None]]) -> str:
    return " | ".join(
        " ".join(quote(word) for word, quote in command)
        + (f" <{source[1](source[0])}" if source else "")
        for command, source in pipeline)


@suite.test
def quoting_round_trips() -> None:
    """Whatever words, pipes and separators are written, the same are read."""
    with running(build()) as driver:
        @FUZZ
        @given(SCRIPT)
        def check(script: list[tuple[list, int]]) -> None:
            line = ""
            for index, (pipeline, separator) in enumerate(script):
                last = index + 1 == len(script)
                line += spell(pipeline) + ("" if last else f" {SEPARATORS[separator]} ")
            if len(line.encode("latin-1")) >= LINE:
                return
            parsed = parse(driver, line)
            assert len(parsed) == len(script), (line, parsed)
            for index, (pipeline, separator) in enumerate(script):
                got = parsed[index]
                assert isinstance(got, dict), (line, got)
                assert got["commands"] == [[w for w, _ in command] for command, _ in pipeline]
                assert got["inputs"] == [source[0] if source else None for _, source in pipeline]
                assert got["separator"] == (0 if index + 1 == len(script) else separator)

        check()


@suite.test
def any_line_stays_inside() -> None:
    syntax = st.text(st.sampled_from("ab |<>&;'\"\\$?!#\t"), max_size=60)
    anything = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=LINE - 1)
    with running(build()) as driver:
        @FUZZ
        @given(st.one_of(syntax, anything))
        def check(line: str) -> None:
            for item in parse(driver, line):
                assert isinstance(item, str) or all(item["commands"]), item

        check()


@suite.test
def longest_lines_stay_inside() -> None:
    with running(build()) as driver:
        for unit in ("a", "a ", "$?", "a|", "a;", "''", "\\a", "'", '"', "$", "<a ", "a<b|", "&&"):
            line = (unit * LINE)[:LINE - 1]
            parse(driver, line)
            parse(driver, line[:-1])


@suite.test
def words_and_variables() -> None:
    with running(build()) as driver:
        assert parse(driver, "") == [] and parse(driver, "  # nothing") == []
        assert words(driver, "echo  a\tb ") == ["echo", "a", "b"]
        assert words(driver, "echo a#b #c") == ["echo", "a#b"]
        assert words(driver, "echo $? $! $$ $x \"$?\" '$?'") == \
            ["echo", "7", "12", "3", "$x", "7", "$?"]
        assert words(driver, "echo ''") == ["echo", ""]
        assert words(driver, "echo a'b c'\"d e\"f") == ["echo", "ab cd ef"]


@suite.test
def mistakes_have_a_message() -> None:
    with running(build()) as driver:
        for line in ("|", "a |", "| a", "a || || b", "a &&", "a | ; b", ";", "a ; ; b", "& a",
                     "a <", "a < |", "echo 'a", 'echo "a', "echo \\", "a > b", "< a"):
            assert message(driver, line), line
        for line in ("a ;", "a &", "a ; b &", "a # | ", "a<b", "<b a"):
            assert isinstance(parse(driver, line)[-1], dict), line


if __name__ == "__main__":
    sys.exit(main([suite]))
