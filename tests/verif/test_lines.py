#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What fails names the hypercall and the lines: of the specification and of the handler."""

import re
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

from harness import Suite, command, main  # noqa: E402
from mutation import trial  # noqa: E402

suite = Suite("verif/lines", serial=True)
FOLDER = tempfile.TemporaryDirectory(prefix="hv8-lines-")


@dataclass(frozen=True)
class Fault:
    """In `file`, within the function that begins with `within`, `old` becomes `new`. Each of
    `named` is a file, a function of it (or none) and a text in that, then words of the
    message's line that names it."""

    call: str
    theorem: str
    file: str
    within: str
    old: str
    new: str
    named: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"{self.call} {self.theorem}"


PROCESS, HANDLE = "spec/transitions/process.py", "spec/transitions/handle.py"
FAULTS = (
    # a guard of the specification: the handler's check has no counterpart
    Fault("grant_pid", "T1", PROCESS, "def grant_pid",
          "    t.require(is_child(t, pid, t.self), t.c.HV_EACCES)\n", "", (
              ("kernel/hc_process.c", "check_grant_pid", "if (procs[pid].ppid != self)", "  taken"),
              (PROCESS, "", "def grant_pid", "transition grant_pid"),
              (PROCESS, "def grant_pid", "t.c.HV_EBUSY)", "refused errno 16 HV_EBUSY"),
              ("spec/vocabulary.py", "def _give", "t.set(owner, ", "update procs.ppid", PROCESS))),
    # an update of the specification: the handler's store has no counterpart
    Fault("create", "T1", HANDLE, "def create", "    t.set(\"files.offset\", (file,), 0)\n", "", (
        (HANDLE, "", "def create", "no update files.offset"),
        ("kernel/hc_handle.c", "hc_create", ".offset = 0;", "machine's store files.offset"))),
    # a check of the handler
    Fault("revoke_pid", "T1", "kernel/hc_process.c", "check_revoke_pid",
          "\tif (procs[pid].state != HV_PROC_UNUSED)\n\t\treturn -HV_EBUSY;\n", "", (
              (PROCESS, "def revoke_pid", "t.c.HV_EBUSY)", "refused errno 16 HV_EBUSY"),
              ("kernel/hc_process.c", "check_revoke_pid", "if (procs[procs[pid]", "  taken"))),
    # what an invariant needs
    Fault("create", "T3", HANDLE, "def create", "t.set(\"files.type\", (file,), type_)", "pass", (
        ("spec/invariants.py", "", "def file_types", "invariant file_types"),
        (HANDLE, "def create", "t.set(\"files.last_sender\"", "update files.last_sender"))),
    # what isolation needs
    Fault("set_entry", "T5", PROCESS, "def set_entry",
          "t.zero_page(t.get(\"procs.ctx\", pid))", "t.zero_page(pc)", (
              ("spec/isolation.py", "", "def content_is_kept", "statement content_is_kept"),
              (PROCESS, "def set_entry", "t.zero_page(pc)", "update pages"))),
)


@cache
def base() -> Path:
    return trial.snapshot(Path(FOLDER.name) / "tree")


def line_of(tree: Path, file: str, within: str, text: str) -> str:
    """file:line of the first line with the text, in the function that begins with `within`."""
    head, _, tail = (tree / file).read_text().partition(within) if within else \
        ("", "", (tree / file).read_text())
    before, found, _ = tail.partition(text)
    assert found, f"{file} has no {text}"
    return f"{file}:{(head + before).count(chr(10)) + 1}"


def is_named(text: str, place: str, words: tuple[str, ...]) -> bool:
    """Some line of the text is about that place, and has all the words."""
    about = re.compile(rf"^ *(?:at|path|spec)? +{re.escape(place)} ", re.M)
    return any(about.match(line) and all(word in line for word in words)
               for line in text.split("\n"))


@suite.matrix(fault=[*FAULTS])
def names_its_lines(fault: Fault) -> None:
    with tempfile.TemporaryDirectory(prefix="hv8-lines-") as name:
        tree = Path(name)
        trial.copy_tree(base(), tree)
        path = tree / fault.file
        head, found, tail = path.read_text().partition(fault.within)
        assert found and fault.old in tail, f"{fault.file} has changed"
        path.write_text(head + found + tail.replace(fault.old, fault.new, 1))
        if not fault.file.startswith("spec/"):
            assert trial.build(tree) is None
        done = command("/usr/bin/python3", "-m", "verif", "--elf", trial.ELF, "--out", tree / "out",
                       "--no-cache", "--jobs", "1", "--hc", fault.call,
                       "--theorem", fault.theorem, cwd=tree, timeout=600)
        text = done.stdout.decode(errors="replace")
        assert done.returncode == 1, f"{fault}: status {done.returncode}\n{text}"
        assert f"\n  {fault.call} {fault.theorem} (kernel/" in text, text
        page = (tree / "out" / "report.html").read_text()
        for file, within, source, *words in fault.named:
            place = line_of(tree, file, within, source)
            assert is_named(text, place, tuple(words)), f"{fault}: {place} {words}\n{text}"
            assert f"<code>{place}</code>" in page, f"{fault}: {place} is not on the page"


if __name__ == "__main__":
    sys.exit(main([suite]))
