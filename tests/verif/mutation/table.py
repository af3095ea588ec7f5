# SPDX-License-Identifier: MIT
"""The results as a page."""
from collections import Counter

from .log import Summary
from .mutant import Mutant
from .trial import Verdict

COLUMNS = ("refusal", "no change", "does not build", "equivalent", "open",
           "timeout", "survived", "error")
HEAD = """<!-- SPDX-License-Identifier: MIT -->
<!-- written by tests/verif/mutants.py --document -->
# Mutants

Faults planted one at a time, to see that the verifier notices. `make mutants` does it again;
`tests/verif/mutation/` makes the faults, from the sources as they are.

| kind | what becomes wrong |
|---|---|
| c | a check or an update dropped, checks in the other order, another operator, constant, \
number, field, argument, in the C source or in the leaves' assembly |
| binary | an instruction of the linked kernel: another condition, immediate or operand, \
or no operation |
| spec | a guard or an update dropped, guards in the other order, another error, operator, \
field, number, in the transitions and what they use |
| invariant | a conjunct or premise dropped, another operator or constant, a statement denied, \
or made to contradict itself; T4 of one machine is asked first |
| barrier | in C, in the inline assembly and in the linked kernel: a barrier or TLBI dropped, \
weaker, swapped with what is next to it, a reuse before the flush or a write behind it, \
another ASID, not broadcast |
| vectors | an instruction of `vectors.S`, `direct.S` or `context_save_fp`: no operation, \
swapped with the next one, another register or offset; T1, T2 and T8 of all segments are \
asked, then T6 |

| column | meaning |
|---|---|
| T1 and so on | the theorems that turned red, of the first hypercall that was tried and \
failed, with a message that names it and a line |
| refusal | the verifier stopped at an instruction that it does not know, and said where |
| no change | the compiler made the same instructions of it, or the formulas of the \
specification are the same |
| equivalent | nothing that a theorem speaks of is different: `tests/verif/equivalent.txt` \
says why |
| open | all theorems that are asked hold, but it also affects a hypercall that is left out |
| timeout | undecided in five minutes |
| survived, error | a hole; the run fails |

Not among them: what only boot or a panic runs; a conjunct dropped from a statement of T5, which \
then says less and is as true.
"""


def _place(column: str) -> tuple[int, str]:
    """Theorems first, by name, then the rest in its order."""
    return (1 + COLUMNS.index(column) if column in COLUMNS else 0, column)


def rows(summary: Summary) -> list[str]:
    """A table: kinds by what they came to."""
    used = sorted((c for c in summary.total if summary.total[c]), key=_place)
    lines = [f"| kind | mutants | {' | '.join(used)} |", "|---|" + "--:|" * (len(used) + 1)]
    total: list[tuple[str, Counter[str]]] = [*summary.counts.items(), ("all", summary.total)]
    for kind, counts in total:
        figures = " | ".join(str(counts[c]) for c in used)
        lines.append(f"| {kind} | {sum(counts.values())} | {figures} |")
    return lines


def _list(title: str, mutants: tuple[Mutant, ...], notes: dict[str, str]) -> list[str]:
    if not mutants:
        return []
    return ["", f"## {title}", "", *(
        f"- `{m.identity}`, {m.line}: {m.change[:120]}"
        + (f"\n  {notes[m.identity]}" if notes.get(m.identity) else "") for m in mutants)]


def page(summary: Summary, found: dict[str, Verdict], sizes: dict[str, int], seed: int,
         left_out: tuple[str, ...]) -> str:
    """All of it, in Markdown."""
    sizes_text = ", ".join(f"{size} of kind {kind}" for kind, size in sizes.items())
    notes = {m.identity: reason for m, reason in summary.explained}
    messages = {m.identity: found[m.identity].message for m in summary.undecided}
    lines = [HEAD, f"Seed {seed}; chosen from {sizes_text}."
             + (f" Left out: {', '.join(left_out)}." if left_out else ""), "", *rows(summary)]
    lines += _list("Survivors", summary.survivors, {})
    lines += _list("Undecided", summary.undecided, messages)
    lines += _list("Equivalent", tuple(m for m, _ in summary.explained), notes)
    return "\n".join(line.rstrip() for line in lines) + "\n"
