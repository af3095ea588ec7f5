#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rules about the linked kernel: what it may hold once boot is over."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from binary import Instruction, cycles, kernel  # noqa: E402
from harness import BUILD, ROOT, Suite, command, main, output  # noqa: E402

suite = Suite("layout/binary", serial=True)

# Loops that exist after boot, each with the reason why it may. The leaf
# routines have a constant trip count; who waits for the lock gets it; the idle loop waits in WFI;
# what prints the panic and stops the machine never returns to anybody.
LOOPS = {
    "page_zero": "leaf: one page",
    "page_copy": "leaf: one page",
    "page_sync": "leaf: one page",
    "lock_take": "the lock: its turn comes (T9)",
    "lock_take_full": "the same",
    "lock_wait_full": "the same",
    "lock_take_call": "the same",
    "lock_wait_call": "the same",
    "lock_take_reply": "the same",
    "lock_wait_reply": "the same",
    "vectors_load": "idle: waits in wfi",
    "vectors_idle": "idle: waits in wfi",
    "panic": "an exception at EL2, which must not exist",
    "put_string": "panic's",
    "put_hex": "panic's",
}

# Where FP/SIMD registers are saved, restored and zeroed.
FP_USERS = {"context_save_fp", "context_load_fp"}

ERROR_WORDS = re.compile(r"^(brk|hlt|udf|\.inst|\.word)")


def base(function: str) -> str:
    return function.split(".")[0]


def edges(instructions: list[Instruction]) -> dict[int, list[int]]:
    """Control flow within functions and along tail calls, calls left out."""
    known = {i.address for i in instructions}
    graph = {}
    for i in instructions:
        successors = []
        if i.falls_through and i.address + 4 in known:
            successors.append(i.address + 4)
        if i.target in known and not i.is_call:
            successors.append(i.target)
        graph[i.address] = successors
    return graph


@suite.test
def no_loop_is_left_after_boot() -> None:
    binary = kernel()
    wrong = []
    for component in cycles(edges(binary.resident())):
        functions = {base(binary.function_of(address)) for address in component}
        if not functions <= set(LOOPS):
            wrong.append(f"{sorted(functions)} at {component[0]:#x}")
    assert not wrong, wrong


@suite.test
def what_panic_prints_with_is_its_own() -> None:
    binary = kernel()
    theirs = {name for name, reason in LOOPS.items() if reason == "panic's"}
    wrong = [f"{i.function} calls {callee}" for i in binary.resident()
             if i.target in binary.instructions
             and (callee := base(binary.function_of(i.target))) in theirs
             and base(i.function) not in theirs | {"panic"}]
    assert not wrong, wrong


@suite.test
def only_boot_turns_the_timer_on_or_off() -> None:
    """T9 says when the EL2 timer fires if it is enabled and not masked."""
    def writers(instructions: Iterable[Instruction]) -> list[str]:
        return [i.function for i in instructions
                if i.mnemonic == "msr" and i.operands.startswith("cnthp_ctl_el2")]
    binary = kernel()
    assert writers(binary.instructions.values()) and not writers(binary.resident())


@suite.test
def no_recursion() -> None:
    """The call graph of direct calls and tail calls has no cycle but idle's."""
    binary = kernel()
    names: dict[str, int] = {}
    graph: dict[int, list[int]] = {}
    for i in binary.resident():
        caller = names.setdefault(base(i.function), len(names))
        graph.setdefault(caller, [])
        target = i.target
        if target is None or target not in binary.instructions:
            continue
        callee = base(binary.function_of(target))
        if callee != base(i.function):
            graph[caller].append(names.setdefault(callee, len(names)))
    called = {number: name for name, number in names.items()}
    wrong = []
    for component in cycles(graph):
        functions = {called[number] for number in component}
        if not all(f.startswith(("vectors_", "el2_vectors", "direct_")) for f in functions):
            wrong.append(sorted(functions))
    assert not wrong, wrong


@suite.test
def indirect_branches_only_at_the_entry() -> None:
    wrong = [f"{i.function}: {i.mnemonic} {i.operands}" for i in kernel().resident()
             if i.mnemonic in ("br", "blr")
             and not i.function.startswith(("vectors_", "el2_vectors"))]
    assert not wrong, wrong


@suite.test
def no_breakpoint_or_undefined_word() -> None:
    wrong = [f"{i.function}: {i.mnemonic} {i.operands}" for i in kernel().resident()
             if ERROR_WORDS.match(i.mnemonic) and i.word != 0]
    assert not wrong, wrong


