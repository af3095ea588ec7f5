# SPDX-License-Identifier: MIT
"""The parts of T4 (pytest): words by the million against single ones, walks, what may be mapped,
archives. SEED=n repeats a run."""
import os
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import dumps  # noqa: E402
import spec  # noqa: E402
from spec.kernel_map import RIGHTS, Area, Mapping, aliases, what_is_wrong  # noqa: E402
from spec.state import KINDS  # noqa: E402
from spec.words import IntOps  # noqa: E402
from verif import boot, premises  # noqa: E402
from verif.arrays import ArrayOps, where_false  # noqa: E402
from verif.boot_machine import FEW  # noqa: E402
from verif.boot_registers import move  # noqa: E402
from verif.boot_state import DumpState  # noqa: E402
from verif.boot_walk import mappings, paths  # noqa: E402
from verif.errors import BootError  # noqa: E402

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
print(f"SEED={SEED}")
EDGES = (0, 1, 2, 62, 63, 64, 65, 1 << 31, 1 << 63, (1 << 64) - 1)


def numbers(r: random.Random, count: int) -> list[int]:
    return [r.choice(EDGES) if r.random() < 0.5 else r.getrandbits(64) for _ in range(count)]


# ---- words -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", "ult ule add sub shl shr min bit any_bit".split())
@pytest.mark.parametrize("shape", ["both", "left", "right"])
def test_operations_are_those_on_ints(name: str, shape: str) -> None:
    r = random.Random(SEED)
    a, b = numbers(r, 400), numbers(r, 400)
    if name == "bit":
        b = [n % 64 for n in b]
    if shape == "left":
        b = [b[0]] * 400
    elif shape == "right":
        a = [a[0]] * 400
    left = a[0] if shape == "right" else np.array(a, dtype=np.uint64)
    right = b[0] if shape == "left" else np.array(b, dtype=np.uint64)
    found = getattr(ArrayOps(), name)(left, right)
    assert [int(x) for x in found] == [int(getattr(IntOps(), name)(x, y)) for x, y in zip(a, b)]


def test_inverse_and_choice() -> None:
    r, o, i = random.Random(SEED), ArrayOps(), IntOps()
    a, b = numbers(r, 200), numbers(r, 200)
    x, y = np.array(a, dtype=np.uint64), np.array(b, dtype=np.uint64)
    assert [int(n) for n in o.inv(x)] == [i.inv(n) for n in a]
    assert [int(n) for n in o.ite(o.ult(x, y), x, 7)] == [n if n < m else 7 for n, m in zip(a, b)]
    assert o.inv(5) == i.inv(5) and o.ite(True, 1, 2) == 1


def test_logic() -> None:
    o, some = ArrayOps(), np.array([True, False, True])
    assert o.and_(True, False) is False and o.or_(False, True) is True and o.and_() is True
    assert list(o.and_(some, True, ~some)) == [False] * 3
    assert list(o.or_(some, False)) == [True, False, True]
    assert list(o.implies(some, False)) == [False, True, False]
    assert list(o.iff(some, True)) == [True, False, True]
    assert o.and_(False, some) is False
    assert list(where_false(some)) == [1] and list(where_false(True)) == []
    assert list(where_false(False)) == [0]


# ---- a dump as a state -----------------------------------------------------------------------


def state_of(one: dumps.Dump) -> DumpState:
    return DumpState(premises.constants(dumps.kernel()), dumps.kernel(), one)


@pytest.mark.parametrize("damaged", [False, True])
def test_arrays_say_what_single_indices_say(damaged: bool) -> None:
    """Each invariant at random indices: at once, one by one, and of a damaged dump as well.
    Of (page, entry) also where T4 does not look, which must hold if it does not."""
    r, one = random.Random(SEED), dumps.dump(FEW[1])
    places = [dumps.field(f, tuple(r.randrange(min(8, dim.count)) for dim in f.dims))
              for f in dumps.kernel().layout.families.values() for _ in range(4)
              if f.name.startswith(("procs.", "files.", "handles.")) and f.width == 8]
    kept = [dumps.word(one, at) for at in places]
    try:
        for at in places if damaged else ():
            write(one, at, r.randrange(4))
        compare(state_of(one), r, damaged)
    finally:
        for at, value in zip(places, kept):
            write(one, at, value)


def write(one: dumps.Dump, address: int, value: int) -> None:
    one.ram[address - dumps.RAM_BASE:address - dumps.RAM_BASE + 8] = value.to_bytes(8, "little")


def compare(state: DumpState, r: random.Random, damaged: bool) -> None:
    false = 0
    for name, rule in spec.invariants().items():
        sizes = [KINDS[kind](state.c) for kind in rule.kinds]
        keys = [tuple(r.randrange(n) if r.random() < 0.5 else r.randrange(min(n, 8))
                      for n in sizes) for _ in range(100)]
        arrays = [np.array(column, dtype=np.uint64) for column in zip(*keys)]
        at_once = np.broadcast_to(rule.holds(state.c, state, *arrays), (len(keys),))
        single = [bool(rule.holds(state.c, state, *key)) for key in keys]
        assert list(at_once) == single, (name, keys)
        false += single.count(False)
        if rule.kinds == ("page", "entry") and not damaged:
            assert all(single)
    assert (false > 0) == damaged


# ---- walks -------------------------------------------------------------------------------------


def tables(entries: dict[tuple[int, int], int], count: int) -> np.ndarray:
    """RAM that begins with so many tables; (table, index) -> entry."""
    ram = np.zeros(512 * count, dtype=np.uint64)
    for (table, index), entry in entries.items():
        ram[512 * table + index] = entry
    return ram


