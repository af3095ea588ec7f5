# SPDX-License-Identifier: MIT
"""What the compiler says about types: global objects, enumerators, functions, lines.

DWARF 5 (https://dwarfstd.org/dwarf5std.html), chapters 5 and 7. Tags that are
neither read nor known to be irrelevant to data layout are fatal.
"""
from dataclasses import dataclass
from pathlib import Path

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from .errors import DwarfError

# Tags below a compile unit whose content says nothing about the layout of globals.
CODE_TAGS = frozenset({
    "DW_TAG_subprogram", "DW_TAG_dwarf_procedure", "DW_TAG_label", "DW_TAG_GNU_call_site",
})
TYPE_TAGS = frozenset({
    "DW_TAG_base_type", "DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type",
    "DW_TAG_structure_type", "DW_TAG_array_type", "DW_TAG_enumeration_type",
    "DW_TAG_pointer_type", "DW_TAG_subroutine_type", "DW_TAG_union_type",
    "DW_TAG_restrict_type", "DW_TAG_unspecified_type",
})


@dataclass(frozen=True)
class Scalar:
    """A base type, enumeration or pointer of `size` bytes."""

    size: int


@dataclass(frozen=True)
class Array:
    """`count` elements, `size` bytes in all."""

    element: "Type"
    count: int
    size: int


@dataclass(frozen=True)
class Member:
    """A member at `offset` bytes."""

    name: str
    offset: int
    type: "Type"


@dataclass(frozen=True)
class Struct:
    """A structure of `size` bytes."""

    members: tuple[Member, ...]
    size: int


Type = Scalar | Array | Struct


@dataclass(frozen=True)
class Global:
    """A variable with static storage at `address`."""

    name: str
    address: int
    type: Type


@dataclass(frozen=True)
class Function:
    """A function's parameter names, in order, and where it is written."""

    name: str
    parameters: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True)
class DebugInfo:
    """All that the later stages take from DWARF."""

    variables: dict[str, Global]
    constants: dict[str, int]
    functions: dict[str, Function]
    lines: tuple[tuple[int, str, int], ...]

    def line_of(self, address: int) -> str:
        """`file:line` of the row with the greatest address not above `address`."""
        low, high = 0, len(self.lines)
        while low < high:
            middle = (low + high) // 2
            if self.lines[middle][0] <= address:
                low = middle + 1
            else:
                high = middle
        return f"{self.lines[low - 1][1]}:{self.lines[low - 1][2]}" if low else "?"


def _name(die: DIE) -> str:
    attribute = die.attributes.get("DW_AT_name")
    return attribute.value.decode() if attribute else ""


def _number(die: DIE, attribute: str) -> int | None:
    found = die.attributes.get(attribute)
    if found is None:
        return None
    if not isinstance(found.value, int):
        raise DwarfError(f"{attribute} of {die.tag} at {die.offset:#x} is not a constant")
    return found.value


def _array(die: DIE) -> Type:
    element = type_of(die.get_DIE_from_attribute("DW_AT_type"))
    counts = []
    for child in die.iter_children():
        if child.tag != "DW_TAG_subrange_type":
            raise DwarfError(f"{child.tag} in an array type at {child.offset:#x}")
        upper = _number(child, "DW_AT_upper_bound")
        counts.append(0 if upper is None else upper + 1)
    for count in reversed(counts):
        element = Array(element, count, count * element.size)
    return element


def _struct(die: DIE) -> Struct:
    members = []
    for child in die.iter_children():
        if child.tag in TYPE_TAGS:
            continue
        if child.tag != "DW_TAG_member" or "DW_AT_data_bit_offset" in child.attributes:
            raise DwarfError(f"{child.tag} in a structure at {child.offset:#x}")
        offset = _number(child, "DW_AT_data_member_location")
        if offset is None:
            raise DwarfError(f"member without a place at {child.offset:#x}")
        members.append(Member(_name(child), offset,
                              type_of(child.get_DIE_from_attribute("DW_AT_type"))))
    return Struct(tuple(members), _number(die, "DW_AT_byte_size") or 0)


