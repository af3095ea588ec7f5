# SPDX-License-Identifier: MIT
"""Kernel state as families of typed cells, from DWARF and the symbol table.

A family is one scalar field of one object for all indices: `procs.callers.word`
has the dimensions (256 bytes, 128) and (8 bytes, 2). No two families overlap,
so a cell is a family and its indices, and nothing else aliases it.
"""
from dataclasses import dataclass

from .dwarf import Array, DebugInfo, Global, Scalar, Struct, Type
from .errors import DwarfError, StuckPath
from .image import PF_W, Image
from .lin import MASK64, Lin, const, signed


@dataclass(frozen=True)
class Dim:
    """One index: `count` elements, `stride` bytes apart."""

    stride: int
    count: int


@dataclass(frozen=True)
class Family:
    """All cells of one field: at base + offset + sum stride * index, `width` bytes each."""

    name: str
    base: int
    offset: int
    dims: tuple[Dim, ...]
    width: int


@dataclass(frozen=True)
class Object:
    """A global variable and its families."""

    name: str
    base: int
    size: int
    families: tuple[Family, ...]
    is_stack: bool


@dataclass(frozen=True)
class Place:
    """A cell, or part of one: `start` is the byte within the cell."""

    family: Family
    indices: tuple[Lin, ...]
    start: int


@dataclass(frozen=True)
class Layout:
    """Every object of the kernel's state."""

    objects: tuple[Object, ...]
    families: dict[str, Family]

    def object_at(self, address: int) -> Object | None:
        """The object that holds `address`, or None."""
        for item in self.objects:
            if item.base <= address < item.base + item.size:
                return item
        return None


def _families(name: str, kind: Type, base: int, offset: int, dims: tuple[Dim, ...]) -> list[Family]:
    if isinstance(kind, Scalar):
        return [Family(name, base, offset, dims, kind.size)]
    if isinstance(kind, Array):
        return _families(name, kind.element, base, offset,
                         dims + (Dim(kind.element.size, kind.count),))
    found = []
    for member in kind.members:
        found += _families(f"{name}.{member.name}", member.type, base, offset + member.offset, dims)
    return found


def _check_struct(name: str, kind: Type) -> None:
    """Members do not overlap and lie within their structure."""
    if isinstance(kind, Array):
        _check_struct(name, kind.element)
    if not isinstance(kind, Struct):
        return
    end = 0
    for member in sorted(kind.members, key=lambda m: m.offset):
        if member.offset < end:
            raise DwarfError(f"{name}.{member.name} overlaps its neighbour")
        end = member.offset + member.type.size
        _check_struct(f"{name}.{member.name}", member.type)
    if end > kind.size:
        raise DwarfError(f"members of {name} exceed its {kind.size} bytes")


def _is_writable(image: Image, address: int) -> bool:
    for seg in image.segments:
        if seg.base <= address < seg.base + seg.size:
            return bool(seg.flags & PF_W)
    return True


def _object(image: Image, item: Global) -> Object:
    symbol = image.symbols.get(item.name)
    if symbol is None or symbol.address != item.address or symbol.size != item.type.size:
        raise DwarfError(f"{item.name}: DWARF and the symbol table disagree")
    _check_struct(item.name, item.type)
    families = tuple(_families(item.name, item.type, item.address, 0, ()))
    for family in families:
        where = family.base + family.offset
        if where % family.width or any(d.stride % family.width for d in family.dims):
            raise DwarfError(f"{family.name} is not aligned to its {family.width} bytes")
    return Object(item.name, item.address, item.type.size, families, item.name == "cpu_stacks")


def build(image: Image, debug: DebugInfo) -> Layout:
    """Objects in writable memory; DwarfError if they overlap or are not what DWARF says."""
    objects = sorted((_object(image, g) for g in debug.variables.values()
                      if _is_writable(image, g.address)), key=lambda o: o.base)
    for left, right in zip(objects, objects[1:]):
        if left.base + left.size > right.base:
            raise DwarfError(f"{left.name} and {right.name} overlap")
    families = {f.name: f for o in objects for f in o.families}
    if len(families) != sum(len(o.families) for o in objects):
        raise DwarfError("two families have one name")
    return Layout(tuple(objects), families)


def _split_terms(family: Family, address: Lin) -> list[Lin] | None:
    """Each coeff * atom goes to the widest dimension whose stride divides it."""
    parts = [const(0) for _ in family.dims]
    for key, (atom, coeff) in address.terms.items():
        step = signed(coeff, 64)
        for at, dim in enumerate(family.dims):
            if step % dim.stride == 0:
                parts[at] = parts[at] + Lin(0, {key: (atom, (step // dim.stride) & MASK64)})
                break
        else:
            return None
    return parts


def _match(family: Family, address: Lin) -> Place | None:
    parts = _split_terms(family, address)
    if parts is None:
        return None
    rest = signed(address.const - family.base - family.offset, 64)
    indices = []
    for dim, part in zip(family.dims, parts):
        quotient, rest = divmod(rest, dim.stride)
        if not 0 <= quotient < dim.count:
            return None
        indices.append(part.plus(quotient))
    if not 0 <= rest < family.width:
        return None
    return Place(family, tuple(indices), rest)


def recover(layout: Layout, address: Lin) -> Place:
    """The cell at `address`: exact modulo 2**64, and unique once each index is below its count.

    StuckPath if the constant part lies in no object or the strides do not fit.
    """
    item = layout.object_at(address.const)
    if item is None:
        raise StuckPath(f"address {describe(address)} lies in no object", address.z)
    if item.is_stack:
        raise StuckPath(f"{item.name} is reached other than through SP")
    found = [p for p in (_match(f, address) for f in item.families) if p is not None]
    if len(found) != 1:
        raise StuckPath(f"address {describe(address)} is {len(found)} fields of {item.name}")
    return found[0]


def describe(address: Lin) -> str:
    """A short text of a linear form."""
    parts = [f"{signed(c, 64)}*{str(a)[:60]}" for a, c in address.terms.values()]
    return " + ".join([f"{address.const:#x}", *parts])
