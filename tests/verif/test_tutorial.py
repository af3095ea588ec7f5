#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/tutorial.md is true: every block of it, in order, in a copy of the tree.

    ```diff    goes through `git apply`, without any fuzz
    ```sh      `$ command` is run, and what it prints is compared with the lines that follow;
               it may fail only where those end in make's `***`
    ```c       is written to the file that the paragraph above names

In expected lines `...` stands for any characters, alone on a line for any lines.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import OPTIONS, ROOT, Suite, command, main, shortened  # noqa: E402

suite = Suite("verif/tutorial")

TUTORIAL = ROOT / "docs" / "tutorial.md"
CACHES = {"__pycache__", ".hypothesis", ".pytest_cache", ".cache"}
# What other tests write while this one copies is not copied.
NOT_COPIED = {ROOT / name for name in (".git", "build/again", "build/host", "build/test-files",
                                       "build/test-logs", "build/verify")}
FENCE = re.compile(r"^```(\w*)$")
NEW_FILE = re.compile(r"^`([\w./-]+)`, a new file,")
SECONDS = 600       # for a command that hangs


@dataclass(frozen=True)
class Block:
    """A fenced block: `line` is that of its fence, from 1, `above` the paragraph before."""

    line: int
    language: str
    text: str
    above: str


@dataclass(frozen=True)
class Command:
    """A line after `$` and what it prints."""

    line: int
    words: str
    expected: tuple[str, ...]

    @property
    def may_fail(self) -> bool:
        return bool(self.expected) and self.expected[-1].startswith("make: ***")


