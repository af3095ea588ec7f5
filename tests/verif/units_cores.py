# SPDX-License-Identifier: MIT
"""Several cores: each planted fault turns the row red that must, with the words that say what."""
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import z3

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import spec  # noqa: E402
from snippets import BASE, KERNEL, with_code  # noqa: E402
from spec import schedule  # noqa: E402
from spec.core_invariants import CORE  # noqa: E402
from spec.invariants import RULES, Invariant  # noqa: E402
from spec.premises import AT_INTERRUPT  # noqa: E402
from spec.transition import Transition  # noqa: E402
from spec.transitions import process  # noqa: E402
from spec.vocabulary import set_saved  # noqa: E402
from verif import handover, induct, isolate, premises, safety  # noqa: E402
from verif.explore import Explorer, standard_start  # noqa: E402
from verif.premises import Hypotheses  # noqa: E402
from verif.result import Row  # noqa: E402
from verif.solve import Solver  # noqa: E402

CONSTANTS = premises.constants(KERNEL)
UART, CPUS = 0x400080000000, KERNEL.layout.families["sched.cpus.doomed"]


def messages(row: Row) -> str:
    return "\n".join(f"{failure.what} [{failure.status}]" for failure in row.failures)


# ---- the lock changes hands -------------------------------------------------------------


def handed_over(folder: Path) -> Row:
    return handover.prove(CONSTANTS, folder)


def test_the_lock_changes_hands(tmp_path: Path) -> None:
    row = handed_over(tmp_path)
    assert row.passed, messages(row)
    assert dict(row.facts) == {"of the core that executes": "1", "of its registers": "4"}, row.facts


def test_a_core_that_has_not_settled_is_noticed(tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(AT_INTERRUPT.members, "core_is_settled")
    assert "others_are_settled does not hold for the next core [refuted]" in messages(
        handed_over(tmp_path))


def test_a_process_on_two_cores_is_noticed(tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES.members, "running_exact",
                        Invariant("running_exact", ("cpu", "pid"), lambda r, cpu, p: True))
    assert "others_are_settled does not hold for the next core" in messages(handed_over(tmp_path))


def test_registers_that_depend_on_what_others_write_are_noticed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CORE.members, "core_mode", Invariant("core_mode", (), lambda r: r.o.implies(
        r.get("sched.idle") == 0, r.get("sys.spsr_el2") == 0)))
    assert "core_mode reads what other cores change [failed]" in messages(handed_over(tmp_path))


def test_cores_that_cannot_be_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES.members, "core_ranges", Invariant(
        "core_ranges", ("cpu",), lambda r, cpu: r.get("sched.cpus.current", cpu) == 0))
    assert "no two cores can be [vacuous]" in messages(handed_over(tmp_path))


# ---- what other cores leave alone ---------------------------------------------------------


def doomed(folder: Path) -> Row:
    subject = induct.Subject(CONSTANTS, "kill", spec.transition("kill"))
    return isolate.prove(subject, folder, "")


def test_kill_leaves_other_cores_alone(tmp_path: Path) -> None:
    assert doomed(tmp_path).passed


def _writes_context(t: Transition, pid: Any) -> None:
    set_saved(t, pid, t.c.CTX_X0, 0)


def _ends(t: Transition, pid: Any) -> None:
    t.set("procs.state", (pid,), t.c.HV_PROC_ZOMBIE)


def _frees_core(t: Transition, pid: Any) -> None:
    t.set("sched.cpus.current", (t.get("sched.core", pid) & (t.c.HV_NCPU - 1),), 0)


