# SPDX-License-Identifier: MIT
"""`python3 -m verif [--hc name] [--theorem T2]`: proves the linked kernel."""
import argparse
import sys
import time
from pathlib import Path

from spec import hypercalls

from . import contracts, leaves, refine, report, safety, target
from .errors import VerifError
from .explore import Contract
from .result import Row

THEOREMS = ("T1", "T2", "T8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m verif", description=__doc__)
    parser.add_argument("--elf", type=Path, default=Path("build/hv8.elf"))
    parser.add_argument("--out", type=Path, default=Path("build/verify"))
    parser.add_argument("--hc", default="", help="hypercalls, by name, separated by commas")
    parser.add_argument("--theorem", default="", help=f"some of {' '.join(THEOREMS)}")
    parser.add_argument("--no-leaves", action="store_true",
                        help="take the leaf routines' contracts as they are: not for T8")
    return parser.parse_args()


def _chosen(kernel: target.Target, names: str) -> tuple[target.Hypercall, ...]:
    if not names:
        return kernel.hypercalls
    wanted = names.split(",")
    unknown = set(wanted) - {c.name for c in kernel.hypercalls}
    if unknown:
        raise VerifError(f"no hypercall {', '.join(sorted(unknown))}")
    return tuple(c for c in kernel.hypercalls if c.name in wanted)


def _contracts(kernel: target.Target, costs: dict[str, int]) -> dict[int, Contract]:
    addresses = {name: kernel.image.function(name).address for name in costs}
    return contracts.table(kernel.layout, addresses, costs)


def _prove_call(kernel: target.Target, call: target.Hypercall, known: dict[int, Contract],
                theorems: list[str], out: Path) -> list[Row]:
    handled = safety.explore_handler(kernel, call, known)
    rows: list[Row] = []
    if "T1" in theorems:
        rows.append(refine.prove(kernel, handled, hypercalls()[call.name], out))
    if {"T2", "T8"} & set(theorems):
        rows += [r for r in safety.prove(kernel, handled, out) if r.theorem in theorems]
    return rows


def _prove(options: argparse.Namespace, kernel: target.Target) -> list[Row]:
    theorems = options.theorem.split(",") if options.theorem else list(THEOREMS)
    if set(theorems) - set(THEOREMS):
        raise VerifError(f"no theorem {options.theorem}; there are {' '.join(THEOREMS)}")
    calls = _chosen(kernel, options.hc)
    subjects = len(calls) + (0 if options.no_leaves else len(contracts.LEAVES))
    progress = report.Progress(sys.stdout, subjects, report.guide_of(kernel))
    known = _contracts(kernel, _leaves(options, kernel, progress, theorems))
    for call in calls:
        progress.running(call.name)
        try:
            progress.add(_prove_call(kernel, call, known, theorems, options.out))
        except VerifError as error:
            raise type(error)(f"{call.name}: {error}") from error
    return progress.rows


def _leaves(options: argparse.Namespace, kernel: target.Target, progress: report.Progress,
            theorems: list[str]) -> dict[str, int]:
    """Proves the leaf routines; their costs in instructions by name."""
    if options.no_leaves:
        if "T8" in theorems:
            raise VerifError("T8 needs the costs of the leaf routines")
        return {leaf.name: 0 for leaf in contracts.LEAVES}
    progress.running("leaf routines")
    rows, costs = leaves.prove_all(kernel, options.out)
    for row in rows:
        progress.add([row], "leaf routines")
    return costs


def main() -> int:
    """Exit status: 0 if everything asked for is proved, 1 if not, 2 if it could not be tried."""
    options = _arguments()
    begin = time.monotonic()
    try:
        kernel = target.load(options.elf)
        print(f"{options.elf} sha256 {kernel.image.sha256[:16]}")
        rows = _prove(options, kernel)
    except VerifError as error:
        print(f"{type(error).__name__}: {error}")
        print("0 passed, 1 failed")
        return 2
    report.save(options.out / "report.json", kernel, rows, time.monotonic() - begin)
    return 0 if report.finish(sys.stdout, rows, report.guide_of(kernel)) else 1


if __name__ == "__main__":
    sys.exit(main())
