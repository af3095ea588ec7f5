# SPDX-License-Identifier: MIT
"""The linked kernel, as the layout tests look at it: symbols and branches.

Addresses are those of the ELF (EL2 virtual, bytes). The boot section is the
first BOOT_SIZE bytes; everything executable behind it is called resident.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from elftools.elf.constants import P_FLAGS, SH_FLAGS
from elftools.elf.elffile import ELFFile

from harness import BUILD, ROOT, output

BRANCH = re.compile(r"^(b|b\.\w+|cbz|cbnz|tbz|tbnz|bl)$")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+([0-9a-f]{8})\s+(\S+)\s*(.*)$")
LABEL = re.compile(r"^([0-9a-f]+) <(.*)>:$")


@dataclass(frozen=True)
class Section:
    name: str
    address: int
    size: int
    is_alloc: bool
    is_exec: bool
    is_write: bool
    has_bits: bool


@dataclass(frozen=True)
class Instruction:
    address: int
    word: int
    mnemonic: str
    operands: str
    function: str

    @property
    def target(self) -> int | None:
        """Where a direct branch goes."""
        if not BRANCH.match(self.mnemonic):
            return None
        last = self.operands.split("<")[0].split(",")[-1].strip()
        return int(last, 16)

    @property
    def is_call(self) -> bool:
        return self.mnemonic in ("bl", "blr")

    @property
    def falls_through(self) -> bool:
        return self.mnemonic not in ("b", "br", "ret", "eret")


def layout_constant(name: str) -> int:
    """A #define of kernel/layout.h that is a plain number."""
    text = (ROOT / "kernel/layout.h").read_text()
    match = re.search(rf"^#define\s+{name}\s+(0x[0-9a-fA-F]+|\d+)\b", text, re.M)
    assert match is not None, f"{name} is not in kernel/layout.h"
    return int(match.group(1), 0)


@dataclass(frozen=True)
class Kernel:
    path: Path
    sections: tuple[Section, ...]
    segments: tuple[tuple[bool, bool], ...]  # (writable, executable)
    symbols: dict[str, tuple[int, int]]  # address, size
    instructions: dict[int, Instruction] = field(repr=False)
    boot_start: int = 0
    boot_end: int = 0

    def is_boot(self, address: int) -> bool:
        return self.boot_start <= address < self.boot_end

    def resident(self) -> list[Instruction]:
        return [i for i in self.instructions.values() if not self.is_boot(i.address)]

    def function_of(self, address: int) -> str:
        return self.instructions[address].function


def disassemble(path: Path) -> dict[int, Instruction]:
    text = output("aarch64-linux-gnu-objdump", "-d", "-w", path)
    found: dict[int, Instruction] = {}
    function = "?"
    for line in text.splitlines():
        label = LABEL.match(line)
        if label:
            function = label.group(2)
            continue
        match = LINE.match(line)
        if match:
            address = int(match.group(1), 16)
            operands = match.group(4).split("//")[0].strip()
            found[address] = Instruction(address, int(match.group(2), 16), match.group(3),
                                         operands, function)
    return found


@cache
def kernel(path: Path = BUILD / "hv8.elf") -> Kernel:
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        sections = tuple(
            Section(s.name, s["sh_addr"], s["sh_size"], bool(s["sh_flags"] & SH_FLAGS.SHF_ALLOC),
                    bool(s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR),
                    bool(s["sh_flags"] & SH_FLAGS.SHF_WRITE), s["sh_type"] != "SHT_NOBITS")
            for s in elf.iter_sections())
        segments = tuple((bool(p["p_flags"] & P_FLAGS.PF_W), bool(p["p_flags"] & P_FLAGS.PF_X))
                         for p in elf.iter_segments() if p["p_type"] == "PT_LOAD")
        table = elf.get_section_by_name(".symtab")
        symbols = {s.name: (s["st_value"], s["st_size"]) for s in table.iter_symbols()
                   if s.name and s["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE")
                   and not s.name.startswith("$")}
    start = layout_constant("KERNEL_VA")
    return Kernel(path, sections, segments, symbols, disassemble(path),
                  start, start + layout_constant("BOOT_SIZE"))


def cycles(edges: dict[int, list[int]]) -> list[list[int]]:
    """Strongly connected components that hold a cycle (Tarjan, iterative)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    found: list[list[int]] = []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges.get(root, [])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(edges.get(successor, []))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    if len(component) > 1 or node in edges.get(node, []):
                        found.append(sorted(component))
    return found
