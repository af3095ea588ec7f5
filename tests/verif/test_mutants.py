#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A few of the faults that mutants.py plants, each with the theorem that must turn red and what
its message must say; and what the verifier says to an instruction that it does not know."""
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

from harness import ROOT, Suite, command, main  # noqa: E402
from mutants import theorems  # noqa: E402
from mutation import log, population, reach, trial  # noqa: E402
from mutation.mutant import Mutant  # noqa: E402

from verif import plan  # noqa: E402

suite = Suite("verif/mutants", serial=True)
SEED = int(os.environ.get("HV8_MUTANT_SEED", "1"))
FOLDER = tempfile.TemporaryDirectory(prefix="hv8-mutants-")


@dataclass(frozen=True)
class Planted:
    """The first mutant of that kind and operator, in a function whose name starts like this,
    that replaces what holds `text`; `theorem`, which alone is asked for, fails with `message`."""

    kind: str
    operator: str
    function: str
    text: str
    theorem: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind} {self.operator} {self.function}"


PLANTED = (
    Planted("c", "drop-check", "check_build", "may_build", "T1", "errno 1"),
    Planted("c", "drop-check", "check_entry", "index >= end", "T2", "in bounds: index of pages"),
    Planted("c", "drop-update", "entry_unlink", "tlbi_asid", "T1", "events"),
    Planted("c", "drop-update", "alloc_table", "page_zero", "T1", "pages differs"),
    Planted("c", "wrong-constant", "check_grant_file", "HV_EACCES", "T1", "result x0"),
    Planted("c", "swap-registers", "page_copy", "stp\tx9, x10", "T2", "word"),
    Planted("c", "drop-instruction", "page_sync", "ic\tialluis", "T2", "does not clean"),
    Planted("c", "drop-instruction", "lock_take", "stxr", "T1", "no step of a lock"),
    Planted("c", "wrong-operator", "lock_take", "b.ne", "T1",
            "returns before its ticket is served"),
    Planted("c", "wrong-number", "lock_drop", "add", "T1", "not the following ticket"),
    Planted("binary", "flip-condition", "lock_take+0x10", "", "T1", "no step of a lock"),
    Planted("c", "drop-update", "run_after", "cpu->turn = next", "T1", "sched.cpus.turn differs"),
    Planted("spec", "drop-update", "switch_to", "run(t", "T1", "sched.core differs"),
    Planted("binary", "flip-condition", "hc_grant_pid", "", "T1", "differs from case"),
    Planted("binary", "swap-registers", "hc_set_entry", "", "T2", "jump to"),
    Planted("spec", "drop-guard", "reap", "HV_EBUSY", "T1", "result x0 differs from case done"),
    Planted("spec", "swap-guards", "revoke_pid", "", "T1", "errno"),
    Planted("invariant", "contradict", "handle_names_file", "", "T1", "the assumptions exclude"),
    Planted("invariant", "wrong-constant", "file_types", "HV_FILE_NONE", "T4", "file_types"),
    Planted("spec", "wrong-constant", "may_end_with_message", "HV_PAGE_FREE", "T3",
            "the premise of message is not preserved"),
    Planted("spec", "wrong-constant", "may_stop", "HV_PROC_EMBRYO", "T3", "the premise of stop"),
    Planted("spec", "other-field", "give_page", "page_descs.owner", "T1", "page_descs"),
    Planted("barrier", "drop", "hc_map_view", "dsb_ishst", "T6", "not visible at the end"),
    Planted("barrier", "swap", "hc_unmap_view", "dsb_ishst();\n\ttlbi_asid", "T6", "stale"),
    Planted("barrier", "late", "hc_unmap_view", "pte_write", "T6", "stale"),
    Planted("barrier", "early", "hc_protect_frame", "pte_write", "T6", "or made again"),
    Planted("c", "drop-check", "check_unmapped", "owner != pid", "T1", "result x0"),
    Planted("c", "drop-update", "hc_unmap_device", "count--", "T1", "page_descs.count differs"),
    Planted("barrier", "early", "hc_unmap_device", ".state", "T6", "changes hands"),
    Planted("barrier", "early", "entry_unlink", ".type", "T6", "changes hands"),
    Planted("barrier", "weaker", "hc_free_frame", "9f3b03d5", "T6", "changes hands"),
    Planted("barrier", "not-broadcast", "free_table", "", "T6", "changes hands"),
    Planted("barrier", "wrong-asid", "hc_unmap_view", "tlbi_asid", "T6", "stale"),
    Planted("barrier", "drop", "proc_flush", "isb", "T6", "stale"),
    Planted("c", "wrong-constant", "trap_sync", "HV_ENOSYS", "T1", "pages differs"),
    Planted("c", "drop-update", "skip_instruction", "sysreg_write", "T1", "sys.elr_el2 differs"),
    Planted("vectors", "nop", "el2_vectors+0x400", "", "T2", "is read before it is written"),
    Planted("vectors", "nop", "el2_vectors+0x41c", "", "T1", "class differs"),
    Planted("vectors", "nop", "vectors_trap+0x0", "", "T2", "lies in no object"),
    Planted("vectors", "nop", "vectors_unknown+0x10", "", "T1", "x4 differs"),
    Planted("vectors", "nop", "vectors_idle+0x50", "", "T1", "x0 differs"),
    Planted("vectors", "nop", "vectors_idle+0x2c", "", "T1",
            "events wait instead of lock_drop wait"),
    Planted("vectors", "nop", "vectors_fast+0x0", "", "T1",
            "events eret instead of lock_drop eret"),
    Planted("vectors", "nop", "vectors_trap+0x54", "", "T2", "sched.cpus.doomed is the core's own"),
    Planted("vectors", "nop", "vectors_locked+0x4", "", "T1",
            "hypercall instead of lock_take trap_doomed"),
    Planted("binary", "flip-condition", "lock_take_full+0x10", "", "T1", "no step of a lock"),
    Planted("binary", "change-immediate", "lock_drop_exchange+0x8", "", "T1",
            "not the following ticket"),
    Planted("vectors", "nop", "direct_reply_forever+0x0", "", "T1", "x1 differs"),
    Planted("vectors", "nop", "direct_reply_leave+0x0", "", "T1", "x0 differs"),
    Planted("c", "drop-update", "hc_kill", "proc_doom", "T1", "differs"),
    Planted("c", "drop-update", "sched_kick", "sched.idle", "T1", "sched.idle differs"),
    Planted("vectors", "swap", "vectors_idle+0x10", "", "T6", "not synchronized"),
    Planted("vectors", "offset", "context_save_fp+0x8", "", "T1", "pages differs"),
    Planted("vectors", "register", "vectors_save_fp+0x4", "", "T2", "lies in no object"),
)

UNKNOWN = {"floating point: fmul d0, d1, d2": 0x1E620820, "LSE: ldadd x0, x0, [x1]": 0xF8200020,
           "mrs x0, midr_el1": 0xD5380000, "ldp x0, x0, [x0]": 0xA9400000}


@cache
def code() -> reach.Code:
    return reach.load(ROOT / trial.ELF)


@cache
def every(kind: str) -> tuple[Mutant, ...]:
    return population.population(code(), kind)


@cache
def base() -> Path:
    return trial.snapshot(Path(FOLDER.name) / "tree")


def find(wanted: Planted) -> Mutant:
    for m in every(wanted.kind):
        if m.operator == wanted.operator and m.function.startswith(wanted.function) \
                and wanted.text in m.old:
            return m
    raise AssertionError(f"no such mutant: {wanted}")


@suite.matrix(fault=[*PLANTED])
def planted(fault: Planted) -> None:
    m = find(fault)
    assert fault.theorem in theorems(m), theorems(m)
    verdict = trial.try_mutant(m, base(), code(), (fault.theorem,))
    assert verdict.word == "caught", f"{m.identity} {m.change}: {verdict}"
    assert fault.theorem in verdict.theorem.split(), f"{m.identity} {m.change}: {verdict}"
    assert fault.message in verdict.message, f"{m.identity} {m.change}: {verdict}"
    assert verdict.subject in (*m.subjects, *plan.SHARED, trial.BOOT), \
        f"should not be affected: {verdict}"


@suite.matrix(instruction=[*UNKNOWN])
def unknown(instruction: str) -> None:
    """The error names the word, its address and the function; nothing is passed."""
    word = UNKNOWN[instruction]
    with tempfile.TemporaryDirectory(prefix="hv8-patched-") as name:
        elf = Path(name) / "hv8.elf"
        elf.write_bytes((ROOT / trial.ELF).read_bytes())
        address = code().kernel.image.function("hc_seek").address + 8
        reach.patch(elf, address, word)
        done = command("/usr/bin/python3", "-m", "verif", "--elf", elf, "--out", Path(name) / "out",
                       "--hc", "seek", "--theorem", "T1,T2")
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 2, text
    assert f"{word:#010x} at {address:#x}, hc_seek+0x8" in text, text
    assert trial.REFUSAL.search(text), text


@suite.test
def samples_are_the_same_for_a_seed() -> None:
    again = population.population(code(), "spec")
    assert again == every("spec")
    first, second = (population.sample(some, 40, SEED) for some in (again, every("spec")))
    assert first == second and first != population.sample(again, 40, SEED + 1), f"seed {SEED}"


@suite.test
def every_equivalent_is_a_mutant() -> None:
    """An explanation of what is no mutant any more is gone too; of one in the ELF, that depends
    on the compiler or the linker, it may stay."""
    names = {m.identity for kind in population.OF_KIND for m in every(kind)}
    gone = [n for n in log.equivalents()
            if n not in names and not n.startswith(("binary/", "vectors/"))]
    assert gone == [], gone


if __name__ == "__main__":
    sys.exit(main([suite]))
