# SPDX-License-Identifier: MIT
"""The lock (pytest): each fault planted in its machine code makes the row fail that must, and so
does each planted in its steps; random runs of the steps on numbers. HV8_LOCK_SEED repeats one."""
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from snippets import KERNEL, assembled  # noqa: E402
from spec import lock as text  # noqa: E402
from spec.words import IntOps, Ops, Word  # noqa: E402
from verif import lock, tickets, world  # noqa: E402
from verif.result import Row  # noqa: E402
from verif.target import Target  # noqa: E402

O = IntOps()
SEED = int(os.environ.get("HV8_LOCK_SEED", random.SystemRandom().randrange(1 << 32)))
CORES = 8
RUNS, STEPS = 40, 400
TWO = SimpleNamespace(HV_NCPU=2)


# ---- machine code --------------------------------------------------------------------------

NO_STEP = "no step of a lock"
EARLY = "returns before its ticket is served"
# Copies, and what makes them.
MACROS = {"lock_take_full": "take_lock_here", "lock_take_call": "take_lock_here",
          "lock_wait_full": "wait_for_lock_here", "lock_wait_reply": "wait_for_lock_here",
          "lock_drop_exchange": "drop_lock_here", "lock_drop_call": "drop_lock_here"}
# Routine, instruction, what it becomes; theorem, and what its row says.
FAULTS = (
    ("lock_take_full", "ldaxr", "ldxr w10, [x9]", "T1", NO_STEP),
    ("lock_take_full", "add\tw11", "add w11, w10, #1", "T1", "not that of a ticket taken"),
    ("lock_take_full", "eor", "eor w12, w11, w11, ror #16", "T1", EARLY),
    ("lock_take_full", "cbnz\tw12, \\wait", "nop", "T1", EARLY),
    ("lock_take_full", "adrp", "adrp x9, .+4096", "T1", "x9 is not the lock's address"),
    ("lock_wait_full", "lsr", "mov w11, w10", "T1", "x11 is not the ticket"),
    ("lock_wait_full", "sevl", "nop", "T1", NO_STEP),
    ("lock_wait_full", "cmp", "cmp w12, w12", "T1", EARLY),
    ("lock_wait_full", "b.ne", "nop", "T1", NO_STEP),
    ("lock_drop_exchange", "add", "add w10, w10, #2", "T1", "not the following ticket"),
    ("lock_drop_exchange", "stlrh", "strh w10, [x9]", "T1", NO_STEP),
    ("lock_drop_exchange", "add", "add w20, w10, #1", "T2", "x20 is not kept"),
    ("lock_take_call", "ldaxr", "ldxr w10, [x9]", "T1", NO_STEP),
    ("lock_wait_reply", "sevl", "nop", "T1", NO_STEP),
    ("lock_drop_call", "stlrh", "strh w10, [x9]", "T1", NO_STEP),
    ("lock_take", "ldaxr\tw10", "ldxr w10, [x9]", "T1", NO_STEP),
    ("lock_take", "ldaxr\tw10", "ldar w10, [x9]", "T1", NO_STEP),
    ("lock_take", "add\tw11", "add w11, w10, #1", "T1", "not that of a ticket taken"),
    ("lock_take", "add\tw11", "add w11, w10, #0x20000", "T1", "not that of a ticket taken"),
    ("lock_take", "stxr", "str w11, [x9]", "T1", NO_STEP),
    ("lock_take", "stxr", "stlr w11, [x9]", "T1", NO_STEP),
    ("lock_take", "stxr", "stxrh w12, w11, [x9]", "T1", NO_STEP),
    ("lock_take", "cbnz\tw12", "nop", "T1", "whether the store succeeded or not"),
    ("lock_take", "cbnz\tw12", "cbz w12, .-12", "T1", "returns though the store failed"),
    ("lock_take", "cbnz\tw12", "cbnz w12, .+4", "T1", "whether the store succeeded or not"),
    ("lock_take", "eor", "eor w12, w10, w10, ror #8", "T1", "waits though its ticket is served"),
    ("lock_take", "eor", "eor w12, w11, w11, ror #16", "T1", EARLY),
    ("lock_take", "ret", "nop", "T1", "waits though its ticket is served"),
    ("lock_take", "lsr", "lsr w11, w11, #16", "T1", "x11 is not the ticket"),
    ("lock_take", "lsr", "mov w11, w10", "T1", "x11 is not the ticket"),
    ("lock_take", "sevl", "nop", "T1", NO_STEP),
    ("lock_take", "sevl", "wfe", "T1", NO_STEP),
    ("lock_take", "ldaxrh", "ldxrh w12, [x9]", "T1", NO_STEP),
    ("lock_take", "ldaxrh", "ldarh w12, [x9]", "T1", NO_STEP),
    ("lock_take", "ldaxrh", "ldaxr w12, [x9]", "T1", NO_STEP),
    ("lock_take", "cmp", "cmp w12, w10", "T1", EARLY),
    ("lock_take", "cmp", "cmp w12, w12", "T1", EARLY),
    ("lock_take", "b.ne", "b.eq .-12", "T1", EARLY),
    ("lock_take", "b.ne", "b.lo .-12", "T1", EARLY),
    ("lock_take", "b.ne", "nop", "T1", NO_STEP),
    ("lock_take", "b.ne", "b.ne .-48", "T1", NO_STEP),
    ("lock_take", "adrp", "adrp x9, .+4096", "T1", "x9 is not the lock's address"),
    ("lock_take", "eor", "eor w13, w10, w10, ror #16", "T2", "x13 is not kept"),
    ("lock_take", "sevl", "sub sp, sp, #16", "T2", "x31 is not kept"),
    ("lock_take", "sevl", "stp x29, x30, [sp, #-16]", "T2", "uses the stack"),
    ("lock_take", "sevl", "str x0, [x0]", "T2", "lies in no object"),
    ("lock_take", "sevl", "msr ttbr0_el1, x0", "T2", "writes ttbr0_el1"),
    ("lock_drop", "ldrh", "ldr w10, [x9]", "T1", NO_STEP),
    ("lock_drop", "add", "add w10, w10, #2", "T1", "not the following ticket"),
    ("lock_drop", "add", "sub w10, w10, #1", "T1", "not the following ticket"),
    ("lock_drop", "stlrh", "strh w10, [x9]", "T1", NO_STEP),
    ("lock_drop", "stlrh", "stlr w10, [x9]", "T1", NO_STEP),
    ("lock_drop", "stlrh", "nop", "T1", NO_STEP),
    ("lock_drop", "stlrh", "stxrh w12, w10, [x9]", "T1", NO_STEP),
    ("lock_drop", "ret", "b .", "T1", "does not return"),
    ("lock_drop", "add", "add w30, w10, #1", "T2", "jump to"),
)


