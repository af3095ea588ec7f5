#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A process schedules its own EL0 threads by its own timer, and the kernel has no part in it."""

import sys
from collections import Counter as Tally
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from gdbstub import Counter, StubError, stopped  # noqa: E402
from harness import BUILD, Suite, main  # noqa: E402
from program import Program  # noqa: E402
from qemu import Guest, Machine  # noqa: E402

suite = Suite("user/threads")

PC = 32
BEGIN, END = 0x7468726561640001, 0x7468726561640002     # what threads_mark() is called with
SYNC, IRQ = 0x400, 0x480        # offsets of el2_vectors: from a lower level, AArch64


def set_break(counter: Counter, address: int, is_set: bool = True) -> None:
    if counter.ask(f"{'Z' if is_set else 'z'}1,{address:x},4") != "OK":
        raise StubError(f"no breakpoint at {address:#x}")


def go_on(counter: Counter) -> None:
    """From one breakpoint to the next."""
    counter.go("s")
    counter.go()


def run_to_mark(counter: Counter, mark: int) -> None:
    """To where the scheduler begins: another program may have code at that address."""
    set_break(counter, mark)
    counter.go()
    while counter.register(0) != BEGIN:
        go_on(counter)


def entries(counter: Counter, mark: int, places: dict[int, str]) -> Tally[str]:
    """Which places were come to, and how often, until the scheduler ends."""
    seen: Tally[str] = Tally()
    for address in places:
        set_break(counter, address)
    while True:
        go_on(counter)
        pc = counter.register(PC)
        if pc == mark and counter.register(0) == END:
            return seen
        seen[places.get(pc, "?")] += 1


@suite.test
def the_kernel_is_entered_by_interrupts_alone() -> None:
    """No hypercall, no WFI, no trapped register: the first use of FP registers traps, since
    they are loaded only then, and nothing else does."""
    machine = Machine("threads steady", icount=True).argv()
    argv = ["qemu-system-aarch64", *machine[:machine.index("-chardev")],
            "-kernel", str(BUILD / "hv8.img"), "-initrd", str(BUILD / "initrd.cpio"),
            "-icount", "shift=0"]
    kernel = Program(BUILD / "hv8.elf")
    vectors = kernel.address("el2_vectors")
    places = {vectors + SYNC: "trap", vectors + IRQ: "interrupt",
              kernel.address("context_load_fp"): "FP registers",
              kernel.address("irq_timer"): "own timer"}
    mark = Program(BUILD / "user/bin/threads").address("threads_mark")
    with stopped(argv, 120, b"threads 60000\nhalt\n") as counter:
        run_to_mark(counter, mark)
        seen = entries(counter, mark, places)
    assert seen["trap"] == seen["FP registers"] <= 1, seen
    assert seen["own timer"] >= 20, seen
    assert seen["interrupt"] > seen["own timer"], seen     # the kernel's tick, too


@suite.matrix(gic=["3", "2"], cpu=["cortex-a53", "max"])
def threads_get_their_results(gic: str, cpu: str) -> None:
    with Guest(Machine(f"threads gic={gic} cpu={cpu}", cpu=cpu, gic=gic)) as guest:
        guest.prompt()
        text = guest.shell("threads")
        assert "threads: all as expected" in text, text
        # two tables would be mixed within their lines, and so may be these two lines
        one = "threads 5000 | grep expected"
        job, _, text = guest.shell(f"{one} & {one}; wait").partition("\n")
        assert job.startswith("[1]"), job
        letters = sorted("".join(text.split()))
        assert letters == sorted(2 * "threads:allasexpected"), text
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
