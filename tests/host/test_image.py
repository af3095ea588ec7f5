#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The disk image and the PE file, as other programs read them."""

import hashlib
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import firmware  # noqa: E402
from firmware import VOLUME, WORK, Disk  # noqa: E402
from harness import BUILD, ROOT, Suite, command, main, output  # noqa: E402

suite = Suite("host/image")
R_AARCH64_RELATIVE = 1027


# ---- the image -----------------------------------------------------------------------------


@suite.test
def same_files_give_the_same_bytes() -> None:
    names = ("twice a", "twice b")
    a, b = (firmware.image(name, "--args", "one two").read_bytes() for name in names)
    assert a == b


@suite.test
def other_programs_find_no_fault() -> None:
    path = firmware.image("sound")
    text = output("sgdisk", "-v", path)
    assert "No problems found" in text, text
    assert "EF00  hv8" in output("sgdisk", "-p", path)
    volume = path.with_suffix(".fat")
    with path.open("rb") as file:
        file.seek(VOLUME)
        volume.write_bytes(file.read(63 << 20))
    done = command("fsck.fat", "-n", volume)
    assert done.returncode == 0, done.stdout


@suite.test
def holds_what_it_was_given() -> None:
    tree = WORK / "given.dtb"
    WORK.mkdir(parents=True, exist_ok=True)
    tree.write_bytes(b"any bytes")
    disk = Disk(firmware.image("given", "--dtb", tree, "--dtb-from", "file", "--args", "a=b c"))
    given = {"EFI/BOOT/BOOTAA64.EFI": BUILD / "BOOTAA64.EFI", "hv8/hv8.img": BUILD / "hv8.img",
             "hv8/initrd.cpio": BUILD / "initrd.cpio", "hv8/machine.dtb": tree}
    for name, path in given.items():
        assert disk.read(name) == path.read_bytes(), name
    text = disk.read("hv8/hv8.cfg").decode()
    for key in ("kernel", "initrd", "dtb"):
        name = {"kernel": "hv8.img", "initrd": "initrd.cpio", "dtb": "machine.dtb"}[key]
        path = given[f"hv8/{name}"]
        assert f"{key}-sha256 = {hashlib.sha256(path.read_bytes()).hexdigest()}\r\n" in text, text
    assert "dtb-from = file\r\n" in text and "args = a=b c\r\n" in text, text


@suite.test
def full_volume_is_an_error() -> None:
    large = WORK / "large.dtb"
    WORK.mkdir(parents=True, exist_ok=True)
    with large.open("wb") as file:
        file.truncate(40 << 20)
    out = WORK / "full.img"
    out.unlink(missing_ok=True)
    done = command(ROOT / "tools/efi_image.py", "--out", out, "--loader", BUILD / "BOOTAA64.EFI",
                   "--kernel", BUILD / "hv8.img", "--initrd", BUILD / "initrd.cpio", "--dtb", large,
                   "--size", "40")
    assert done.returncode == 1, done.stdout
    assert b"the volume is full: the files need " in done.stdout, done.stdout
    assert not out.exists() and not out.with_name("full.img.volume").exists()


@suite.matrix(size=[39, 2049])
def size_has_limits(size: int) -> None:
    done = command(ROOT / "tools/efi_image.py", "--out", WORK / "size.img",
                   "--loader", BUILD / "BOOTAA64.EFI", "--kernel", BUILD / "hv8.img",
                   "--initrd", BUILD / "initrd.cpio", "--size", str(size))
    assert done.returncode == 1 and b"40 to 2048 MiB" in done.stdout, done.stdout


# ---- the PE file ------------------------------------------------------------------------------


def pe() -> tuple[bytes, int]:
    """The file, and where its COFF header is."""
    data = (BUILD / "BOOTAA64.EFI").read_bytes()
    at, = struct.unpack_from("<I", data, 0x3C)
    assert data[:2] == b"MZ" and data[at:at + 4] == b"PE\0\0"
    return data, at + 4


@suite.test
def headers_say_what_the_file_is() -> None:
    data, coff = pe()
    machine, count, _, _, _, size, flags = struct.unpack_from("<HHIIIHH", data, coff)
    optional = coff + 20
    magic, = struct.unpack_from("<H", data, optional)
    entry, code = struct.unpack_from("<II", data, optional + 16)
    base, align, file_align = struct.unpack_from("<QII", data, optional + 24)
    image, headers = struct.unpack_from("<II", data, optional + 56)
    subsystem, = struct.unpack_from("<H", data, optional + 68)
    assert (machine, magic, subsystem, base) == (0xAA64, 0x20B, 10, 0)
    # Executable, and relocatable although no directory says how: the loader does it itself.
    assert flags & 2 and not flags & 1
    assert align == file_align == 4096 and headers == 4096 and code <= entry < image
    sections = [struct.unpack_from("<8sIIII", data, optional + size + 40 * n) for n in range(count)]
    kinds = [struct.unpack_from("<I", data, optional + size + 40 * n + 36)[0] for n in range(count)]
    end = headers
    for (_, virtual, address, raw, at), kind in zip(sections, kinds):
        assert address == end and address % align == 0 and virtual % align == 0
        assert raw <= virtual and at % file_align == 0 and at + raw <= len(data)
        assert not (kind & 0x2000_0000 and kind & 0x8000_0000), "writable and executable"
        end = address + virtual
    assert end == image
    assert sections[0][2] <= entry < sections[0][2] + sections[0][1] and kinds[0] & 0x2000_0000


@suite.test
def binutils_read_it() -> None:
    text = output("aarch64-linux-gnu-objdump", "-p", BUILD / "BOOTAA64.EFI")
    assert "pei-aarch64-little" in text and "EFI application" in text, text


def _symbols() -> dict[str, int]:
    text = output("aarch64-linux-gnu-nm", BUILD / "loader.elf")
    return {words[2]: int(words[0], 16) for words in (line.split() for line in text.splitlines())
            if len(words) == 3}


@suite.test
def every_relocation_is_one_that_the_loader_makes() -> None:
    data, _ = pe()
    symbols = _symbols()
    begin, end = symbols["__rela_start"], symbols["__rela_end"]
    assert begin < end and (end - begin) % 24 == 0
    for at in range(begin, end, 24):
        where, kind, what = struct.unpack_from("<QQQ", data, at)
        assert kind == R_AARCH64_RELATIVE, hex(kind)
        assert symbols["__data_start"] <= where <= symbols["__data_file_end"] - 8, hex(where)
        assert 4096 <= what < symbols["__data_end"], hex(what)


@suite.test
def linker_writes_nothing_over_the_text() -> None:
    """It puts what it makes for ELF loaders at the start of the section that holds it."""
    text = WORK / "first.text"
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text",
                    BUILD / "bootloader/config.o", text], check=True, capture_output=True)
    data, _ = pe()
    begin = _symbols()["__text_start"]
    assert data[begin:begin + 4] == text.read_bytes()[:4]


if __name__ == "__main__":
    sys.exit(main([suite]))