def listed(routine: str) -> Iterator[tuple[int, str]]:
    """Address and text of each instruction of the routine, of which one is on a line: in lock.S,
    or in a macro if it is a copy."""
    name, begin, end = ("lock.S", f"\n{routine}:\n", f"\t.size\t{routine}")
    if routine in MACROS:
        name, begin, end = "context_asm.h", f".macro {MACROS[routine]} ", "end_routine"
    lines = (HERE.parents[1] / "kernel" / name).read_text().split(begin)[1]
    if routine in MACROS:
        lines = lines.split("\nroutine \\name\n")[1]
    address = KERNEL.image.function(routine).address
    for line in lines.split(end)[0].splitlines():
        yield address, line.partition("\t")[2]
        address += 4


def planted(routine: str, instruction: str, new: str) -> Target:
    """The kernel in which the first such instruction is another."""
    at = next(address for address, line in listed(routine) if line.startswith(instruction))
    word, image = assembled(new), KERNEL.image
    assert len(word) == 4 and image.word(at) != int.from_bytes(word, "little")
    segments = tuple(
        replace(s, data=s.data[:at - s.base] + word + s.data[at - s.base + 4:])
        if s.holds(at, 4) else s for s in image.segments)
    return replace(KERNEL, image=replace(image, segments=segments))


