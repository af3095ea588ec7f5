# SPDX-License-Identifier: MIT
"""The flattened device tree of a machine (Devicetree Specification 0.4, chapters 2.3 and 5), read
without libfdt and without the kernel's help."""
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import BootError

BEGIN, END, PROPERTY, NOP = 1, 2, 3, 4
OFF_STRUCT, OFF_STRINGS = 8, 12

Region = tuple[int, int]    # physical address and bytes


@dataclass
class Node:
    """`offset` is that of its first token in the structure block; `above` is None of the root."""

    offset: int
    name: str
    above: "Node | None"
    properties: dict[str, bytes] = field(default_factory=dict)

    def strings(self, name: str) -> tuple[str, ...]:
        """A property that is a list of strings."""
        raw = self.properties.get(name, b"")
        return tuple(part.decode("ascii", "replace") for part in raw.split(b"\0") if part)

    def line(self) -> "Iterator[Node]":
        """The node, and those above it up to the root."""
        at: Node | None = self
        while at is not None:
            yield at
            at = at.above

    @property
    def is_enabled(self) -> bool:
        """It is, and all above it."""
        return all(n.strings("status")[:1] in ((), ("okay",), ("ok",)) for n in self.line())

    def cells(self, name: str, otherwise: int) -> int:
        """#address-cells or #size-cells, for the nodes below."""
        raw = self.properties.get(name)
        return int.from_bytes(raw, "big") if raw is not None and len(raw) == 4 else otherwise

    @property
    def widths(self) -> tuple[int, int]:
        """Bytes of an address and of a size on this bus."""
        return 4 * self.cells("#address-cells", 2), 4 * self.cells("#size-cells", 1)

    def regions(self) -> Iterator[Region]:
        """What of `reg` the CPU reaches, up to the first that it does not."""
        if self.above is None or "reg" not in self.properties:
            return
        raw, (address, size) = self.properties["reg"], self.above.widths
        if not 0 < address <= 8 or size > 8:
            return
        for at in range(0, len(raw) - address - size + 1, address + size):
            begin = int.from_bytes(raw[at:at + address], "big")
            length = int.from_bytes(raw[at + address:at + address + size], "big")
            pa = self.above.translated(begin, length)
            if pa is None:
                return
            yield pa, length

    def translated(self, begin: int, length: int) -> int | None:
        """Where the CPU sees bytes of this bus; None if it does not see all of them."""
        if self.above is None:
            return begin
        raw, wide = self.properties.get("ranges"), self.above.widths[0]
        address, size = self.widths
        if raw is None or not 0 < address <= 8 or size > 8 or not 0 < wide <= 8:
            return None
        if not raw:
            return self.above.translated(begin, length)
        step = address + wide + size
        for at in range(0, len(raw) - step + 1, step):
            low, high, room = (int.from_bytes(raw[at + a:at + b], "big") for a, b in
                               ((0, address), (address, address + wide), (address + wide, step)))
            if low <= begin < low + room and begin + length <= low + room:
                return self.above.translated(begin - low + high, length)
        return None


def nodes(blob: bytes) -> list[Node]:
    """All nodes, in the order of the tree. BootError if it is cut off or has another token."""
    def word(at: int) -> int:
        return int(struct.unpack_from(">I", blob, at)[0])

    def text(at: int) -> bytes:
        return blob[at:blob.index(b"\0", at)]

    found: list[Node] = []
    above: Node | None = None
    begin = at = word(OFF_STRUCT)
    try:
        while True:
            token = word(at)
            if token == BEGIN:
                name = text(at + 4)
                above = Node(at - begin, name.decode("ascii", "replace"), above)
                found.append(above)
                at += 4 + (len(name) + 4 & ~3)
            elif token == PROPERTY and above is not None:
                size, where = word(at + 4), word(OFF_STRINGS) + word(at + 8)
                value = blob[at + 12:at + 12 + size]
                above.properties[text(where).decode("ascii", "replace")] = value
                at += 12 + (size + 3 & ~3)
            elif token == END and above is not None:
                above, at = above.above, at + 4
                if above is None:
                    return found
            elif token == NOP:
                at += 4
            else:
                raise BootError(f"the device tree has a token {token:#x}")
    except (struct.error, ValueError):
        raise BootError("the device tree is cut off") from None
