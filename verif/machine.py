# SPDX-License-Identifier: MIT
"""One core on one path: registers, flags, stack, state, events, and what must be proved of it."""
from dataclasses import dataclass, field

import z3
from spec.isolation import OWN

from .devices import device_name, register_name
from .errors import StuckPath, UnmodelledError
from .flags import Bool, Flags, as_term, fold, fresh, negate
from .image import Symbol
from .layout import Place, describe, recover
from .lin import Lin, bv, const, extend, lift, low32, signed, symbol, trailing_zeros
from .memory import CellWrite, Memory, PageZero, base_read
from .naming import TRAILING
from .world import DEVICE, LOCK_DROP, LOCK_TAKE, Decision, Event, Frame, Obligation, Window, World

STACK_TOP, CPU = "sp0", "sys.cpu"
# How a path may end besides by its return, or by a cut, which has a name of its own.
RETURN, ERET, WAIT, HYPERCALL = "return", "eret", "wfi", "hypercall"
ISB, PAR_WRITE = "isb", "msr par_el1"
CONTEXT, PAGE = "sched.cpus.ctx", 4096
# Registers that change by themselves: each read is a new value.
VOLATILE = frozenset({"cntpct_el0", "cntvct_el0", "icc_iar1_el1", "ich_elrsr_el2", "ich_vmcr_el2",
                      "ich_ap1r0_el2", "ich_lr0_el2", "ich_lr1_el2", "ich_lr2_el2",
                      "ich_lr3_el2"})
# Tables whose writes have a place in the order that T6 is about (order.py).
ORDERED = frozenset({"pages", "page_descs.type", "page_descs.owner", "procs.state", "procs.root",
                     "devices.state", "devices.owner"})
# SMC Calling Convention (DEN 0028), 2.5: x0..x3 are results, x4..x17 may be lost.
SMC_CLOBBERS = range(18)