def messages(rows: list[Row], theorem: str) -> str:
    return "\n".join(f.what for r in rows if r.theorem == theorem for f in r.failures)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0]}: {f[2]} ({f[1]})")
def test_a_fault_is_noticed(fault: tuple[str, str, str, str, str], tmp_path: Path) -> None:
    routine, instruction, new, theorem, message = fault
    rows = lock.prove(planted(routine, instruction, new), ("T1", "T2"), tmp_path)
    assert message in messages(rows, theorem), (messages(rows, "T1"), messages(rows, "T2"))


def test_the_lock_as_it_is(tmp_path: Path) -> None:
    rows = lock.prove(KERNEL, ("T1", "T2", "T8"), tmp_path)
    assert [r.theorem for r in rows if r.passed] == ["T1", "T2", "T8"], rows
    assert lock.costs(KERNEL) == {name: int(rows[2].fact(name)) for name in world.LOCK}


def test_the_word_is_the_locks_alone() -> None:
    word = KERNEL.image.symbols["kernel_lock"]
    for wrong in (replace(word, size=8), replace(word, address=word.address + 2),
                  replace(word, address=KERNEL.image.symbols["sched"].address)):
        image = replace(KERNEL.image, symbols={**KERNEL.image.symbols, "kernel_lock": wrong})
        with pytest.raises(lock.ImageError, match="kernel_lock"):
            lock.word_of(replace(KERNEL, image=image))


# ---- the steps, on terms -------------------------------------------------------------------




def _drop_stays(o: Ops, word: Word, core: text.Core) -> text.Done:
    return replace(core, place=text.OUT), word & (text.WHOLE ^ text.HALF) | core.seen


def _drop_carries(o: Ops, word: Word, core: text.Core) -> text.Done:
    return replace(core, place=text.OUT), o.add(word, 1) & text.WHOLE


def _drop_by_who_waits(o: Ops, word: Word, core: text.Core) -> text.Done:
    return text.drop(o, word, replace(core, seen=text.served(word)))


def _takes_two(o: Ops, word: Word, core: text.Core) -> text.Done:
    new, after = text.take(o, word, core)
    return new, text.taken(o, after)


def _has_at_once(o: Ops, word: Word, core: text.Core) -> text.Done:
    new, after = text.take(o, word, core)
    return replace(new, place=text.HOLDING), after


def _fresh_word(o: Ops, word: Word, core: text.Core) -> text.Done:
    """Takes the ticket of what is there, and not of what was read: as if it were atomic."""
    return text.take(o, word, replace(core, seen=word))


def _has_any(o: Ops, word: Word, core: text.Core) -> text.Done:
    return replace(core, place=text.HOLDING), None


