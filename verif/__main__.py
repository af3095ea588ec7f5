# SPDX-License-Identifier: MIT
"""`python3 -m verif [--hc name] [--theorem T2]`: proves the linked kernel."""
import argparse
import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

from . import boot, coverage, pool, report, target, whole
from .cache import Cache
from .errors import VerifError
from .plan import THEOREMS, Job, Plan
from .recorded import Recorder
from .result import Row
from .second import installed, summary


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m verif", description=__doc__)
    parser.add_argument("--elf", type=Path, default=Path("build/hv8.elf"))
    parser.add_argument("--initrd", type=Path, help="what T4 boots; beside the ELF by default")
    parser.add_argument("--out", type=Path, default=Path("build/verify"))
    parser.add_argument("--hc", default="",
                        help="hypercalls, vectors, trap_irq, steps and so on, by name, with commas "
                             "between; without what is proved once for all of them")
    parser.add_argument("--theorem", default="", help=f"some of {' '.join(THEOREMS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1,
                        help="proofs at a time; all processors by default")
    parser.add_argument("--no-cache", action="store_true", help="prove everything again")
    parser.add_argument("--solver", choices=("z3", "both"), default="z3",
                        help="both: cvc5 is asked all that Z3 has proved")
    parser.add_argument("--limit", type=int, default=60, metavar="SECONDS",
                        help="processor time that cvc5 has for each query")
    parser.add_argument("--export", type=Path, help="an empty folder that gets all queries")
    return parser.parse_args()


def _chosen(plan: Plan, names: str) -> tuple[tuple[target.Hypercall, ...], tuple[str, ...]]:
    """Hypercalls, and what else."""
    calls, others = plan.target.hypercalls, plan.others()
    if not names:
        return calls, others
    wanted = names.split(",")
    unknown = set(wanted) - {c.name for c in calls} - set(others)
    if unknown:
        raise VerifError(f"no hypercall {', '.join(sorted(unknown))}; nor is it one of "
                         f"{', '.join(others)}")
    return (tuple(c for c in calls if c.name in wanted),
            tuple(name for name in others if name in wanted))


def _recorder(options: argparse.Namespace) -> Recorder:
    kept = None if options.no_cache else options.out / "answers"
    second = None
    if options.solver == "both":
        second = installed(options.export or options.out / "queries", kept, max(1, options.limit))
        print(f"second opinion: {second.key} for each query")
    recorder = Recorder(options.export, second)
    recorder.ready()
    return recorder


def _prove(options: argparse.Namespace, kernel: target.Target, recorder: Recorder) -> list[Row]:
    theorems = tuple(options.theorem.split(",")) if options.theorem else THEOREMS
    if set(theorems) - set(THEOREMS):
        raise VerifError(f"no theorem {options.theorem}; there are {' '.join(THEOREMS)}")
    if "T10" in theorems and "T2" not in theorems:
        raise VerifError("T10 is about the paths of T2: T=T2,T10")
    plan = Plan(kernel, options.out, theorems, boot.files(kernel, options.initrd),
                boot.machines(bool(options.theorem)), whole.seconds(options.out / "report.json"))
    calls, others = _chosen(plan, options.hc)
    jobs = plan.jobs(calls, others, not options.hc)
    if not jobs:
        raise VerifError(f"{options.theorem} is about no hypercall: leave out --hc")
    progress = report.Progress(sys.stdout, len(jobs), report.guide_of(kernel))
    cache = Cache(kernel, None if options.no_cache else options.out / "cache")
    left: list[tuple[str, Job, tuple[str, ...]]] = []
    for job in jobs:
        some = tuple(cache.key(job.name, " ".join(job.theorems) + key, job.code, job.inputs)
                     for key in recorder.keys)
        found = None if recorder.needs_all else cache.find(some[0])
        if found is None:
            left.append((f"{job.name} {'/'.join(job.theorems)}", job, some))
        else:
            progress.add(found)
    keys = {name: some for name, _, some in left}
    work = [(name, recorder.work(job)) for name, job, _ in left]
    # Closed at once if we are stopped, and so are the processes that prove.
    with closing(pool.run(work, max(1, options.jobs), progress.running)) as proofs:
        for name, rows in proofs:
            for key in keys[name]:
                cache.keep(key, rows)
            progress.add(rows, name)
    recorder.finish(jobs)
    if "T10" in theorems and not options.hc:
        progress.add([coverage.prove(kernel, progress.rows)])
    return progress.rows


def main() -> int:
    """Exit status: 0 if everything asked for is proved, 1 if not, 2 if it could not be tried,
    128 and the signal's number if it was stopped."""
    options = _arguments()
    begin = time.monotonic()
    pool.stop_on_signals()
    try:
        kernel = target.load(options.elf)
        print(f"{options.elf} kernel {kernel.kernel_hash[:16]}")
        rows = _prove(options, kernel, _recorder(options))
    except VerifError as error:
        print(f"{type(error).__name__}: {error}")
        print("0 passed, 1 failed")
        return 2
    except pool.Stopped as stopped:
        number = stopped.args[0]
        kept = "nothing is kept" if options.no_cache \
            else f"what is proved is in {options.out}/cache"
        print(f"\nStopped by {signal.Signals(number).name} before the end: {kept}, no report is "
              "written. Run again to go on.", flush=True)
        return 128 + number
    report.save(options.out / "report.json", kernel, rows, time.monotonic() - begin)
    for line in summary(rows) if options.solver == "both" else ():
        print(line)
    return 0 if report.finish(sys.stdout, rows, report.guide_of(kernel)) else 1


if __name__ == "__main__":
    sys.exit(main())
