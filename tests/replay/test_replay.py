#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The running kernel beside the specification, for a few thousand hypercalls; and that a
difference on either side is seen. `make replay` goes on for a hundred thousand.

HV8_REPLAY_SEED is the seed, HV8_REPLAY_COUNT the number of hypercalls.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[n]) for n in (1, 2)]

import spec  # noqa: E402
from harness import Suite, main  # noqa: E402
from replay.compare import Mismatch  # noqa: E402
from replay.main import run  # noqa: E402
from replay.replayer import Replayer  # noqa: E402
from spec.transition import Spec, Transition  # noqa: E402
from spec.words import Word  # noqa: E402

suite = Suite("replay/replay")
SEED = int(os.environ.get("HV8_REPLAY_SEED", "1"))
COUNT = int(os.environ.get("HV8_REPLAY_COUNT", "6000"))


def expect_mismatch(about: str, **options: object) -> None:
    """A run that fails, with a difference whose name begins like this, or a title that has it."""
    try:
        run(COUNT, SEED, ["ps", "ps", "ps", "halt"], **options)
    except Mismatch as mismatch:
        assert about in mismatch.title or \
            any(row.what.startswith(about) for row in mismatch.rows), mismatch
    else:
        raise AssertionError(f"nothing was noticed of {about}")


@suite.test
def programs_and_random_calls() -> None:
    print(f"replay: seed {SEED}")
    done = run(COUNT, SEED, ["cat planets.txt | wc", f"fuzz {SEED} 1000000000"])
    assert done.calls >= COUNT, done.calls
    errors = {(name, case) for name, case in done.cases if case.startswith("error ")}
    assert len(errors) >= 60, f"fuzz has hardly begun: {errors}"
    assert any(name == "enable_vgic" and not case.startswith("error ")
               for name, case in done.cases)


@suite.test
def wrong_specification_is_noticed() -> None:
    """One that writes a word too many where a page is granted."""
    right = spec.transition("grant_page").text

    def grant_page(t: Transition, child: Word, page: Word) -> Word:
        result = right(t, child, page)
        t.set("page_descs.count", (page,), 1)
        return result

    expect_mismatch("page_descs.count", instead={"grant_page": Spec("grant_page", grant_page)})


@suite.test
def wrong_write_of_the_interrupt_controller_is_noticed() -> None:
    """A specification of interrupts that ends none."""
    right = spec.transition("trap_irq").text

    def trap_irq(t: Transition) -> Word:
        result = right(t)
        t.events[:] = [event for event in t.events if event[0] != "gic_deactivate"]
        return result

    expect_mismatch("into the interrupt controller", instead={
        "trap_irq": Spec("trap_irq", trap_irq)})


@suite.test
def changed_memory_is_noticed() -> None:
    """A bit of a table changes while no transition writes it."""
    def flip(replayer: Replayer) -> None:
        if replayer.calls == 100:
            at = 8 * replayer.state.places["files.value"].word((200,))
            replayer.guest.ram[at] ^= 1

    expect_mismatch("files.value", watch=flip)


if __name__ == "__main__":
    sys.exit(main([suite]))
