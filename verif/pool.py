# SPDX-License-Identifier: MIT
"""Jobs side by side, each in a process of its own: forked, run, its result read from a pipe.

None outlives the process that started it, whatever ends that: a child that is not killed by its
parent is killed by the system (prctl(2), PR_SET_PDEATHSIG).
"""
import ctypes
import gc
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
PR_SET_PDEATHSIG = 1
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """One of STOPPING came; its number is the argument."""


def _stop(number: int, _frame: object) -> None:
    for one in STOPPING:
        signal.signal(one, signal.SIG_IGN)  # the first says it all; nothing disturbs the end
    raise Stopped(number)


def stop_on_signals() -> None:
    """From now on each of STOPPING raises Stopped, unless the caller had it ignored (nohup)."""
    for one in STOPPING:
        if signal.getsignal(one) != signal.SIG_IGN:
            signal.signal(one, _stop)


@dataclass
class Child:
    """A job that runs."""

    name: str
    pid: int
    pipe: int
    data: bytes = b""


def _bind_to(parent: int) -> None:
    """In the child, with STOPPING blocked: it ends with its parent, and by SIGTERM and SIGHUP.
    SIGINT stays blocked, for Z3 has a handler of its own that makes a query unknown."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise VerifError(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        os._exit(1)
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGHUP))


def _run(work: Callable[[], Any], pipe: int, parent: int) -> NoReturn:
    """In the child: the result, or the error, and the end of the process. Terms are freed by
    their counts; what refers to itself stays until that end, for to look for it takes long."""
    gc.disable()
    try:
        try:
            _bind_to(parent)
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
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        for other in others:
            os.close(other.pipe)
        _run(work, writer, parent)
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
                    # Until the child is known here, and has handlers of its own, nothing stops us.
                    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
                    child = _start(name, work, running)
                    running.append(child)
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)
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
