# SPDX-License-Identifier: MIT
"""Damages device trees, in ways that get past the header as often as not."""

import random
import struct
from collections.abc import Callable

TOKENS = (1, 2, 3, 4, 9)        # begin node, end node, property, nothing, end
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_F000, 0x4000_0000)
HEADER = 40
AT_TOTAL, AT_STRUCT, AT_STRUCT_SIZE = 4, 8, 36


def _word(tree: bytearray, at: int) -> int:
    value, = struct.unpack_from(">I", tree, at)
    return int(value)


def _place(tree: bytearray, rng: random.Random) -> int:
    """A word of the structure block, or now and then of anything."""
    begin, size = _word(tree, AT_STRUCT), _word(tree, AT_STRUCT_SIZE)
    if rng.random() < 0.9 and HEADER <= begin < begin + size <= len(tree):
        return begin + 4 * rng.randrange(max(1, size // 4))
    return 4 * rng.randrange(max(1, len(tree) // 4))


def _flip(tree: bytearray, rng: random.Random) -> None:
    tree[_place(tree, rng) + rng.randrange(4)] ^= 1 << rng.randrange(8)


def _byte(tree: bytearray, rng: random.Random) -> None:
    tree[_place(tree, rng) + rng.randrange(4)] = rng.randrange(256)


def _number(tree: bytearray, rng: random.Random) -> None:
    struct.pack_into(">I", tree, _place(tree, rng), rng.choice(NUMBERS))


def _token(tree: bytearray, rng: random.Random) -> None:
    struct.pack_into(">I", tree, _place(tree, rng), rng.choice(TOKENS))


def _near(tree: bytearray, rng: random.Random) -> None:
    """A number a little larger or smaller: lengths, addresses, cells."""
    at = _place(tree, rng)
    number = _word(tree, at) + rng.choice((-8, -4, -1, 1, 4, 8))
    struct.pack_into(">I", tree, at, number % (1 << 32))


def _copy(tree: bytearray, rng: random.Random) -> None:
    """Some words over others: properties twice, nodes in nodes."""
    size = 4 * rng.randrange(1, 64)
    source, target = _place(tree, rng), _place(tree, rng)
    data = tree[source:source + size]
    tree[target:target + len(data)] = data


def _erase(tree: bytearray, rng: random.Random) -> None:
    """Words that say nothing (FDT_NOP)."""
    at, count = _place(tree, rng), rng.randrange(1, 32)
    for word in range(at, min(at + 4 * count, len(tree) - 3), 4):
        struct.pack_into(">I", tree, word, 4)


def _cut(tree: bytearray, rng: random.Random) -> None:
    """Shorter, and it may say so."""
    del tree[rng.randrange(HEADER, len(tree) + 1) // 4 * 4:]
    if rng.random() < 0.8:
        struct.pack_into(">I", tree, AT_TOTAL, len(tree))


def _header(tree: bytearray, rng: random.Random) -> None:
    at = 4 * rng.randrange(HEADER // 4)
    value = rng.choice((rng.choice(NUMBERS), _word(tree, at) + rng.choice((-4, 4, 1 << 20)),
                        len(tree)))
    struct.pack_into(">I", tree, at, value % (1 << 32))


def _reservation(tree: bytearray, rng: random.Random) -> None:
    """One more entry in place of the end of the list, and so on beyond it."""
    at = _word(tree, 16)
    if HEADER <= at <= len(tree) - 32:
        struct.pack_into(">QQ", tree, at, rng.getrandbits(rng.choice((16, 32, 64))),
                         rng.getrandbits(rng.choice((16, 32, 64))))


CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _byte, _number, _number, _token, _near, _near, _copy, _erase, _cut, _header,
    _reservation)


def damaged(tree: bytes, rng: random.Random) -> bytes:
    """The same tree after one to six changes; at least a header long. What it says of its
    size may be more than it has: those bytes are the caller's to provide."""
    result = bytearray(tree)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        before = bytes(result)
        rng.choice(CHANGES)(result, rng)
        if len(result) < HEADER + 32:
            result = bytearray(before)
    return bytes(result)
