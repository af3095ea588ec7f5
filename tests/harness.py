# SPDX-License-Identifier: MIT
"""Cases, suites, and how they are run: what every test file uses.

A test file makes one Suite, fills it by decorators, and ends with

    if __name__ == "__main__":
        sys.exit(main([suite]))

so that each runs alone; tests/run.py runs them all. A case fails by raising
an exception, most often AssertionError, or if its process dies; it then may have
left a log in build/test-logs. No case asserts anything about time: limits only
end what hangs.
"""

import argparse
import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"


@dataclass(frozen=True)
class Case:
    suite: str
    name: str
    run: Callable[[], None]
    serial: bool

    @property
    def title(self) -> str:
        return f"{self.suite}: {self.name}"

    @property
    def log(self) -> Path:
        return LOGS / (re.sub(r"[^A-Za-z0-9.=-]+", "-", self.title).strip("-") + ".log")


@dataclass(frozen=True)
class Suite:
    """The cases of one file. `name` is "area/file". The cases of a serial suite
    run one after another in one process: they share files, or what is dear to make.
    Any other case has a process of its own."""

    name: str
    serial: bool = False
    cases: list[Case] = field(default_factory=list)

    def add(self, name: str, run: Callable[[], None]) -> None:
        if any(case.name == name for case in self.cases):
            raise ValueError(f"two cases of {self.name} are called {name}")
        self.cases.append(Case(self.name, name, run, self.serial))

    def test(self, function: Callable[[], None]) -> Callable[[], None]:
        """Decorator: the function is a case, named after itself."""
        self.add(function.__name__.replace("_", " "), function)
        return function

    def matrix(self, **axes: list[object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Decorator: one case for each combination of keyword arguments."""

        def register(function: Callable[..., None]) -> Callable[..., None]:
            for values in itertools.product(*axes.values()):
                arguments = dict(zip(axes, values))
                label = " ".join(f"{key}={value}" for key, value in arguments.items())
                self.add(f"{function.__name__.replace('_', ' ')} {label}",
                         lambda arguments=arguments: function(**arguments))
            return function

        return register


@dataclass(frozen=True)
class Outcome:
    case: Case
    seconds: float
    problem: str | None


def brief(error: Exception) -> str:
    """Where in tests/ it happened and what; the whole traceback is in the log."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename.startswith(str(ROOT)) and frame.filename != __file__]
    places = [f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno}: {frame.line}"
              for frame in frames]
    words = "".join(traceback.format_exception_only(error)).rstrip()
    return "\n".join([*places, words])


def run_case(case: Case) -> Outcome:
    start = time.monotonic()
    problem = None
    try:
        case.run()
    except Exception as error:  # whatever a case raises is its failure
        problem = brief(error)
        LOGS.mkdir(parents=True, exist_ok=True)
        case.log.write_text(traceback.format_exc())
    return Outcome(case, time.monotonic() - start, problem)


@dataclass(frozen=True)
class Child:
    """A process that runs some cases in their order; `left` are those of which nothing is
    known yet, and the pipe brings seconds and problem of the first of these."""

    process: multiprocessing.context.ForkProcess
    pipe: Connection
    left: list[Case]


def start(cases: list[Case]) -> Child:
    here, there = multiprocessing.Pipe(duplex=False)

    def run_all() -> None:
        for case in cases:
            outcome = run_case(case)
            there.send((outcome.seconds, outcome.problem))

    process = multiprocessing.get_context("fork").Process(target=run_all)
    process.start()
    there.close()       # only the child writes, so the pipe ends with it
    return Child(process, here, list(cases))


def outcomes(child: Child) -> Iterator[Outcome]:
    """What a child whose pipe has something to read has to say, which is of one case or, if
    it is at its end, of none; the case at which it died has failed."""
    try:
        seconds, problem = child.pipe.recv()
        yield Outcome(child.left.pop(0), seconds, problem)
    except EOFError:
        child.process.join()
        child.pipe.close()
        if child.left:
            code = child.process.exitcode
            yield Outcome(child.left.pop(0), 0, f"the process of this case ended with {code}")


def pieces(cases: list[Case]) -> Iterator[list[Case]]:
    """What has a process each. Serial suites come first: they take longest."""
    for _, some in itertools.groupby((c for c in cases if c.serial), lambda c: c.suite):
        yield list(some)
    yield from ([case] for case in cases if not case.serial)


def run_cases(cases: list[Case], jobs: int) -> Iterator[Outcome]:
    """Runs all cases; outcomes come in the order in which they end."""
    waiting = deque(pieces(cases))
    running: dict[Connection, Child] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            child = start(waiting.popleft())
            running[child.pipe] = child
        for pipe in wait([*running]):
            child = running[pipe]
            yield from outcomes(child)
            if pipe.closed:
                del running[pipe]
                if child.left:
                    waiting.appendleft(child.left)


def shortened(lines: list[str], first: int = 20, last: int = 40) -> list[str]:
    """The first and the last lines: what was wrong is mostly at one of both ends."""
    left_out = len(lines) - first - last
    return lines if left_out <= 0 else \
        [*lines[:first], f"... {left_out} lines are left out ...", *lines[-last:]]


def report(outcome: Outcome) -> None:
    word = "ok  " if outcome.problem is None else "FAIL"
    print(f"{word} {outcome.case.title} ({outcome.seconds:.1f} s)", flush=True)
    if outcome.problem is not None:
        lines = shortened(outcome.problem.splitlines())
        print("".join(f"     {line}\n" for line in lines), flush=True)


def main(suites: list[Suite], arguments: list[str] | None = None) -> int:
    """Runs the cases whose title holds one of the given words; 0 if all pass."""
    parser = argparse.ArgumentParser(description="Runs tests; words choose some by their titles.")
    parser.add_argument("words", nargs="*", help="run cases whose title holds one of these")
    parser.add_argument("-j", "--jobs", type=int, default=(os.cpu_count() or 1) + 1,
                        help="cases at a time; one more than cores, since some wait")
    parser.add_argument("-l", "--list", action="store_true", help="only list the cases")
    options = parser.parse_args(arguments)

    cases = [case for suite in suites for case in suite.cases
             if not options.words or any(word in case.title for word in options.words)]
    if options.list:
        for case in cases:
            print(case.title)
        return 0
    failed: list[Outcome] = []
    for outcome in run_cases(cases, max(1, options.jobs)):
        report(outcome)
        if outcome.problem is not None:
            failed.append(outcome)
    for outcome in failed:
        print(f"failed: {outcome.case.title}")
    if not cases:
        print("no such test", file=sys.stderr)
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or not cases else 0


# What the Makefile takes from its command line or the environment. Of the make that runs these
# tests it is meant, `make test T=verif`, and of no other that a test runs.
OPTIONS = frozenset("ACPI ARGS B BOOT COUNT CPU CPUS DISK DISK2 DTB DTB_FROM GIC HC KIND LEVELS "
                    "MACHINE MEM MUTANT OPT SEED SIZE T V".split())


def environment() -> dict[str, str]:
    """That of a command that has nothing to do with a make that started us."""
    return {key: value for key, value in os.environ.items()
            if key not in OPTIONS and not key.startswith(("MAKE", "MFLAGS"))}


def command(*words: str | Path, stdin: str | bytes = "", cwd: Path = ROOT,
            timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
    """Runs a command to its end; its output and errors come back together. If it
    takes too long it is killed, with all that it started."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    argv = [str(word) for word in words]
    process = subprocess.Popen(argv, cwd=cwd, env=environment(), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        text, _ = process.communicate(data, timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        tail = text.decode(errors="replace")[-3000:]
        raise AssertionError(
            f"{argv} still ran after {timeout} s; its last words:\n{tail}") from None
    return subprocess.CompletedProcess(argv, process.returncode, text)


def output(*words: str | Path, timeout: float = 120) -> str:
    """The output of a command that must succeed."""
    done = command(*words, timeout=timeout)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{text}"
    return text


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A place for a file that takes the place of `path` when it is whole: another process may
    be about to read it, or to make it as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="made-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        yield made
        made.replace(path)
