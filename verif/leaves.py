# SPDX-License-Identifier: MIT
"""The contracts of page_zero, page_copy and page_sync, proved by complete unrolling.

For each word i of 0..511 and a page q that is any: after the routine, cell
(q, i) is what the contract says. DC ZVA is tried with every block size that
boot lets pass (64 to 2048 bytes). page_sync cleans every 64 bytes of the page,
and the instruction caches after that. Also: nothing but `pages` changes, only the
registers of the contract are lost, every access is in bounds and aligned.
"""
import time
from dataclasses import dataclass
from pathlib import Path as FilePath

import z3

from . import coverage, queries
from .contracts import LEAVES, Leaf
from .errors import VerifError
from .explore import Explorer, standard_start
from .flags import as_term, fold
from .lin import bv, const, symbol
from .machine import Path
from .memory import base_read, read
from .result import Failure, Row, row
from .solve import Solver
from .target import Target
from .world import World

PAGES_PASSED = "pages passed are below NPAGE and not reserved (an obligation of each caller)"
ZVA_BLOCKS = (64, 128, 256, 512, 1024, 2048)
PAGE_BYTES = 4096
CLEANED_BYTES = 64  # boot has checked that no data cache line is shorter (CTR_EL0.DminLine)


@dataclass(frozen=True)
class Unrolled:
    """One complete unrolling of a leaf."""

    leaf: Leaf
    world: World
    paths: tuple[Path, ...]
    lost: tuple[str, ...]
    stuck: tuple[str, ...]


def unroll(target: Target, leaf: Leaf, zva_block: int) -> Unrolled:
    """Runs a leaf from its first word to its return."""
    world = target.world(zva_block)
    start = standard_start(target.image.function(leaf.name).address, {})
    found = Explorer(world, {}, loops_allowed=True).run(start)
    lost = {f"x{i}" for p in found.ended for i in range(32)
            if i not in leaf.lost and not p.regs[i].same(start.regs[i])}
    return Unrolled(leaf, world, found.ended, tuple(sorted(lost)),
                    tuple(reason for _, reason in found.stuck))


def _expected(leaf: Leaf, target: Target, page: z3.BitVecRef, word: int) -> z3.BitVecRef:
    family = target.layout.families["pages"]
    before = base_read(family, (page, bv(word)))
    first, second = z3.BitVec("x0", 64), z3.BitVec("x1", 64)
    if leaf.name == "page_zero":
        return z3.If(first == page, bv(0), before)
    if leaf.name == "page_copy":
        return z3.If(first == page, base_read(family, (second, bv(word))), before)
    return before


def _sync_is_wrong(target: Target, path: Path) -> bool:
    """Does page_sync leave out a line, or an order (DDI 0487J.a, B2.4.4)?"""
    steps = PAGE_BYTES // CLEANED_BYTES
    kinds = [event.kind for event in path.events]
    if kinds != ["dc cvau"] * steps + ["dsb ish", "ic ialluis", "dsb ish"]:
        return True
    family = target.layout.families["pages"]
    first = const(family.base) + symbol("x0").scaled(PAGE_BYTES)
    wanted = [first.plus(CLEANED_BYTES * n).z for n in range(steps)]
    return any(fold(event.operands[0] == address) is not True
               for event, address in zip(path.events, wanted))


def _check(target: Target, run: Unrolled, folder: FilePath) -> tuple[list[str], int]:
    """What is wrong, and how many queries it took to see."""
    wrong = [f"loses {name}" for name in run.lost] + list(run.stuck)
    if len(run.paths) != 1:
        return wrong + [f"{len(run.paths)} paths instead of one"], 0
    path = run.paths[0]
    family = target.layout.families["pages"]
    limit = bv(family.dims[0].count)
    pages = [z3.BitVec(f"x{i}", 64) for i in range(run.leaf.pages)]
    kind = target.layout.families["page_descs.type"]
    given = tuple(z3.And(z3.ULT(p, limit), base_read(kind, (p,)) != bv(run.world.reserved))
                  for p in pages)
    solver = Solver(given, folder, run.world.symbols)
    for item in run.world.obligations:
        if solver.prove(item.given, item.goal, f"{run.leaf.name}-bounds").status != "proved":
            wrong.append(f"{item.kind}: {item.text}")
    wrong += [f"writes {name}" for name in path.memory.updates if name != "pages"]
    if run.leaf.name == "page_sync" and _sync_is_wrong(target, path):
        wrong.append("does not clean every line, then the instruction caches")
    page = z3.BitVec("q", 64)
    updates = path.memory.updates.get("pages", ())
    for word in range(family.dims[1].count):
        after = read(family, updates, (page, bv(word)))
        goal = fold(after == _expected(run.leaf, target, page, word))
        if goal is True:
            continue
        name = f"{run.leaf.name}-{word}"
        if solver.prove((), as_term(goal), name).status != "proved":
            wrong.append(f"word {word} is wrong")
            break
    return wrong, solver.queries


def prove_leaf(target: Target, leaf: Leaf, folder: FilePath) -> tuple[Row, int]:
    """The row T2 of one leaf, and the number of instructions it takes."""
    begin = time.process_time()
    symbol = target.image.function(leaf.name)
    place = f"{target.debug.line_of(symbol.address)} ({leaf.name})"
    failures: list[Failure] = []
    count, total = 0, 0
    words: set[int] = set()
    blocks = ZVA_BLOCKS if leaf.name == "page_zero" else (0,)
    for block in blocks:
        run = unroll(target, leaf, block)
        wrong, asked = _check(target, run, folder)
        total += asked
        count = max([count, *(p.count for p in run.paths)])
        words.update(*(p.world.addresses for p in run.paths))
        failures += [Failure(w, place, "", "refuted", (), "") for w in wrong]
    return row(leaf.name, "T2", time.process_time() - begin,
               {"instructions": count, "queries": total, "block sizes": len(blocks),
                coverage.WORDS: coverage.packed(words)},
               failures, (PAGES_PASSED,), target.image.function_at(symbol.address)), count


def costs(target: Target) -> dict[str, int]:
    """Instructions of each leaf, by name, at the block size with most."""
    found = {}
    for leaf in LEAVES:
        blocks = ZVA_BLOCKS if leaf.name == "page_zero" else (0,)
        try:
            found[leaf.name] = max((p.count for b in blocks for p in unroll(target, leaf, b).paths),
                                   default=0)
        except VerifError as error:
            raise type(error)(f"{leaf.name}: {error}") from error
    return found


def prove_all(target: Target, folder: FilePath) -> tuple[list[Row], dict[str, int]]:
    """Rows of all leaves, and their costs in instructions by name."""
    rows, costs = [], {}
    for leaf in LEAVES:
        try:
            with queries.about("T2", leaf.name):
                proved, costs[leaf.name] = prove_leaf(target, leaf, folder)
        except VerifError as error:
            raise type(error)(f"{leaf.name}: {error}") from error
        rows.append(proved)
    return rows, costs