@suite.test
def no_simd_but_to_switch_it() -> None:
    register = re.compile(r"\b[qdshbv]\d+\b")
    wrong = [f"{i.function}: {i.mnemonic} {i.operands}" for i in kernel().resident()
             if register.search(i.operands.split("<")[0]) and base(i.function) not in FP_USERS]
    assert not wrong, wrong


@suite.test
def resident_code_does_not_reach_into_boot() -> None:
    binary = kernel()
    wrong = []
    for i in binary.resident():
        target = i.target
        if target is None and i.mnemonic in ("adrp", "adr"):
            target = int(i.operands.split(",")[1].split("<")[0].strip(), 16)
        if target is not None and binary.is_boot(target):
            wrong.append(f"{i.function}: {i.mnemonic} {i.operands}")
    assert not wrong, wrong


@suite.test
def libfdt_is_in_the_boot_section() -> None:
    binary = kernel()
    names = [name for name in binary.symbols if name.startswith("fdt_")]
    assert names, "libfdt is not there at all"
    wrong = [name for name in names if not binary.is_boot(binary.symbols[name][0])]
    assert not wrong, wrong


@suite.test
def only_boot_objects_want_libfdt() -> None:
    wrong = []
    for path in sorted((BUILD / "kernel").glob("*.o")):
        wanted = output("aarch64-linux-gnu-nm", "-u", path)
        if "fdt_" in wanted and not path.name.startswith("boot"):
            wrong.append(path.name)
    assert not wrong, wrong


@suite.test
def nothing_is_writable_and_executable() -> None:
    binary = kernel()
    assert not [s.name for s in binary.sections if s.is_alloc and s.is_write and s.is_exec]
    assert not [s for s in binary.segments if s[0] and s[1]]


@suite.test
def table_and_handlers_agree() -> None:
    """Each hypercall has its handler and each handler its hypercall."""
    table = (ROOT / "include/uapi/hypercall.def").read_text()
    named = {f"hc_{name}" for name in re.findall(r"^HC\d\(\d+, (\w+),", table, re.M)}
    present = {name for name in kernel().symbols if name.startswith("hc_")}
    assert named == present, named ^ present


@suite.test
def erratum_843419_sequence_is_gone() -> None:
    """Conservative: adrp in the last two words of a page, then a load or
    store, then within two more a load or store off the adrp's register."""
    binary = kernel()
    wrong = []

    def is_memory(word: int) -> bool:
        return (word >> 25) & 0b0101 == 0b0100  # op0 = x1x0: loads and stores

    for address, i in binary.instructions.items():
        if i.mnemonic != "adrp" or address & 0xFFF not in (0xFF8, 0xFFC):
            continue
        following = [binary.instructions.get(address + 4 * n) for n in (1, 2, 3)]
        register = i.word & 31
        if following[0] is None or not is_memory(following[0].word):
            continue
        for later in following[1:]:
            if later and (later.word >> 24) & 0x3B == 0x39 and (later.word >> 5) & 31 == register:
                wrong.append(f"{i.function} at {address:#x}")
    assert not wrong, wrong


@suite.test
def no_stray_clones_of_functions() -> None:
    """GCC may split or clone; then a name no longer means one function."""
    wrong = [name for name, (address, size) in kernel().symbols.items()
             if re.search(r"\.(isra|part|cold|constprop|lto_priv)\b", name)
             and size and not kernel().is_boot(address)]
    assert not wrong, wrong


@suite.test
def size_is_within_its_limit() -> None:
    done = command(sys.executable, "tools/size.py", BUILD / "hv8.elf")
    assert done.returncode == 0, done.stdout.decode()


@suite.test
def build_is_reproducible() -> None:
    """The same sources give the same bytes in another directory."""
    again = BUILD / "again"
    command("rm", "-rf", again)
    (again / "libfdt").mkdir(parents=True)
    command("cp", "-a", BUILD / "libfdt/.", again / "libfdt/")
    output("make", "B=build/again", "dist", timeout=300)
    output("make", "dist", timeout=300)
    names = [path.name for path in sorted((BUILD / "dist").iterdir())]
    assert {"hv8.elf", "hv8.img", "initrd.cpio", "BOOTAA64.EFI", "hv8-efi.img.gz",
            "SHA256SUMS"} <= {*names}
    for name in names:
        first, second = (root / "dist" / name for root in (BUILD, again))
        assert first.read_bytes() == second.read_bytes(), f"{name} differs"
    command("rm", "-rf", again)


if __name__ == "__main__":
    sys.exit(main([suite]))
