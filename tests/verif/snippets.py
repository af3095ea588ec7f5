# SPDX-License-Identifier: MIT
"""Assembly for the unit tests: a routine of its own in the address space of the tested kernel."""
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from verif import target
from verif.explore import Explorer, Exploration, standard_start
from verif.image import PF_X, Segment, Symbol

ROOT = Path(__file__).resolve().parent.parent.parent
KERNEL = target.load(ROOT / "build" / "hv8.elf")
BASE = 0x400100000000       # no segment, object or device of the kernel's is near


def assembled(text: str) -> bytes:
    """The words of an assembly text that refers to nothing outside itself."""
    with tempfile.TemporaryDirectory(prefix="hv8-snippet-") as name:
        source, code = Path(name, "a.s"), Path(name, "a.bin")
        source.write_text(text + "\n")
        subprocess.run(["aarch64-linux-gnu-as", "-march=armv8-a", "-o", source.with_suffix(".o"),
                        source], check=True)
        subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text",
                        source.with_suffix(".o"), code], check=True)
        return code.read_bytes()


def with_code(text: str) -> target.Target:
    """The kernel with that routine at BASE, besides, as the function `snippet`."""
    code = assembled(text)
    segment = Segment(BASE, len(code), code, PF_X)
    symbol = Symbol("snippet", BASE, len(code), True)
    return replace(KERNEL, image=replace(
        KERNEL.image, segments=(*KERNEL.image.segments, segment),
        symbols={**KERNEL.image.symbols, "snippet": symbol}))


def explored(text: str) -> Exploration:
    """All paths of the routine."""
    return Explorer(with_code(text).world(), {}).run(standard_start(BASE, {}))