WRONG = {
    "a drop that changes nothing": ("drop", text.Step(text.LEAVING, _drop_stays)),
    "a drop that carries into the other half": ("drop", text.Step(text.LEAVING, _drop_carries)),
    "a drop by who waits": ("drop", text.Step(text.WAITING, _drop_by_who_waits)),
    "a store that always succeeds": ("take", text.Step(text.MARKED, text.take)),
    "two tickets": ("take", text.Step(text.MARKED, _takes_two, True)),
    "a lock that is had at once": ("take", text.Step(text.MARKED, _has_at_once, True)),
    "a look that is always lucky": ("look", text.Step(text.WAITING, _has_any)),
    "a step that nobody may do": ("look", text.Step(17, text.look)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_step_is_noticed(name: str, tmp_path: Path) -> None:
    step, wrong = WRONG[name]
    with patch.dict(text.STEPS, {step: wrong}):
        row = tickets.prove_invariants(TWO, tmp_path)
    assert not row.passed and any(step in f.what for f in row.failures), row.failures


def test_order_is_noticed(tmp_path: Path) -> None:
    """Two drops at once bring who waits nearer by two."""
    def twice(o: Ops, word: Word, core: text.Core) -> text.Done:
        return text.drop(o, word, replace(core, seen=text.following(o, core.seen)))
    assert tickets.prove_order(TWO, tmp_path).passed
    with patch.dict(text.STEPS, {"drop": text.Step(text.LEAVING, twice)}):
        row = tickets.prove_order(TWO, tmp_path)
    assert "not so of drop: each drop, and nothing else" in messages([row], "T9"), row.failures


def test_an_atomic_take_is_as_good(tmp_path: Path) -> None:
    """What was read is what is there: the proof does not rest on which of them is stored."""
    with patch.dict(text.STEPS, {"take": text.Step(text.MARKED, _fresh_word, True)}):
        assert tickets.prove_invariants(TWO, tmp_path).passed


# ---- the steps, on numbers -----------------------------------------------------------------


def run(rng: random.Random, number: int) -> Iterator[tuple[str, int, text.Lock, text.Lock]]:
    """Steps of any core that may be done; the tickets begin near the last one, or anywhere."""
    half = rng.choice((0, 5, text.HALF - 3, rng.getrandbits(16)))
    now = replace(text.first(number), word=half << 16 | half)
    for _ in range(STEPS):
        at = rng.randrange(number)
        name = rng.choice([n for n in text.STEPS if text.step(O, n, now, at)[0]])
        _, after = text.step(O, name, now, at)
        yield name, at, now, after
        now = after


def test_random_runs() -> None:
    print(f"HV8_LOCK_SEED={SEED}")
    rng, met, full = random.Random(SEED), set(), 0
    for _ in range(RUNS):
        number = rng.randrange(1, CORES + 1)
        for name, at, before, after in run(rng, number):
            wrong = [w for w, truth in text.invariants(O, after).items() if not truth]
            wrong += [w for w, truth in text.order(O, name, before, after, at).items() if not truth]
            assert not wrong and text.is_exclusive(O, after) and text.somebody_is_next(O, after), \
                (SEED, name, at, before, after, wrong)
            met.add(name)
            full += text.tickets(O, after) == number
    assert met == set(text.STEPS) and full, (SEED, met)


def test_in_the_order_of_tickets() -> None:
    """Who takes first has it first."""
    rng = random.Random(SEED)
    for _ in range(RUNS):
        asked: list[int] = []
        had: list[int] = []
        for name, at, before, after in run(rng, CORES):
            asked += [at] * (name == "take")
            had += [at] * (after.cores[at].place == text.HOLDING != before.cores[at].place)
        assert had == asked[:len(had)] and len(had) > 2, (SEED, asked, had)


def test_cores_have_no_numbers() -> None:
    """Proofs are about a step of the first core: what is said does not depend on their order."""
    rng = random.Random(SEED)
    for _ in range(RUNS):
        states = list(run(rng, CORES))
        for name, at, before, after in rng.sample(states, 5):
            places = rng.sample(range(CORES), CORES)
            mixed = [replace(one, cores=tuple(one.cores[p] for p in places))
                     for one in (before, after)]
            _, again = text.step(O, name, mixed[0], places.index(at))
            assert again == mixed[1], SEED
            broken = replace(before, word=rng.getrandbits(32))
            for one, other in ((before, mixed[0]), (broken, replace(mixed[0], word=broken.word))):
                assert text.invariants(O, one) == text.invariants(O, other), SEED
                assert text.order(O, name, one, after, at) == \
                    text.order(O, name, other, mixed[1], places.index(at)), SEED


def test_numbers_go_on_and_on() -> None:
    """A core that takes and drops alone comes round."""
    now, seen = text.first(1), []
    for _ in range(text.HALF + 3):
        for name in ("mark", "take", "load", "drop"):
            may, now = text.step(O, name, now, 0)
            assert may
        seen.append(now.word)
    assert all(b == text.taken(O, a) & ~text.HALF | text.following(O, a & text.HALF)
               for a, b in pairwise(seen)) and len(set(seen)) == text.HALF + 1
