# SPDX-License-Identifier: MIT
"""`python3 -m verif [--hc name] [--theorem T2]`: proves the linked kernel."""
import argparse
import os
import sys
import time
from pathlib import Path

from . import boot, pool, report, target
from .cache import Cache
from .errors import VerifError
from .plan import THEOREMS, Job, Plan
from .result import Row


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m verif", description=__doc__)
    parser.add_argument("--elf", type=Path, default=Path("build/hv8.elf"))
    parser.add_argument("--initrd", type=Path, help="what T4 boots; beside the ELF by default")
    parser.add_argument("--out", type=Path, default=Path("build/verify"))
    parser.add_argument("--hc", default="", help="hypercalls, by name, separated by commas")
    parser.add_argument("--theorem", default="", help=f"some of {' '.join(THEOREMS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1,
                        help="proofs at a time; all processors by default")
    parser.add_argument("--no-cache", action="store_true", help="prove everything again")
    parser.add_argument("--no-leaves", action="store_true",
                        help="leave out the rows of the leaf routines")
    return parser.parse_args()


def _chosen(kernel: target.Target, names: str) -> tuple[target.Hypercall, ...]:
    if not names:
        return kernel.hypercalls
    wanted = names.split(",")
    unknown = set(wanted) - {c.name for c in kernel.hypercalls}
    if unknown:
        raise VerifError(f"no hypercall {', '.join(sorted(unknown))}")
    return tuple(c for c in kernel.hypercalls if c.name in wanted)


def _prove(options: argparse.Namespace, kernel: target.Target) -> list[Row]:
    theorems = tuple(options.theorem.split(",")) if options.theorem else THEOREMS
    if set(theorems) - set(THEOREMS):
        raise VerifError(f"no theorem {options.theorem}; there are {' '.join(THEOREMS)}")
    calls = _chosen(kernel, options.hc)
    plan = Plan(kernel, options.out, theorems, boot.files(kernel, options.initrd),
                boot.machines(bool(options.theorem)))
    jobs = plan.jobs(calls, not options.hc, not options.no_leaves)
    if not jobs:
        raise VerifError(f"{options.theorem} is about no hypercall: leave out --hc")
    progress = report.Progress(sys.stdout, len(jobs), report.guide_of(kernel))
    cache = Cache(kernel, None if options.no_cache else options.out / "cache")
    left: list[tuple[str, Job, str]] = []
    for job in jobs:
        key = cache.key(job.name, " ".join(job.theorems), job.code, job.inputs)
        found = cache.find(key)
        if found is None:
            left.append((f"{job.name} {'/'.join(job.theorems)}", job, key))
        else:
            progress.add(found)
    keys = {name: key for name, _, key in left}
    work = [(name, job.work) for name, job, _ in left]
    for name, rows in pool.run(work, max(1, options.jobs), progress.running):
        cache.keep(keys[name], rows)
        progress.add(rows, name)
    return progress.rows


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
