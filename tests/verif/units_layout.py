# SPDX-License-Identifier: MIT
"""What the verifier reads of an ELF (pytest): segments, DWARF, objects, and cells of addresses."""
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "verif")]

from snippets import KERNEL  # noqa: E402

from verif import dwarf, image, layout  # noqa: E402
from verif.dwarf import Array, DebugInfo, Global, Member, Scalar, Struct, Type  # noqa: E402
from verif.errors import DwarfError, ImageError, StuckPath, UnmappedError  # noqa: E402
from verif.image import PF_W, PF_X, Image, Segment, Symbol  # noqa: E402
from verif.layout import recover  # noqa: E402
from verif.lin import const, symbol  # noqa: E402

WORD = Scalar(8)
LAYOUT = KERNEL.layout


# ---- the ELF ----

def test_only_executable_words_are_fetched() -> None:
    with pytest.raises(ImageError, match="no executable word"):
        KERNEL.image.word(KERNEL.image.markers["__rodata_start"] + 0x10000000)
    with pytest.raises(ImageError, match="no executable word"):
        KERNEL.image.word(LAYOUT.families["procs.state"].base)
    writable = Image(Path("x"), "", (Segment(0, 4, b"\0" * 4, PF_X | PF_W),), {}, {})
    with pytest.raises(ImageError, match="0x0"):
        writable.word(0)


def test_writable_data_is_no_constant() -> None:
    data = Image(Path("x"), "", (Segment(0, 16, b"\1" * 8, PF_W), Segment(64, 8, b"\2" * 8, 0)),
                 {}, {})
    assert data.constant(0, 8) is None
    assert data.constant(64, 4) == 0x02020202
    assert data.constant(68, 8) is None


def test_the_boot_section_is_not_there() -> None:
    """Neither its code nor its constants: from its first byte to its last, and no further."""
    markers = KERNEL.image.markers
    first, end = (markers[name] for name in image.BOOT)
    for address in (first, markers["__boot_text_end"] - 4):
        with pytest.raises(UnmappedError, match=f"{address:#x} is in the boot section"):
            KERNEL.image.word(address)
    for address in (first, markers["__boot_text_end"], markers["__boot_rodata_end"] - 8, end - 8):
        with pytest.raises(UnmappedError, match="not mapped any more"):
            KERNEL.image.constant(address, 8)
    kept = replace(KERNEL.image, markers={**markers, image.BOOT[1]: markers["__boot_text_end"]})
    assert kept.constant(markers["__boot_text_end"], 8) is not None, "it is the marker that counts"
    assert KERNEL.image.word(markers["__text_start"]) and \
        KERNEL.image.constant(markers["__rodata_start"], 8) is not None


def test_a_foreign_elf_is_refused() -> None:
    with pytest.raises(ImageError, match="not a static AArch64 executable"):
        image.load(Path(sys.executable))


# ---- DWARF ----

def built(folder: Path, text: str, *more: str) -> Path:
    """An ELF of C sources, each a compile unit."""
    objects = []
    for number, source in enumerate((text, *more)):
        path = folder / f"unit{number}.c"
        path.write_text(source + "\n")
        objects.append(path)
    out = folder / "a.elf"
    subprocess.run(["aarch64-linux-gnu-gcc", "-g", "-O0", "-ffreestanding", "-nostdlib", "-static",
                    "-no-pie", "-fno-pic", "-o", out, *objects], check=True)
    return out


START = "void _start(void) { for (;;); }\n"


def test_a_structure_is_read(tmp_path: Path) -> None:
    elf = built(tmp_path, START + "struct s { int a; long b[3][2]; } v[5] = { { 1 } };")
    found = dwarf.load(elf).variables["v"]
    inner = Array(Array(WORD, 2, 16), 3, 48)
    assert found.type == Array(
        Struct((Member("a", 0, Scalar(4)), Member("b", 8, inner)), 56), 5, 280)


@pytest.mark.parametrize("text, tag", [
    ("union u { int a; long b; } v = { 1 };", "DW_TAG_union_type"),
    ("volatile long v = 1;", "DW_TAG_volatile_type"),
    ("struct { long a : 3, b : 4; } v = { 1, 1 };", "DW_TAG_member"),
])
def test_an_unknown_kind_of_data_is_fatal(tmp_path: Path, text: str, tag: str) -> None:
    with pytest.raises(DwarfError, match=tag):
        dwarf.load(built(tmp_path, START + text))