def type_of(die: DIE) -> Type:
    """The type that `die` describes; DwarfError for a tag that is not modelled."""
    if die.tag in ("DW_TAG_typedef", "DW_TAG_const_type"):
        return type_of(die.get_DIE_from_attribute("DW_AT_type"))
    if die.tag in ("DW_TAG_base_type", "DW_TAG_enumeration_type", "DW_TAG_pointer_type"):
        return Scalar(_number(die, "DW_AT_byte_size") or 8)
    if die.tag == "DW_TAG_array_type":
        return _array(die)
    if die.tag == "DW_TAG_structure_type":
        return _struct(die)
    raise DwarfError(f"{die.tag} at {die.offset:#x} is not modelled as the type of data")


def _address(die: DIE) -> int | None:
    """The constant of a DW_OP_addr location (2.6.1.1.2), else None."""
    place = die.attributes.get("DW_AT_location")
    if place is None or not isinstance(place.value, list) or len(place.value) != 9:
        return None
    return int.from_bytes(bytes(place.value[1:]), "little") if place.value[0] == 0x03 else None


def _function(die: DIE, files: list[str]) -> Function:
    parameters = tuple(_name(c) for c in die.iter_children() if c.tag == "DW_TAG_formal_parameter")
    return Function(_name(die), parameters, files[_number(die, "DW_AT_decl_file") or 0],
                    _number(die, "DW_AT_decl_line") or 0)


def _files(program: object) -> list[str]:
    header = program.header  # type: ignore[attr-defined]
    folders = [d.decode() if isinstance(d, bytes) else d for d in header["include_directory"]]
    names = []
    for entry in header["file_entry"]:
        folder = folders[entry.dir_index] if entry.dir_index < len(folders) else ""
        name = entry.name.decode()
        names.append(name if folder in ("", ".") or name.startswith("/") or "/" in name
                     else f"{folder.removeprefix('./')}/{name}")
    return names


def _rows(program: object, files: list[str]) -> list[tuple[int, str, int]]:
    rows = []
    for entry in program.get_entries():  # type: ignore[attr-defined]
        state = entry.state
        if state is not None and not state.end_sequence:
            rows.append((state.address, files[state.file], state.line))
    return rows


class _Reader:
    """Collects the facts of one compile unit after the other."""

    def __init__(self) -> None:
        self.variables: dict[str, Global] = {}
        self.constants: dict[str, int] = {}
        self.functions: dict[str, Function] = {}
        self.rows: list[tuple[int, str, int]] = []
        self._declared: dict[str, list[tuple[int, int]]] = {}

    def top(self, die: DIE, files: list[str]) -> None:
        """One child of a compile unit."""
        if die.tag == "DW_TAG_enumeration_type":
            for child in die.iter_children():
                self._constant(_name(child), _number(child, "DW_AT_const_value") or 0)
        elif die.tag == "DW_TAG_variable":
            self._variable(die)
        elif die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes:
            text = die if "DW_AT_abstract_origin" not in die.attributes else \
                die.get_DIE_from_attribute("DW_AT_abstract_origin")
            if _name(text):
                self.functions[_name(text)] = _function(text, files)
        elif die.tag not in TYPE_TAGS and die.tag not in CODE_TAGS:
            raise DwarfError(f"{die.tag} at {die.offset:#x} is not modelled")

    def _constant(self, name: str, value: int) -> None:
        if self.constants.setdefault(name, value) != value:
            raise DwarfError(f"enumerator {name} has two values")

    def _variable(self, die: DIE) -> None:
        address = _address(die)
        if address is None:
            return
        source = die
        if "DW_AT_specification" in die.attributes:
            source = die.get_DIE_from_attribute("DW_AT_specification")
        holder = die if "DW_AT_type" in die.attributes else source
        name = _name(source)
        self.variables[name] = Global(name, address,
                                      type_of(holder.get_DIE_from_attribute("DW_AT_type")))


def load(path: Path, skip_file: str = "kernel/boot") -> DebugInfo:
    """Reads the DWARF of `path`, leaving out compile units whose name starts with `skip_file`."""
    reader = _Reader()
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        if not elf.has_dwarf_info():
            raise DwarfError(f"{path} has no DWARF")
        info = elf.get_dwarf_info()
        for unit in info.iter_CUs():
            top = unit.get_top_DIE()
            name = _name(top)
            if name.startswith(skip_file) or "libfdt" in name:
                continue
            program = info.line_program_for_CU(unit)
            files = _files(program)
            for die in top.iter_children() if not name.endswith(".S") else ():
                reader.top(die, files)
            reader.rows += _rows(program, files)
    return DebugInfo(reader.variables, reader.constants, reader.functions,
                     tuple(sorted(reader.rows)))