@dataclass
class Path:
    """The state of one path; implements isa.cpu.Cpu."""

    world: World
    pc: int
    regs: list[Lin]
    flags: Flags
    memory: Memory
    quads: list[tuple[Lin, Lin]]
    system: dict[str, Lin]
    stack: dict[tuple[int, int], Lin] = field(default_factory=dict)
    given: list[z3.BoolRef] = field(default_factory=list)
    given_ids: set[int] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    count: int = 0
    lowest: int = 0
    next: int | None = None
    split: tuple[z3.BoolRef, int] | None = None
    finished: str = ""

    def fork(self) -> "Path":
        """An independent copy."""
        return Path(self.world, self.pc, list(self.regs), self.flags, self.memory.fork(),
                    list(self.quads), dict(self.system), dict(self.stack), list(self.given),
                    set(self.given_ids), list(self.events), list(self.decisions),
                    [Frame(f.back, set(f.visited), f.marks) for f in self.frames], self.count,
                    self.lowest, None, None, self.finished)

    # ---- registers ----

    def get(self, number: int, width: int = 64) -> Lin:
        """See Cpu."""
        value = const(0) if number == 31 else self.regs[number]
        return value if width == 64 else low32(value)

    def put(self, number: int, value: Lin, width: int = 64) -> None:
        """See Cpu."""
        if number != 31:
            kept = value if width == 64 else low32(value)
            named = self.world.symbols.name_choices(kept)
            self.regs[number] = kept if named.same(kept) else named

    def get_sp(self, number: int, width: int = 64) -> Lin:
        """See Cpu."""
        return self.regs[number] if width == 64 else low32(self.regs[number])

    def put_sp(self, number: int, value: Lin, width: int = 64) -> None:
        """See Cpu."""
        self.regs[number] = value if width == 64 else low32(value)
        if number == 31:
            top = self._sp_offset()
            self.lowest = min(self.lowest, top)
            self.stack = {cell: v for cell, v in self.stack.items() if cell[0] + cell[1] > top}

    def get_q(self, number: int) -> tuple[Lin, Lin]:
        """See Cpu."""
        return self.quads[number]

    def put_q(self, number: int, low: Lin, high: Lin) -> None:
        """See Cpu."""
        self.quads[number] = (low, high)

    def trailing_zeros(self, value: z3.BitVecRef) -> Lin:
        """See Cpu."""
        return lift(trailing_zeros(self.world.symbols.name(TRAILING, value)))

    # ---- memory ----

    def _stack_offset(self, address: Lin) -> int | None:
        top = symbol(STACK_TOP)
        return signed(address.const, 64) if address.terms.keys() == top.terms.keys() and \
            address.plus(-address.const).same(top) else None

    def _sp_offset(self) -> int:
        offset = self._stack_offset(self.regs[31])
        if offset is None:
            raise StuckPath(f"SP is {describe(self.regs[31])}")
        return offset

    def require(self, kind: str, goal: Bool, text: str) -> None:
        """Adds an obligation unless it is plainly true or known on this path.

        Once required it counts as known further on: it follows from the path
        condition here, and the condition only grows.
        """
        if goal is True:
            return
        term = as_term(goal)
        if term.get_id() in self.given_ids:
            return
        self.world.obligations.append(Obligation(kind, term, tuple(self.given), self.pc, text))
        self.world.kept.append(term)
        self.given_ids.add(term.get_id())

    def _check_stack(self, offset: int, size: int) -> None:
        if offset % size:
            self.require("aligned", False, f"stack access of {size} bytes at sp0{offset:+d}")
        if offset > -size:
            raise StuckPath(f"stack access at sp0{offset:+d}, above the top")
        self.lowest = min(self.lowest, offset)

    def _load_stack(self, offset: int, size: int) -> Lin:
        self._check_stack(offset, size)
        if offset < self._sp_offset():
            raise StuckPath(f"stack read at sp0{offset:+d}, below SP")
        if (offset, size) in self.stack:
            return self.stack[offset, size]
        for (start, length), value in self.stack.items():
            if start <= offset and offset + size <= start + length:
                low = 8 * (offset - start)
                return extend(z3.Extract(low + 8 * size - 1, low, value.z))
        raise StuckPath(f"stack at sp0{offset:+d} is read before it is written")

    def _store_stack(self, offset: int, value: Lin, size: int) -> None:
        self._check_stack(offset, size)
        for start, length in [k for k in self.stack
                              if k[0] < offset + size and offset < k[0] + k[1]]:
            if not (offset <= start and start + length <= offset + size):
                raise UnmodelledError(f"partial overwrite of a stack cell at {self.pc:#x}")
            del self.stack[start, length]
        kept = value if size == 8 else extend(z3.Extract(8 * size - 1, 0, value.z))
        self.stack[offset, size] = kept

    def _window(self, address: Lin, size: int) -> Window | None:
        """The window that holds that; what is added to its address must stay within it."""
        for window in self.world.windows:
            last = window.size - size
            if window.base <= address.const <= window.base + last:
                if not address.is_const:
                    offset = address.plus(-window.base).z
                    self.require("in bounds", fold(z3.ULE(offset, bv(last))), window.name)
                self.require("aligned", fold(z3.URem(address.z, bv(size)) == 0),
                             f"{window.name} register")
                if window.kind == DEVICE and not self.has_lock:
                    self.require("lock", False, f"{window.name} is used with the lock alone")
                return window
        return None

    def _place(self, address: Lin, size: int) -> Place:
        place = recover(self.world.layout, address)
        if place.start % size or place.start + size > place.family.width:
            self.require("aligned", False,
                         f"{size} bytes at byte {place.start} of {place.family.name}")
            raise StuckPath("access that is not within one cell")
        for index, dim in zip(place.indices, place.family.dims):
            inside = index.const < dim.count if index.is_const else fold(
                z3.ULT(index.z, z3.BitVecVal(dim.count, 64)))
            self.require("in bounds", inside,
                         f"index of {place.family.name} below {dim.count}")
        if not self.has_lock:
            self._require_lock(place)
        if place.family.name == "pages":
            self.require_mapped(place.indices[0].z)
        return place

    @property
    def has_lock(self) -> bool:
        """The core has the lock."""
        last = next((e.kind for e in reversed(self.events) if e.kind in (LOCK_TAKE, LOCK_DROP)),
                    None)
        return self.world.has_lock if last is None else last == LOCK_TAKE

    def _require_lock(self, place: Place) -> None:
        """Without the lock a core touches what others never write: of its own struct hv_cpu, and
        the context page of the process whose registers it holds (isolation.others_are_left)."""
        name = place.family.name
        own: Bool = False
        if name.removeprefix("sched.cpus.") in OWN:
            own = fold(place.indices[0].z == symbol(CPU).z)
        elif name == "pages":
            own = fold(place.indices[0].z == self._own_context(symbol(CPU).z).z)
        self.require("lock", own, f"{name} is the core's own, or it has the lock")

    def _own_context(self, cpu: z3.BitVecRef) -> Lin:
        """Number of the context page of the process whose registers the core holds."""
        families = self.world.layout.families
        loaded = self.memory.read(families["sched.cpus.loaded"], (cpu,), self.world.touch)
        return lift(self.memory.read(families["procs.ctx"], (loaded,), self.world.touch))

    def require_mapped(self, page: z3.BitVecRef) -> None:
        """Boot maps the pages that are not reserved, and no handler changes which those are."""
        kind = self.world.layout.families["page_descs.type"]
        self.world.touch(kind.name, (page,))
        reserved = z3.BitVecVal(self.world.reserved, 64)
        self.require("mapped", fold(base_read(kind, (page,)) != reserved), "page is not reserved")

    def load(self, address: Lin, size: int) -> Lin:
        """See Cpu."""
        offset = self._stack_offset(address)
        if offset is not None:
            return self._load_stack(offset, size)
        window = self._window(address, size)
        if window is not None:
            return self._load_window(window, address, size)
        table = self.world.dispatch
        if table is not None and size == 8 and \
                0 <= address.const - table.address < (table.size if address.is_const else 8):
            return self._load_handler(table, address)
        if address.is_const:
            value = self.world.image.constant(address.const, size)
            if value is not None:
                if address.const % size:
                    self.require("aligned", False, f"{size} bytes at {address.const:#x}")
                return const(value)
        place = self._place(address, size)
        cell = self.memory.read(place.family, tuple(i.z for i in place.indices), self.world.touch)
        if place.family.name == CONTEXT:
            return self._context_page(cell, place.indices[0].z)
        low = 8 * place.start
        return lift(cell) if size == 8 else extend(z3.Extract(low + 8 * size - 1, low, cell))

    def _load_handler(self, table: Symbol, address: Lin) -> Lin:
        """An entry of the table of handlers, at an index that must be one."""
        (atom, scale), = address.terms.values() or (
            (bv((address.const - table.address) // 8), 8),)
        if scale != 8 or address.const % 8:
            raise StuckPath(f"read of {table.name} at {describe(address)}")
        self.require("in bounds", fold(z3.ULT(atom, bv(table.size // 8))),
                     f"index of {table.name}")
        return lift(z3.Function(table.name, atom.sort(), atom.sort())(atom))

    def _context_page(self, pointer: z3.BitVecRef, cpu: z3.BitVecRef) -> Lin:
        """What invariant core_context says of the pointer, so that its pages are known as such."""
        base = self.world.layout.families["pages"].base
        address = const(base) + self._own_context(cpu).scaled(PAGE)
        self.require("context", fold(pointer == address.z), "the core's context page")
        return address

    def _load_window(self, window: Window, address: Lin, size: int) -> Lin:
        kind, found = f"{window.kind} read{8 * size}", device_name(address.z, self.given_ids)
        is_first = not any(e.kind == kind and e.operands[0].eq(address.z) for e in self.events)
        if found is not None and is_first and size == 4:
            value = z3.Extract(31, 0, found)
        else:
            value = z3.BitVec(self.world.fresh(window.kind), 8 * size)
        self.events.append(Event(kind, (address.z, extend(value).z), self.pc))
        return extend(value)

    def _shared(self, address: Lin, size: int) -> Window:
        window = self._window(address, size)
        if window is None or window.kind != "shared":
            raise StuckPath(f"exclusive access at {describe(address)}")
        return window

    def load_exclusive(self, address: Lin, size: int) -> Lin:
        """See Cpu."""
        value = self._load_window(self._shared(address, size), address, size)
        self.events.append(Event("exclusive", (address.z,), self.pc))
        return value

    def store_exclusive(self, address: Lin, value: Lin, size: int) -> Lin:
        """See Cpu. Nothing is known of when it fails."""
        window = self._shared(address, size)
        kept = extend(z3.Extract(8 * size - 1, 0, value.z))
        failed = extend(z3.BitVec(self.world.fresh("failed"), 1))
        self.events.append(
            Event(f"{window.kind} try{8 * size}", (address.z, kept.z, failed.z), self.pc))
        return failed

    def store(self, address: Lin, value: Lin, size: int) -> None:
        """See Cpu."""
        offset = self._stack_offset(address)
        if offset is not None:
            self._store_stack(offset, value, size)
            return
        window = self._window(address, size)
        if window is not None:
            kept = extend(z3.Extract(8 * size - 1, 0, value.z))
            self.events.append(Event(f"{window.kind} write{8 * size}",
                                     (address.z, kept.z, bv(address.const)), self.pc))
            return
        place = self._place(address, size)
        if size != place.family.width:
            raise UnmodelledError(f"store of {size} bytes into {place.family.name} at {self.pc:#x}")
        indices = tuple(i.z for i in place.indices)
        self.memory.add(place.family, CellWrite(
            indices, self.world.symbols.name(place.family.name, value.z), self.pc))
        if place.family.name in ORDERED:
            self.events.append(
                Event(f"{place.family.name} write", (*indices, value.z), self.pc))

    # ---- control ----

    def branch(self, target: int) -> None:
        """See Cpu."""
        self.next = target

    def branch_if(self, condition: Bool, target: int) -> None:
        """See Cpu. Decided if the condition or its negation is part of the path condition."""
        if isinstance(condition, bool):
            self.next = target if condition else self.pc + 4
        elif condition.get_id() in self.given_ids:
            self.next = target
        elif as_term(negate(condition)).get_id() in self.given_ids:
            self.next = self.pc + 4
        else:
            self.split = (condition, target)

    def assume(self, condition: Bool) -> None:
        """Adds to the path condition."""
        term = as_term(condition)
        self.given.append(term)
        self.given_ids.add(term.get_id())

    def branch_register(self, target: Lin) -> None:
        """See Cpu: a return from the innermost activation, or a jump to a known address."""
        if self.frames and target.same(self.frames[-1].back):
            self.frames.pop()
            if not self.frames:
                self.finished = RETURN
                return
        if not target.is_const or not self.world.image.is_code(target.const):
            raise StuckPath(f"jump to {describe(target)}")
        self.next = target.const

    def call(self, target: Lin) -> None:
        """See Cpu."""
        back = const(self.pc + 4)
        self.regs[30] = back
        if not target.is_const:
            self._dispatch(target)
            return
        if not self.world.image.is_code(target.const):
            raise StuckPath(f"call of {describe(target)}")
        self.frames.append(Frame(back, set()))
        self.next = target.const

    def _dispatch(self, target: Lin) -> None:
        """A call of an entry of the table of handlers ends the path."""
        table = self.world.dispatch
        atoms = [atom for atom, scale in target.terms.values() if scale == 1]
        if table is None or target.const or len(atoms) != 1 or len(target.terms) != 1 or \
                not z3.is_app(atoms[0]) or atoms[0].decl().name() != table.name:
            raise StuckPath(f"call of {describe(target)}")
        self.finish(HYPERCALL, atoms[0].arg(0))

    @property
    def cut(self) -> str | None:
        """What an exploration stops at here, if it does: it may begin where others stop."""
        if self.pc in self.world.cuts and self.count:
            return self.world.cuts[self.pc]
        is_tail = len(self.frames) == 1 and self.regs[30].same(self.frames[0].back)
        return self.world.tails.get(self.pc) if is_tail else None

    def finish(self, what: str, *operands: z3.BitVecRef) -> None:
        """The path ends here."""
        self.events.append(Event(what, operands, self.pc))
        self.finished = what

    # ---- system ----

    def get_system(self, name: str) -> Lin:
        """See Cpu."""
        if name in VOLATILE:
            found = register_name(name, self.given_ids)
            is_first = all(e.kind != f"mrs {name}" for e in self.events)
            value = lift(found) if found is not None and is_first \
                else symbol(self.world.fresh(name))
            self.events.append(Event(f"mrs {name}", (value.z,), self.pc))
            return value
        return self.system.setdefault(name, symbol(f"sys.{name}"))

    def put_system(self, name: str, value: Lin) -> None:
        """See Cpu."""
        if name not in VOLATILE:
            self.system[name] = value
        self.events.append(Event(f"msr {name}", (value.z,), self.pc))

    def event(self, kind: str, operand: Lin | None = None) -> None:
        """See Cpu."""
        if kind == "dc zva":
            self._zero_block(operand or const(0))
        elif kind == WAIT:
            self.finished = WAIT
        operands = () if operand is None else (operand.z,)
        if kind.startswith("at "):
            # PAR_EL1 says it after a context synchronization event; until then, anything.
            self.system["par_el1"] = symbol(self.world.fresh("par_el1"))
            operands += (symbol(self.world.fresh("translated")).z,)
        elif kind == ISB:
            last = next((e for e in reversed(self.events) if e.kind in (ISB, PAR_WRITE)
                         or e.kind.startswith("at ")), None)
            if last is not None and last.kind.startswith("at "):
                self.system["par_el1"] = lift(last.operands[1])
        self.events.append(Event(kind, operands, self.pc))

    def _zero_block(self, address: Lin) -> None:
        """DC ZVA (C5.3): zeroes the aligned block of `zva_block` bytes around the address."""
        size = self.world.zva_block
        place = self._place(address.plus(-(address.const % 8)), 8)
        if place.family.name != "pages" or not place.indices[1].is_const or not size:
            raise StuckPath("DC ZVA outside pages")
        first = place.indices[1].const & ~(size // 8 - 1)
        self.memory.add(place.family, PageZero(place.indices[0].z, first, size // 8, self.pc))

    def exception(self, kind: str, immediate: int) -> None:
        """See Cpu."""
        self.events.append(Event(f"{kind} #{immediate}", tuple(r.z for r in self.regs[:4]),
                                 self.pc))
        if kind == "smc":
            self.clobber(SMC_CLOBBERS)
        elif kind == "eret":
            self.finished = ERET
        else:
            raise StuckPath(f"{kind} #{immediate} is reached")

    def clobber(self, numbers: "range | tuple[int, ...]", with_flags: bool = False) -> None:
        """These registers, and NZCV if asked, take unknown values."""
        for number in numbers:
            self.regs[number] = symbol(self.world.fresh("clobber"))
        if with_flags:
            self.flags = fresh(self.world.fresh("flags"))
