#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plants faults in the C source, the linked kernel, the specification and the invariants, one
at a time, and shows that the verifier turns red for each.

A run can be interrupted and started again. Exit status 0 if no mutant survived but those that
equivalent.txt explains.
"""
import argparse
import multiprocessing
import signal
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache
from itertools import zip_longest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

from mutation import log, population, reach, table, trial  # noqa: E402
from mutation.mutant import KINDS, ROOT, Mutant  # noqa: E402

from verif.__main__ import THEOREMS  # noqa: E402
from verif.premises import USED  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--count", type=int, default=300, help="mutants, of all kinds together")
    parser.add_argument("--kind", choices=KINDS, help="only of this kind")
    parser.add_argument("--only", default="", help="all whose names hold this text")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--quick", action="store_true",
                        help=f"leave out {' and '.join(population.SLOW)}, whose proofs take long")
    parser.add_argument("--log", type=Path, default=ROOT / "build" / "mutants.jsonl")
    parser.add_argument("--document", type=Path, help="write the results there as a page")
    return parser.parse_args()


def theorems(m: Mutant) -> tuple[str, ...]:
    """Those that are there to notice it; none if the verifier does not have them yet."""
    if m.kind == "invariant":
        # What is assumed of the state before a call may be needed, or contradict something.
        wanted: tuple[str, ...] = ("T1", "T2") if m.function in USED else ()
        wanted += ("T3", "T4", "T5", "T9")
    elif m.kind == "vectors":
        wanted = ("T1", "T2", "T6", "T8")
    elif m.kind == "barrier":
        wanted = ("T1", "T2", "T6")
    elif m.operator.startswith("ghost-"):
        wanted = ("T1", "T3", "T9")     # what names a ghost may be about the state, too
    elif m.kind == "spec" and m.function in population.PREMISES:
        wanted = ("T1", "T2", "T3", "T5", "T6", "T9")   # assumed in all proofs of a part
    else:
        wanted = ("T1",) if m.kind == "spec" else ("T1", "T2")
    return tuple(t for t in wanted if t in THEOREMS)


def left_out(options: argparse.Namespace) -> tuple[str, ...]:
    """Hypercalls of which nothing is asked."""
    return population.SLOW if options.quick else ()


@cache
def ours() -> reach.Code:
    """The kernel that the faults are planted in."""
    return reach.load(ROOT / trial.ELF)


def choose(options: argparse.Namespace,
           code: reach.Code) -> tuple[tuple[Mutant, ...], dict[str, int]]:
    """The sample, as many of each kind, and how many there are to choose from."""
    every = {kind: tuple(m for m in population.population(code, kind)
                         if theorems(m) and set(m.subjects) - set(left_out(options)))
             for kind in ([options.kind] if options.kind else KINDS)}
    sizes = {kind: len(some) for kind, some in every.items() if some}
    if options.only:
        return tuple(m for some in every.values() for m in some
                     if options.only in m.identity), sizes
    samples = (population.sample(every[kind], options.count, options.seed) for kind in sizes)
    turns = zip_longest(*samples)
    return tuple(m for turn in turns for m in turn if m is not None)[:options.count], sizes


def show(m: Mutant, verdict: trial.Verdict) -> None:
    where = f" {verdict.subject} {verdict.theorem}" if verdict.theorem else ""
    print(f"{verdict.word:10}{where} ({verdict.seconds} s) {m.identity} {m.line}\n"
          f"    {m.change[:160]}\n    {verdict.message[:240]}", flush=True)


def one(m: Mutant, base: Path, without: tuple[str, ...]) -> trial.Verdict:
    """Runs in a process of its own: Z3 is not made for threads."""
    return trial.try_mutant(m, base, ours(), theorems(m), without)


def run(chosen: tuple[Mutant, ...], found: log.Log, options: argparse.Namespace) -> None:
    """Tries what the log does not have yet."""
    open_ones = [m for m in chosen if m.identity not in found.known]
    print(f"{len(chosen)} mutants, {len(chosen) - len(open_ones)} of them in {found.path}")
    with tempfile.TemporaryDirectory(prefix="hv8-mutants-") as name:
        base = trial.snapshot(Path(name))
        with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork"),
                                 signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            tried = {pool.submit(one, m, base, left_out(options)): m for m in open_ones}

            def told(future: Future[trial.Verdict]) -> None:
                m = tried.pop(future)
                found.add(m, future.result())
                show(m, future.result())

            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                for future in as_completed([*tried]):
                    told(future)
            except KeyboardInterrupt:
                print("interrupted: those that run come to their end", flush=True)
                pool.shutdown(cancel_futures=True)
                for future in [f for f in tried if f.done() and not f.cancelled()]:
                    told(future)
                raise


def main() -> int:
    options = arguments()
    if not (ROOT / trial.ELF).exists():
        print(f"there is no {trial.ELF}: run make", file=sys.stderr)
        return 2
    chosen, sizes = choose(options, ours())
    if options.list or not chosen:
        for m in chosen:
            print(f"{m.identity}  {m.line}  {m.change[:100]}")
        print(f"{len(chosen)} of {sum(sizes.values())} mutants", sizes)
        return 0 if chosen else 2
    found = log.Log(options.log, log.digest(ROOT))
    found.read()
    try:
        run(chosen, found, options)
    except KeyboardInterrupt:
        return 130
    summary = log.summarize(chosen, found.known, log.equivalents())
    for m in summary.survivors:
        print(f"survived: {m.identity}  {m.line}  {m.change[:160]}")
    print("\n".join(table.rows(summary)))
    if options.document:
        options.document.write_text(table.page(summary, found.known, sizes, options.seed,
                                               left_out(options)))
    print(f"{len(chosen) - len(summary.survivors)} passed, {len(summary.survivors)} failed")
    return 1 if summary.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
