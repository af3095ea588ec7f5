# SPDX-License-Identifier: MIT
"""Every handler on the running kernel: the instructions from its entry to its return, step by
step, which is what theorem T8 bounds.

The guest runs programs that call everything; at each entry of a handler, and at each return
of one, it is stopped. A call that failed counts as well; of each hypercall some that succeeded
are waited for.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from gdbstub import Counter, StubError, stopped
from program import Program

ROOT = Path(__file__).resolve().parent.parent
PC, LINK, RESULT = 32, 30, 0
LIMIT = 10000       # instructions of a handler, far above any bound
ENOUGH = 2          # successes of a hypercall, then it is not stopped at any more,
CALLS = re.compile(r"^HC\d\(\d+, (\w+),", re.M)
# What is typed: these call every hypercall.
KEYS = b"""usertests ipc_sender_first ipc_call_and_reply ipc_reply_wait_serves recv_hears_of_a_death
usertests ipc_parcels_caller_first ipc_handle_sender_first reparent_a_living_orphan
usertests ipc_deadline_of_reply_wait errors_reply_wait
usertests alloc_table_zeroes parcel_keeps_content view_can_be_dropped switch_to_runs_it_now \
affinity_is_inherited
usertests errors_seek errors_free_l1 errors_free_l2 errors_free_l3 errors_free_parcel
usertests errors_enable_vgic errors_alloc_irq errors_free_irq errors_grant_irq errors_revoke_irq
usertests errors_map_device errors_unmap_device errors_grant_device errors_revoke_device
ps
halt
"""
# Their success is to wait: when the handler returns x0 has the error of being woken otherwise.
WAITING = ("call", "reply_wait")
WAITS = 40          # calls of these that are counted
# No return to count to: the machine is off, or starts again.
ENDLESS = ("power_off", "reset")


@dataclass
class Handler:
    """What was counted of one: `longest` of any call, of so many `calls`, `successes` had a
    result >= 0."""

    name: str
    longest: int = 0
    successes: int = 0
    calls: int = 0


def hypercalls() -> list[str]:
    return CALLS.findall((ROOT / "include/uapi/hypercall.def").read_text())


def exceeded(handlers: list[Handler], bounds: dict[str, int]) -> list[str]:
    """A line for each that took more than is proved of it, or of which no success was seen."""
    lines = [f"hc_{h.name} takes {h.longest} instructions, and at most {bounds[h.name]} are proved"
             for h in handlers if h.longest > bounds[h.name]]
    return lines + [f"hc_{h.name}: no success in {h.calls} calls" for h in handlers
                    if not h.successes and not (h.calls and h.name in WAITING)]


@dataclass
class Run:
    """One run of the machine; `handlers` by the address of their entry."""

    counter: Counter
    handlers: dict[int, Handler]
    end: int
    open: set[int] = field(default_factory=set)

    def stop_at(self, address: int, is_set: bool = True) -> None:
        if self.counter.ask(f"{'Z' if is_set else 'z'}1,{address:x},4") != "OK":
            raise StubError(f"no breakpoint at {address:#x}")

    def measure(self) -> None:
        """Until the machine is to be switched off, or everything was seen often enough."""
        self.open = {*self.handlers, self.end}
        for address in self.open:
            self.stop_at(address)
        while self.open != {self.end}:
            self.counter.go()
            entry = self.counter.register(PC)
            if entry == self.end:
                return
            self._call(entry)

    def _call(self, entry: int) -> None:
        """From a handler's entry to its return: interrupts are masked, so it is on its own."""
        handler, back = self.handlers[entry], self.counter.register(LINK)
        self.stop_at(entry, False)
        count, pc = 0, entry
        while pc != back:
            self.counter.go("s")
            before, pc = pc, self.counter.register(PC)
            count += pc != before       # QEMU may have done a device's work instead
            if count > LIMIT:
                raise StubError(f"{handler.name} does not return to {back:#x}")
        handler.longest = max(handler.longest, count)
        handler.successes += self.counter.register(RESULT) >> 63 == 0
        handler.calls += 1
        is_seen = handler.calls >= WAITS if handler.name in WAITING else \
            handler.successes >= ENOUGH
        if not is_seen:
            self.stop_at(entry)
        else:
            self.open.remove(entry)


def measured(machine: list[str], kernel: Path) -> list[Handler]:
    """Of every hypercall that returns, in the order of the table."""
    program = Program(kernel)
    entries = {name: program.address(f"hc_{name}") for name in hypercalls()}
    handlers = {entries[name]: Handler(name) for name in entries if name not in ENDLESS}
    with stopped(machine, 120, KEYS) as counter:
        Run(counter, handlers, entries["power_off"]).measure()
    return list(handlers.values())