def at(table: int) -> int:
    return dumps.RAM_BASE + 4096 * table


def test_mappings_of_pages_and_blocks() -> None:
    ram = tables({(0, 1): at(1) | 3, (1, 2): at(2) | 3 | 1 << 60, (1, 3): 0x8000_0000 | 0x401,
                  (2, 4): 0x20_0000 | 0x401, (2, 5): at(3) | 3, (3, 511): 0x5000 | 0x403 | 1 << 54,
                  (3, 0): 0x6000 | 2}, 4)
    found = list(mappings(ram, dumps.RAM_BASE, at(0) | 1))
    block, big = (1 << 39) + (2 << 30) + (4 << 21), (1 << 39) + (3 << 30)
    page = (1 << 39) + (2 << 30) + (5 << 21) + (511 << 12)
    assert [(m.va, m.pa, m.size) for m in found] == [
        (block, 0x20_0000, 1 << 21), (page, 0x5000, 4096), (big, 0x8000_0000, 1 << 30)]
    assert [m.tables >> 60 & 1 for m in found] == [1, 1, 0]
    assert found[1].bits == 0x403 | 1 << 54


@pytest.mark.parametrize("entries", [{(0, 0): 0x401}, {(0, 0): at(1) | 3, (1, 0): at(2) | 3,
                                                       (2, 0): at(3) | 3, (3, 0): 0x401},
                                     {(0, 0): at(9) | 3}, {(0, 0): 0x1000 | 3}])
def test_reserved_descriptors_and_tables_outside_are_errors(
        entries: dict[tuple[int, int], int]) -> None:
    with pytest.raises(BootError):
        list(mappings(tables(entries, 4), dumps.RAM_BASE, at(0)))


def test_paths_are_all_ways_of_a_process() -> None:
    """Every walk that random indices take is the beginning of one that is listed."""
    r, state = random.Random(SEED), state_of(dumps.dump(FEW[0]))
    root = state.get("procs.root", state.c.HV_INIT_PID)
    found = {tuple(int(i) for i in key) for key in zip(*paths(state, root))}
    likely = (0, 1, 2, 7, 8, 16, 24, 509, 510, 511)
    faults = 0
    for _ in range(3000):
        key, table = [r.choice(likely) for _ in range(4)], root
        for level, index in enumerate(key):
            entry = state.get("pages", table, index)
            if level < 3 and not entry & 1:
                key[level + 1:] = [0] * (3 - level)
                faults += 1
                break
            table = ((entry & 0xFFFF_FFFF_F000) - state.get("machine.pages_pa")) >> 12
        assert tuple(key) in found, key
    assert 0 < faults < 3000


# ---- what EL2 may have mapped --------------------------------------------------------------------

TEXT = Area("text", "text", 0x40_0000, 0x2000, 0x4000_0000)
DATA = Area("data", "data", 0x40_2000, 0x2000, 0x4000_2000)


def test_what_may_be_mapped() -> None:
    right = Mapping(0x40_1000, 0x4000_1000, 4096, RIGHTS["text"] | 2, 3)
    areas = (TEXT, DATA)
    assert what_is_wrong(right, areas) == ""
    for wrong in (replace(right, va=0x40_4000), replace(right, va=0x3F_F000),
                  replace(right, pa=0x4000_0000), replace(right, size=1 << 21),
                  *(replace(right, bits=right.bits ^ 1 << n) for n in (2, 6, 7, 8, 10, 11, 54)),
                  replace(right, tables=3 | 1 << 63)):
        assert what_is_wrong(wrong, areas), wrong


def test_aliases() -> None:
    text = Mapping(0x40_0000, 0x4000_0000, 4096, RIGHTS["text"] | 2, 3)
    other = Mapping(0x80_0000, 0x4000_0000, 1 << 21, RIGHTS["data"], 3)
    assert aliases(text, (text, other)) and not aliases(other, (text, other))
    assert not aliases(text, (text, replace(other, pa=0x4020_0000)))
    assert not aliases(text, (text, replace(other, bits=RIGHTS["constants"])))


# ---- the rest ------------------------------------------------------------------------------------


def test_moves_are_what_the_assembler_makes() -> None:
    """mrs x0, midr_el1; hcr_el2; daif; mdscr_el1; msr vbar_el2, x0 (binutils 2.40)."""
    for encoding, word in (((3, 0, 0, 0, 0), 0xD5380000), ((3, 4, 1, 1, 0), 0xD53C1100),
                           ((3, 3, 4, 2, 1), 0xD53B4220), ((2, 0, 0, 2, 2), 0xD5300240)):
        assert move(encoding, True) == word
    assert move((3, 4, 12, 0, 0), False) == 0xD51CC000


def test_entry_of_init() -> None:
    def member(name: bytes, data: bytes) -> bytes:
        numbers = [0] * 13
        numbers[6], numbers[11] = len(data), len(name) + 1
        head = b"070701" + b"".join(b"%08x" % n for n in numbers) + name + b"\0"
        head += bytes(-len(head) % 4)
        return head + data + bytes(-len(data) % 4)

    init = bytes(24) + (0x1234_5678).to_bytes(8, "little")
    archive = member(b"a", b"x") + member(b"init", init) + member(b"TRAILER!!!", b"")
    assert boot.entry_of_init(archive) == 0x1234_5678
    for broken in (b"", member(b"TRAILER!!!", b""), b"070702" + archive[6:]):
        with pytest.raises(BootError):
            boot.entry_of_init(broken)