def blocks(text: str) -> Iterator[Block]:
    """All fenced blocks in order; ValueError if the last one does not end."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence:
            end = lines.index("```", at + 1)
            above = "\n".join(lines[:at]).rstrip().rpartition("\n\n")[2]
            yield Block(at + 1, fence.group(1), "\n".join(lines[at + 1:end]) + "\n", above)
            at = end
        at += 1


def commands(block: Block) -> list[Command]:
    """The commands of a session; ValueError if it begins with something else."""
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append((number, line[2:], []))
        elif found:
            found[-1][2].append(line)
        else:
            raise ValueError(f"line {number} is neither a command nor its output")
    return [Command(number, words, tuple(lines)) for number, words, lines in found]


def pattern(expected: tuple[str, ...]) -> re.Pattern[str]:
    """What output that is as expected matches from end to end."""
    parts = []
    for line in expected:
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(r"[^\n]*".join(map(re.escape, line.split("..."))) + r"\n")
    return re.compile("".join(parts))


def difference(expected: tuple[str, ...], text: str) -> str:
    """The first line that is not as it should be, and what is there instead."""
    count = len(expected)
    while not (match := pattern(expected[:count]).match(text)):
        count -= 1
    wanted = expected[count] if count < len(expected) else "nothing more"
    found = "\n".join(shortened(text[match.end():].splitlines(), 15, 15))
    return f"should print, after {count} lines,\n{wanted}\nand prints\n{found}\n"


def seen(output: bytes) -> str:
    """Output with ends of lines as in the text; none is lost if the last line has no end."""
    text = re.sub(r"\r+\n", "\n", output.decode(errors="replace"))
    return text if text.endswith("\n") or not text else text + "\n"


def run(step: Command, tree: Path) -> None:
    """AssertionError if it ends or prints otherwise than the tutorial says."""
    done = command("bash", "-c", step.words, cwd=tree, timeout=SECONDS)
    text = seen(done.stdout)
    where = f"docs/tutorial.md:{step.line}: `{step.words}`"
    assert (done.returncode != 0) == step.may_fail, f"{where} ended with {done.returncode}:\n{text}"
    if not pattern(step.expected).fullmatch(text):
        raise AssertionError(f"{where}: {difference(step.expected, text)}")


def apply(block: Block, tree: Path) -> None:
    """AssertionError if the difference does not fit the tree."""
    # A repository around the copy would make git look for the files there.
    done = command("env", f"GIT_CEILING_DIRECTORIES={tree.parent}", "git", "apply", "-",
                   stdin=block.text, cwd=tree)
    assert done.returncode == 0, f"docs/tutorial.md:{block.line}: {seen(done.stdout)}"


def write(block: Block, tree: Path) -> None:
    """AssertionError if no new file is named, or there is one already."""
    name = NEW_FILE.match(block.above)
    assert name, f"docs/tutorial.md:{block.line}: which file is that?"
    path = tree / name.group(1)
    assert not path.exists(), f"docs/tutorial.md:{block.line}: {path} is there already"
    path.write_text(block.text)


def copy_tree(tree: Path) -> None:
    """The project with what is built already, less what no step needs."""
    def ignored(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in CACHES or Path(folder) / name in NOT_COPIED}

    shutil.copytree(ROOT, tree, symlinks=True, ignore=ignored)


def perform(text: str, tree: Path) -> None:
    """Every block of the text, in order."""
    for block in blocks(text):
        if block.language == "diff":
            apply(block, tree)
        elif block.language == "c":
            write(block, tree)
        elif block.language == "sh":
            for step in commands(block):
                run(step, tree)
        else:
            raise AssertionError(f"docs/tutorial.md:{block.line}: what is to be done with it?")


@suite.test
def every_step_does_what_the_tutorial_says() -> None:
    with tempfile.TemporaryDirectory(prefix="hv8-tutorial-") as name:
        tree = Path(name) / "hv8"
        copy_tree(tree)
        perform(TUTORIAL.read_text(), tree)


@suite.test
def the_tutorial_has_its_steps() -> None:
    """A proof fails, then succeeds, and a machine boots."""
    steps = [step for block in blocks(TUTORIAL.read_text()) if block.language == "sh"
             for step in commands(block)]
    proofs = [step for step in steps if step.words.startswith("make verify")]
    assert [step.may_fail for step in proofs] == [True, False, False], proofs
    assert any("FAILED" in line for line in proofs[0].expected)
    assert any(step.words.endswith("make run") and "hv8$ halt" in step.expected for step in steps)


@suite.test
def other_output_is_not_accepted() -> None:
    expected = ("...", "one ... ok", "...", "last")
    for good in ("one 1.2 s ok\nlast\n", "x\n\none  ok\ny\nz\nlast\n"):
        assert pattern(expected).fullmatch(good), good
    for bad in ("one 1 ok\n", "one 1 ok\nlast\nmore\n", "one 1\nok\nlast\n", "One 1 ok\nlast\n",
                "", "last\none 1 ok\n"):
        assert not pattern(expected).fullmatch(bad), bad
    assert not pattern(()).fullmatch("said something\n")
    said = difference(("a", "...", "b", "c"), "a\nx\nb\nd\n")
    assert said.startswith("should print, after 3 lines,\nc\n") and said.endswith("\nd\n"), said


@suite.test
def other_endings_are_not_accepted() -> None:
    for words, expected in (("echo a; false", ("a",)), ("echo b", ("a",)),
                            ("echo 'make: *** no'", ("make: *** no",))):
        try:
            run(Command(1, words, expected), ROOT)
        except AssertionError:
            continue
        raise AssertionError(f"`{words}` was taken for {expected}")
    run(Command(1, "echo 'make: *** no'; false", ("make: *** no",)), ROOT)


@suite.test
def options_of_an_outer_make_do_not_reach_a_step() -> None:
    """`make test T=verif` runs the tutorial, whose `make verify` has another T."""
    text = (ROOT / "Makefile").read_text()
    known = set(re.findall(r"\$\(if \$\(([A-Z]+)\)|^([A-Z]+) :?\??= ", text, re.M))
    asked = {name for pair in known for name in pair if name}
    assert {"T", "HC", "V", "CPUS", "SEED", "B", "OPT"} <= asked & OPTIONS, asked
    inner = "from harness import command; print(command('make', '-n', 'verify').stdout.decode())"
    outer = "import os, sys; os.environ.update(T='outer', HC='outer', MAKEFLAGS=' -- T=outer'); "
    done = command(sys.executable, "-c", outer + inner, cwd=ROOT / "tests")
    said = seen(done.stdout)
    assert done.returncode == 0 and "outer" not in said and "-m verif" in said, said


if __name__ == "__main__":
    sys.exit(main([suite]))