@pytest.mark.parametrize("wrong", [_writes_context, _ends, _frees_core])
def test_a_hand_on_another_core_is_noticed(wrong: Callable[[Transition, Any], None], tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    right = schedule.doom

    def doom(t: Transition, pid: Any, status: Any) -> Any:
        wrong(t, pid)
        return right(t, pid, status)
    monkeypatch.setattr(process, "doom", doom)
    row = doomed(tmp_path)
    assert "what other cores hold is left alone: not in case another core runs it" in messages(row)


def _takes_a_line(t: Transition, pid: Any) -> None:
    t.set("irqs.owner", (0,), pid)


def test_the_end_of_an_interrupt_changes_nothing_else(tmp_path: Path) -> None:
    """T5 of what ends with leave_irq counts on it."""
    def text(t: Transition) -> int:
        _takes_a_line(t, t.self)
        return 0
    subject = induct.Subject(CONSTANTS, "leave_irq", spec.Spec("leave_irq", text))
    assert "agreed: leave_irq may not change what this is about [failed]" in \
        messages(isolate.prove(subject, tmp_path, ""))


def two_steps(statement: isolate.Statement, folder: Path) -> str:
    """Do two steps keep what each keeps?"""
    subject = induct.Subject(CONSTANTS, "any state", spec.transition("self"))
    goal = isolate.two_steps(subject, statement)
    return Solver((), folder, subject.names).prove((), goal, "two-steps").status


def test_what_two_steps_need_not_keep_is_noticed(tmp_path: Path) -> None:
    kept = [one for one in isolate.STATEMENTS if one.is_kept]
    assert kept and {two_steps(one, tmp_path) for one in kept} == {"proved"}
    wrong = replace(kept[0], text=lambda c, before, after, core, word: (
        after.get("sched.cpus.turn", core) - before.get("sched.cpus.turn", core) <= 1))
    assert two_steps(wrong, tmp_path) == "refuted"


class Watched:
    """A state that notes which of its tables are read."""

    def __init__(self, state: Any) -> None:
        self.state, self.ops, self.tables = state, state.ops, set[str]()

    def get(self, name: str, *key: Any) -> Any:
        self.tables.add(name)
        return self.state.get(name, *key)


def read_afterwards(statement: isolate.Statement) -> set[str]:
    subject = induct.Subject(CONSTANTS, "any state", spec.transition("self"))
    after = Watched(subject.before)
    _, _, _, *names = inspect.signature(statement.text).parameters
    statement.text(CONSTANTS, subject.before, after, *(z3.BitVec(name, 64) for name in names))
    return after.tables


@pytest.mark.parametrize("one", isolate.STATEMENTS, ids=lambda one: one.text.__name__)
def test_a_statement_is_asked_of_all_that_change_it(one: isolate.Statement) -> None:
    assert read_afterwards(one) == one.tables


# ---- nothing shared without the lock ------------------------------------------------------


def without_lock(text: str, folder: Path) -> str:
    """What T2 says of a routine of a core that has not the lock."""
    kernel = with_code(text)
    world = kernel.world()
    world.has_lock = False
    found = Explorer(world, {}).run(standard_start(BASE, {"tpidr_el2": KERNEL.cpu}))
    hypotheses = premises.instances(kernel, world, premises.used(premises.USED, True))
    handled = safety.Handled(KERNEL.hypercalls[0], found, Hypotheses(hypotheses.terms, ()), 0.0)
    return messages(safety.prove(KERNEL, handled, folder)[0])


def field(name: str) -> int:
    """Offset in struct hv_cpu."""
    return KERNEL.layout.families[f"sched.cpus.{name}"].offset - CPUS.offset


def address(value: int) -> str:
    """Assembly: x9 becomes the address."""
    parts = [f"movk x9, #{value >> at & 0xFFFF}, lsl #{at}" for at in (16, 32, 48)]
    return "\n".join([f"movz x9, #{value & 0xFFFF}", *parts])


def test_its_own_fields_are_a_cores_without_the_lock(tmp_path: Path) -> None:
    code = f"mrs x9, tpidr_el2\nldr x0, [x9, #{field('current')}]\nret"
    assert without_lock(code, tmp_path) == ""


@pytest.mark.parametrize("text, name", [
    (f"mrs x9, tpidr_el2\nldr x0, [x9, #{field('doomed')}]\nret", "sched.cpus.doomed"),
    (f"{address(CPUS.base + CPUS.offset)}\nldr x0, [x9]\nret", "sched.cpus.doomed"),
    (f"{address(KERNEL.image.symbols['procs'].address)}\nldr x0, [x9]\nret", "procs.state"),
    (f"{address(KERNEL.image.symbols['pages'].address + 4096)}\nstr xzr, [x9]\nret", "pages"),
    (f"{address(UART)}\nldr w0, [x9, #0x18]\nret", "uart"),
])
def test_what_others_write_is_noticed(text: str, name: str, tmp_path: Path) -> None:
    assert f"lock: {name} is " in without_lock(text, tmp_path)


@pytest.mark.parametrize("way", ["br x9", "blr x9\nret"])
def test_a_jump_to_where_no_instruction_is_fails(way: str, tmp_path: Path) -> None:
    assert "reachable: " in without_lock(f"mov x9, #0\n{way}", tmp_path)
