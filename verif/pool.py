# SPDX-License-Identifier: MIT
"""Jobs side by side, each in a process of its own: forked, run, its result read from a pipe."""
import os
import pickle
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import VerifError

PIPE_BYTES = 1 << 16


@dataclass
class Child:
    """A job that runs."""

    name: str
    pid: int
    pipe: int
    data: bytes = b""


def _run(work: Callable[[], Any], pipe: int) -> NoReturn:
    """In the child: the result, or the error, and the end of the process."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            found: tuple[str, Any] = ("done", work())
        except VerifError as error:
            found = ("refused", f"{type(error).__name__}: {error}")
        except Exception:  # whatever it is, the parent is told
            found = ("crashed", traceback.format_exc())
        with os.fdopen(pipe, "wb") as out:
            out.write(pickle.dumps(found))
    finally:
        os._exit(0)


def _start(name: str, work: Callable[[], Any], others: list[Child]) -> Child:
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        for other in others:
            os.close(other.pipe)
        _run(work, writer)
    os.close(writer)
    return Child(name, pid, reader)


def _result(child: Child) -> Any:
    _, status = os.waitpid(child.pid, 0)
    if not child.data:
        raise VerifError(f"{child.name}: its process ended with status {status:#x} and no result")
    kind, value = pickle.loads(child.data)
    if kind != "done":
        raise VerifError(f"{child.name}: {value}")
    return value


def run(jobs: list[tuple[str, Callable[[], Any]]], workers: int,
        began: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """Runs the jobs in their order, `workers` at a time; yields name and result as they end.

    A job that fails raises VerifError here; whatever still runs is ended.
    """
    waiting = list(reversed(jobs))
    running: list[Child] = []
    with selectors.DefaultSelector() as ready:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    name, work = waiting.pop()
                    began(name)
                    child = _start(name, work, running)
                    running.append(child)
                    ready.register(child.pipe, selectors.EVENT_READ, child)
                for key, _ in ready.select():
                    child = key.data
                    part = os.read(child.pipe, PIPE_BYTES)
                    child.data += part
                    if not part:
                        ready.unregister(child.pipe)
                        os.close(child.pipe)
                        running.remove(child)
                        yield child.name, _result(child)
        finally:
            for child in running:
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
                os.close(child.pipe)