def test_an_enumerator_has_one_value(tmp_path: Path) -> None:
    first, second = "enum e { LIMIT = 4 } v = LIMIT;", "enum f { LIMIT = 5 } w = LIMIT;"
    assert dwarf.load(built(tmp_path, START + first)).constants["LIMIT"] == 4
    with pytest.raises(DwarfError, match="LIMIT has two values"):
        dwarf.load(built(tmp_path, START + first, second))


# ---- objects ----

def laid_out(*items: tuple[str, int, Type], sizes: dict[str, int] | None = None) -> layout.Layout:
    """The layout of globals (name, address, type), with a symbol for each."""
    symbols = {name: Symbol(name, address, (sizes or {}).get(name, kind.size), False)
               for name, address, kind in items}
    variables = {name: Global(name, address, kind) for name, address, kind in items}
    return layout.build(Image(Path("x"), "", (), symbols, {}), DebugInfo(variables, {}, {}, ()))


def test_neighbours_do_not_overlap() -> None:
    assert len(laid_out(("a", 0x1000, WORD), ("b", 0x1008, WORD)).objects) == 2


def test_overlapping_objects_are_refused() -> None:
    with pytest.raises(DwarfError, match="a and b overlap"):
        laid_out(("a", 0x1000, Array(WORD, 2, 16)), ("b", 0x1008, WORD))


def test_a_symbol_of_another_size_is_refused() -> None:
    with pytest.raises(DwarfError, match="disagree"):
        laid_out(("a", 0x1000, WORD), sizes={"a": 16})


@pytest.mark.parametrize("members, size, message", [
    ((Member("x", 0, WORD), Member("y", 4, WORD)), 16, "a.y overlaps"),
    ((Member("x", 0, WORD), Member("y", 8, WORD)), 12, "exceed"),
    ((Member("x", 4, WORD),), 12, "not aligned"),
])
def test_a_bad_structure_is_refused(members: tuple[Member, ...], size: int, message: str) -> None:
    with pytest.raises(DwarfError, match=message):
        laid_out(("a", 0x1000, Struct(members, size)))


def test_a_stride_that_breaks_alignment_is_refused() -> None:
    element = Struct((Member("x", 0, WORD),), 12)
    with pytest.raises(DwarfError, match="not aligned"):
        laid_out(("a", 0x1000, Array(element, 4, 48)))


def test_no_families_overlap() -> None:
    """The premise of all reasoning about memory, for the kernel: fields of an object that share
    a byte would be two cells at one address."""
    for item in LAYOUT.objects:
        seen: dict[int, str] = {}
        for family in item.families:
            if not family.dims or family.dims[0].stride > 4096:
                continue
            inner = [family.offset]
            for dim in family.dims[1:]:
                inner = [at + dim.stride * i for at in inner for i in range(dim.count)]
            for at in inner:
                for byte in range(at, at + family.width):
                    assert seen.setdefault(byte, family.name) == family.name, (byte, family.name)


# ---- addresses ----

def test_address_recovery() -> None:
    pid, word = symbol("pid"), symbol("word")
    family = LAYOUT.families["procs.callers.word"]
    strides = [dim.stride for dim in family.dims]
    address = (const(family.base + family.offset) + pid.scaled(strides[0])
               + word.scaled(strides[1]))
    place = recover(LAYOUT, address)
    assert place.family.name == "procs.callers.word" and place.start == 0
    assert place.indices[0].same(pid) and place.indices[1].same(word)
    assert recover(LAYOUT, address.plus(4)).start == 4
    assert recover(LAYOUT, address.plus(strides[0])).indices[0].same(pid.plus(1))


def test_address_without_object_is_stuck() -> None:
    base = LAYOUT.families["procs.state"].base
    with pytest.raises(StuckPath, match="lies in no object"):
        recover(LAYOUT, symbol("anything"))
    with pytest.raises(StuckPath, match="0 fields of procs"):
        recover(LAYOUT, const(base) + symbol("x").scaled(12))
    end = max(o.base + o.size for o in LAYOUT.objects if o.name == "procs")
    with pytest.raises(StuckPath):
        recover(LAYOUT, const(end + (1 << 40)))


def test_a_stack_is_reached_through_sp_only() -> None:
    with pytest.raises(StuckPath, match="other than through SP"):
        recover(LAYOUT, const(LAYOUT.families["cpu_stacks"].base))


def test_an_index_beyond_the_array_is_another_field_or_none() -> None:
    one = laid_out(("a", 0x1000, Array(WORD, 4, 32)), ("b", 0x2000, WORD))
    assert recover(one, const(0x1018)).indices[0].const == 3
    with pytest.raises(StuckPath):
        recover(one, const(0x1020))
    hidden = replace(one, objects=one.objects[1:])
    with pytest.raises(StuckPath):
        recover(hidden, const(0x1000))
