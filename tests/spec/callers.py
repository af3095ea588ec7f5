# SPDX-License-Identifier: MIT
"""Random hypercalls, most of them with arguments that have a chance to succeed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from checker import ENTRIES
from constants import parameters
from machine import INTERRUPTS, Machine
from spec import descriptor as d
from spec.transition import Reader, Refused, Transition
from spec.vocabulary import device_at

RARE = {"kill": 0.1, "power_off": 0.02, "reset": 0.02, "self": 0.02, "set_name": 0.02,
        "yield": 0.3, "set_affinity": 0.3, "set_recv_slot": 0.3,
        "set_entry": 0.1, "unmap_frame": 0.5, "free_frame": 0.5, "free_l1": 0.3,
        "free_l2": 0.3, "free_l3": 0.3, "grant_file": 0.5, "grant_pid": 0.5,
        "console_write": 0.1, "seek": 0.1,
        "switch_to": 0.5, "unmap_view": 0.3, "close": 0.3, "clone": 4.0, "create": 2.5,
        "set_runnable": 1.0, "transfer": 3.0, "recv": 3.0, "call": 3.0, "send": 2.0,
        "reply": 3.0, "reply_wait": 4.0,
        "wait": 0.15, "alloc_frame": 1.5, "reparent": 2.0, "reap": 2.0, "reclaim_page": 4.0,
        "revoke_file": 2.0, "revoke_pid": 2.0, "unmap_device": 0.7,
        "enable_vgic": 0.3, "alloc_irq": 2.0, "free_irq": 0.5, "revoke_irq": 2.0}
WANTED_STATE = {"clone": "HV_PROC_UNUSED", "grant_pid": "HV_PROC_UNUSED",
                "set_entry": "HV_PROC_EMBRYO", "set_runnable": "HV_PROC_EMBRYO",
                "transfer": "HV_PROC_EMBRYO", "reap": "HV_PROC_ZOMBIE",
                "close": "HV_PROC_ZOMBIE", "kill": "HV_PROC_LIVE"}
WILD = (0, 1, 2, 3, 63, 64, 510, 511, 512, 2 ** 32, 2 ** 63, 2 ** 64 - 1)


class Accepted(Exception):
    """A call has got past its guards."""


class Probe(Transition):
    """Stops at the first write."""

    def set(self, name: str, key: tuple[int, ...], value: int) -> None:
        raise Accepted

    def zero_page(self, page: int) -> None:
        raise Accepted

    def copy_page(self, to: int, source: int) -> None:
        raise Accepted


class Caller:
    """Chooses what the current process calls."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self.m, self.c = machine, machine.c
        self.random = random.Random(seed)
        self.parameters = parameters()
        self.names = list(self.parameters)
        self.weights = [RARE.get(name, 1.0) for name in self.names]
        choices: dict[str, Callable[[], int]] = {
            "index": lambda: self.pick(ENTRIES), "perm": lambda: self.random.randrange(17),
            "rights": lambda: self.pick((1, 2, 3, 3, 0, 4)),
            "deadline": lambda: self.pick((0, 1, 2 ** 60, *[self.now() + 50] * 5)),
            "cores": lambda: self.pick((1, 2, 5, 0, 256, *[255] * 5)),
            "line": lambda: self.pick(range(self.c.HV_NIRQ + 1)),
            "device": lambda: self.pick(range(self.c.HV_NDEVICE + 1)),
            "file": lambda: self.pick(range(self.c.HV_NFILE + 1)),
            "type": lambda: self.pick((1, 1, 1, 2, 3)), "flags": lambda: self.pick((0, 1, 8, 9)),
            "ctx": self.free_page, "root": self.free_page, "page": self.any_own_page,
            "parcel": lambda: self.own_page(self.c.HV_PAGE_PARCEL),
            "from": lambda: self.random.randrange(self.c.HV_NHANDLE),
            "passed": lambda: self.pick((self.c.HV_NONE, self.handle())),
            "console": lambda: self.pick((self.c.HV_NONE, self.handle())),
            "l0": lambda: self.table(self.c.HV_PAGE_L0),
            "l1": lambda: self.table(self.c.HV_PAGE_L1),
            "l2": lambda: self.table(self.c.HV_PAGE_L2),
            "l3": lambda: self.table(self.c.HV_PAGE_L3),
            "handle": self.handle, "to": lambda: self.random.randrange(self.c.HV_NHANDLE + 1),
            "pid": self.pid, "child": self.child,
        }
        self.choices = choices

    def now(self) -> int:
        """The counter."""
        return self.m.state.get("sys.cntpct_el0")

    def pick(self, values: Iterable[int]) -> int:
        """One of them; 0 if there is none."""
        values = tuple(values)
        return self.random.choice(values) if values else 0

    def children(self, *states: int) -> list[int]:
        """Children of the caller's in one of these states."""
        get = self.m.state.get
        return [p for p in range(1, self.c.HV_NPROC) if get("procs.ppid", p) == self.m.current
                and get("procs.state", p) in states]

    def endpoint(self) -> int:
        """A handle of the caller's to an endpoint."""
        get = self.m.state.get
        return self.pick(h for h in range(self.c.HV_NHANDLE) if get(
            "files.type", get("handles.file", self.m.current, h)) == self.c.HV_FILE_ENDPOINT)

    def is_stuck(self) -> bool:
        """Nobody runs, and no deadline or key would change that."""
        get = self.m.state.get
        file = self.c.HV_FILE_CONSOLE_INDEX
        return (self.m.is_waiting and get("timer_tree", 1) == 2 ** 64 - 1
                and not get("files.receivers.word", file, 0)
                and not get("files.senders.word", file, 0))

    def child(self) -> int:
        """A child of the caller's, or any pid."""
        pids = self.children(*range(4))
        return self.pick(pids) if pids and self.random.random() < 0.8 else self.pid()

    def pid(self) -> int:
        """Any pid, the caller, or one that waits for its reply."""
        self_, p = self.m.current, self.random.random()
        callers = [q for q in range(1, self.c.HV_NPROC)
                   if self.m.state.get("procs.callers.word", self_, 0) >> q & 1]
        if p < 0.3 and callers:
            return self.pick(callers)
        return self_ if p < 0.5 else self.random.randrange(self.c.HV_NPROC)

    def pages(self, owner: int, *kinds: int) -> list[int]:
        """Pages of that owner of these types."""
        get = self.m.state.get
        return [q for q in range(self.c.HV_NPAGE) if get("page_descs.owner", q) == owner
                and (not kinds or get("page_descs.type", q) in kinds)]

    def own_page(self, kind: int) -> int:
        """A page of the caller's."""
        return self.pick(self.pages(self.m.current, kind))

    def free_page(self) -> int:
        """A free page of the caller's."""
        return self.own_page(self.c.HV_PAGE_FREE)

    def any_own_page(self) -> int:
        """Free, parcel, of a dead child, none, or any."""
        way = self.random.random()
        if way < 0.5:
            return self.free_page()
        if way < 0.7:
            return self.own_page(self.c.HV_PAGE_PARCEL)
        return self.pick(self.pages(self.child())) if way < 0.9 else 0

    def handle(self) -> int:
        """A handle in use, or any."""
        used = [h for h in range(self.c.HV_NHANDLE)
                if self.m.state.get("handles.file", self.m.current, h)]
        return self.pick(used if used and self.random.random() < 0.8
                         else range(self.c.HV_NHANDLE + 1))

    def table(self, kind: int) -> int:
        """A table of the caller's or of a child's."""
        owner = self.m.current if self.random.random() < 0.6 else self.child()
        return self.pick(self.pages(owner, kind))

    def _consistent(self, args: dict[str, int]) -> dict[str, int]:
        """The pid becomes the owner of the table, the frame what the entry names."""
        get = self.m.state.get
        table = next((args[n] for n in ("l0", "l1", "l2", "l3") if n in args), 0)
        if table and self.random.random() < 0.9:
            args["pid"] = get("page_descs.owner", table)
            held = [i for i in ENTRIES if get("pages", table, i) & d.VALID]
            if held and ("frame" in args or "table" in args):
                args["index"] = self.pick(held)
            entry = get("pages", table, args["index"])
            for name in ("frame", "table"):
                if name in args:
                    args[name] = d.page_at(self.m.state, entry)
            if "device" in args:
                self._consistent_device(args, held)
        return args

    def _consistent_device(self, args: dict[str, int], held: list[int]) -> None:
        """What the entry holds, or to be mapped: one of the owner of the table."""
        get, table = self.m.state.get, args["l3"]
        if "perm" in args:
            args["perm"] &= self.c.HV_PERM_W | self.c.HV_PERM_EL0
            args["device"] = self.pick(x for x in range(self.c.HV_NDEVICE)
                                       if get("devices.owner", x) == args["pid"])
        elif held:
            args["index"] = self.pick(held)
            args["device"] = device_at(Reader(self.c, self.m.state),
                                       get("pages", table, args["index"]))

    def succeeds(self, name: str, args: tuple[int, ...]) -> bool:
        """The call would get past its guards."""
        try:
            self.m.specs[name].text(Probe(self.c, self.m.state), *args)
        except Refused:
            return False
        except Accepted:
            pass
        return True

    def next_call(self) -> tuple[str, tuple[int, ...]]:
        """A hypercall and its arguments; of twelve, if need be, one that succeeds."""
        tries = 12 if self.random.random() < 0.8 else 1
        for _ in range(tries):
            name, args = self.random_call()
            if self.succeeds(name, args):
                break
        return name, args

    def random_call(self) -> tuple[str, tuple[int, ...]]:
        """A hypercall and its arguments."""
        name = self.random.choices(self.names, self.weights)[0]
        args = {p: self.choices.get(p, lambda: self.pick(WILD))() for p in self.parameters[name]}
        if name in WANTED_STATE and self.random.random() < 0.9:
            args["pid"] = self.pick(self.children(getattr(self.c, WANTED_STATE[name])))
        if name in ("grant_pid", "grant_page", "grant_file", "grant_device",
                    "grant_irq") and self.random.random() < 0.9:
            args["child"] = self.pick(self.children(self.c.HV_PROC_EMBRYO, self.c.HV_PROC_LIVE))
        if name == "reclaim_page" and self.random.random() < 0.9:
            dead = self.children(self.c.HV_PROC_ZOMBIE)
            args["page"] = self.pick(q for p in dead for q in self.pages(p))
        if name == "close" and self.random.random() < 0.5:
            args["pid"] = self.m.current
        if name in ("send", "call", "recv", "reply_wait") and self.random.random() < 0.9:
            args["handle"] = self.endpoint()
        if name == "copy_frame":
            args["from"] = self.own_page(self.c.HV_PAGE_FRAME)
        if name in ("send", "call") and self.random.random() < 0.5:
            args["passed"], args["page"] = self.c.HV_NONE, 0
        if name == "reply_wait" and self.random.random() < 0.5:
            args["passed"] = self.c.HV_NONE
        args = self._consistent(args)
        for parameter in args:
            if self.random.random() < 0.01:
                args[parameter] = self.pick(WILD)
        return name, tuple(args[p] for p in self.parameters[name])

    def warm_up(self) -> None:
        """Init makes two endpoints and four children that hold them, pages and pids."""
        c, do, r = self.c, self.m.hypercall, self.random
        for slot, file in ((1, 3), (2, 4)):
            do("create", slot, file, c.HV_FILE_ENDPOINT, 0)
        for child in (2, 3, 4, 5):
            do("clone", child, *r.sample(self.pages(c.HV_INIT_PID, c.HV_PAGE_FREE), 2))
            for slot in (0, 1, 2):
                do("transfer", child, slot, slot, r.choice((1, 2, 3, 3)))
            for page in r.sample(self.pages(c.HV_INIT_PID, c.HV_PAGE_FREE), 4):
                do("grant_page", child, page)
            do("set_runnable", child)
        do("grant_pid", 3, 6)
        do("grant_file", 3, 5)
        do("grant_device", 3, 2)
        do("grant_irq", 3, 3)
        do("enable_vgic")

    def step(self) -> str:
        """One call, interrupt or trap; what it was and how it went."""
        m, r = self.m, self.random
        m.switch(r.randrange(self.c.HV_NCPU))
        m.state.set("sys.cntpct_el0", (), self.now() + r.randrange(5))
        for name in ("uart.tx_full", "uart.rx_empty"):
            m.state.set(name, (), int(r.random() < 0.2))
        m.state.set("uart.rx_byte", (), r.choice((3, 65, 66)))
        m.state.set("vgic.elrsr", (), r.randrange(16))
        for k in range(self.c.HV_NLR):
            m.state.set("vgic.lr", (k,), r.randrange(4) << 62)
        if m.current == 0 or r.random() < 0.08:
            m.state.set("sys.cntpct_el0", (), self.now() + r.choice((0, 20, 120)))
            m.state.set("sys.cntvct_el0", (), self.now())
            m.state.set("sys.cntv_ctl_el0", (), 1)
            m.state.set("sys.cntv_cval_el0", (), self.now() + r.randrange(-5, 50))
            traps = ("trap_wfi",) if m.current else ()
            more = m.state.get("sched.cpus.more", m.state.get("sys.cpu"))
            if m.current and not more & self.c.HV_CPU_FP:
                traps += ("trap_fp",)
            name = r.choice(("timer_interrupt", "timer_interrupt", *INTERRUPTS, *traps))
            if m.current and r.random() < 0.01:
                name = "trap_stop"
            m.interrupt(name)
            return name
        name, args = self.next_call()
        return f"{name}{args} {m.hypercall(name, *args).case}"
