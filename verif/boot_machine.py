# SPDX-License-Identifier: MIT
"""QEMU with the kernel that was proved, run to its first `eret` and looked at there.

RAM is a file that is mapped here too.
"""
import ctypes
import mmap
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from spec.devices import BOARDS, Board, Device, devices
from spec.registers import OF_OTHERS
from . import boot_firmware, boot_garbage, boot_registers
from .errors import BootError
from .gdb import Ended, Gdb
from .image import PF_W, PF_X, Image
from .world import LOCK_DROP, LOCK_TAKE

QEMU = "qemu-system-aarch64"
KERNEL_OFFSET = 0x20_0000   # from the start of RAM: where QEMU puts an Image for any 2 MiB
ZCU102_TREE = "zcu102.dtb"  # beside the kernel's image: QEMU makes none
PATIENCE = 300              # seconds: the machine hangs
ERET = 0xD69F03E0


@dataclass(frozen=True)
class Machine:
    """What QEMU emulates; `ram` in MiB. Boot options: `dma` hands out what may do DMA,
    `gives_uart` the UART. `firmware` of boot_firmware.FIRMWARE starts the kernel, or QEMU itself
    does. Of a `board` other than virt, core and interrupt controller are what they are."""

    cpu: str = "cortex-a57"
    gic: int = 3
    ram: int = 128
    cores: int = 1
    dma: bool = False
    gives_uart: bool = False
    firmware: str = ""
    board: str = "virt"

    @property
    def name(self) -> str:
        """For the report: `GICv3 max 128M`."""
        cores = f" {self.cores} cores" if self.cores > 1 else ""
        by = f" by {self.firmware}" if self.firmware else ""
        on = "" if self.board == "virt" else f"{self.board} "
        return " ".join((f"{on}GICv{self.gic} {self.cpu} {self.ram}M{cores}{by}", *self.options))

    @property
    def options(self) -> tuple[str, ...]:
        """Words for the kernel."""
        return ("dma=on",) * self.dma + ("uart=process",) * self.gives_uart

    @property
    def where(self) -> Board:
        """Where it has what. A firmware takes the device that it uses itself from the tree: EDK2
        the clock, U-Boot the GPIO."""
        board = replace(BOARDS[self.board, self.gic], gives_uart=self.gives_uart)
        return replace(board, levels=KEPT[self.firmware]) if self.firmware else board

    @property
    def shows_devices(self) -> bool:
        """QEMU asks which core accesses a GICv2, and gdb is none: it ends if there are several."""
        return self.gic == 3 or self.cores == 1


# Of virt's lines of levels, 34 and 39: those that each firmware leaves to the kernel.
KEPT = {"EDK2": (39,), "EDK2 with ACPI": (34, 39), "U-Boot": (34,)}
CORES = ("cortex-a53", "cortex-a57", "cortex-a72", "max")
# All that README.md and tests/boot call supported: each interrupt controller with each core;
# memory from the least to more than the tables cover; more than one core; the boot option.
MACHINES = (*(Machine(cpu, gic) for gic in (2, 3) for cpu in CORES),
            Machine("cortex-a35"), Machine("cortex-a76"), Machine("neoverse-n1"),
            *(Machine(ram=ram) for ram in (64, 65, 512, 1024, 2048, 8192)),
            Machine(cores=2), Machine(cores=8), Machine(gic=2, cores=8),
            Machine(gic=2, dma=True), Machine("max", cores=4, dma=True),
            Machine(gic=2, gives_uart=True), Machine("max", gives_uart=True),
            Machine("cortex-a53", cores=2, dma=True, gives_uart=True),
            Machine("cortex-a57", 3, 512, firmware="EDK2"),
            Machine("cortex-a53", 2, 512, firmware="EDK2 with ACPI"),
            Machine("max", 3, 512, firmware="U-Boot"),
            *(Machine("cortex-a72", 3, ram, cores=2, board="versal") for ram in (256, 1024)),
            *(Machine("cortex-a53", 2, ram, cores, board="zcu102")
              for ram, cores in ((256, 1), (1024, 4))),
            Machine("cortex-a53", 2, 256, gives_uart=True, board="zcu102"))
# Both kinds of everything that boot decides by: what a plain `make verify` looks at.
FEW = (Machine("cortex-a53", 2), Machine("max", 3, cores=4, dma=True),
       Machine("max", gives_uart=True))


@dataclass(frozen=True)
class Dump:
    """The machine at its first `eret`. `ram` is all of its memory, from `machine.where.ram` on;
    `registers` by the names of spec/registers.py (SP_EL2 and X0..X30 too), `devices` by those of
    spec/devices.py; `pc` is the address of the `eret`, `kernel_pa` that of the kernel's image.
    `others` are the registers of the other cores, in order."""

    machine: Machine
    ram: mmap.mmap
    registers: dict[str, int]
    devices: dict[str, int]
    pc: int
    kernel_pa: int
    others: tuple[dict[str, int], ...] = ()


def _die_with_parent() -> None:
    """For the child before exec: prctl(PR_SET_PDEATHSIG, SIGKILL)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _board(m: Machine, image: Path) -> tuple[str, list[str]]:
    """What -machine is given, and other words. With one core QEMU lets gdb read a GICv2."""
    if m.board == "versal":
        return "xlnx-versal-virt", ["-audiodev", "none,id=none"]
    if m.board == "zcu102":
        return "xlnx-zcu102,virtualization=on", ["-smp", str(m.cores), "-audiodev", "none,id=none",
                                                 "-dtb", str(image.with_name(ZCU102_TREE))]
    return (f"virt,virtualization=on,gic-version={m.gic},dtb-randomness=off",
            ["-cpu", m.cpu, "-smp", str(m.cores)])


def _argv(m: Machine, image: Path, initrd: Path, folder: Path, fd: int) -> list[str]:
    ram = f"memory-backend-file,id=ram,size={m.ram}M,mem-path=/proc/self/fd/{fd},share=on"
    virt, options = _board(m, image)
    words = [QEMU, "-m", f"{m.ram}M", "-nodefaults", *options]
    if m.firmware:
        by = boot_firmware.FIRMWARE[m.firmware]
        virt += by.machine
        started = boot_firmware.start(by, words, virt, image, initrd, folder)
    else:
        started = ["-kernel", str(image), "-initrd", str(initrd),
                   *(("-append", " ".join(m.options)) if m.options else ())]
    return [*words, "-machine", f"{virt},memory-backend=ram", "-object", ram,
            "-display", "none", "-no-reboot", "-S",
            "-serial", f"file:{folder / 'console'}",
            "-chardev", f"socket,id=gdb,path={folder / 'gdb'},server=on,wait=off",
            "-gdb", "chardev:gdb", *started]


def _connect(path: Path, process: subprocess.Popen[bytes]) -> Gdb:
    """QEMU may listen before it finds that it cannot start, and then says why when it ends."""
    for _ in range(600):
        if process.poll() is not None:
            words = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise BootError(f"{QEMU} does not start: {words.strip()}")
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect(str(path))
            return Gdb(end, PATIENCE)
        except (FileNotFoundError, ConnectionRefusedError, Ended):
            end.close()
            time.sleep(0.05)
    raise BootError(f"{QEMU} does not listen at {path}")


@contextmanager
def _running(machine: Machine, image: Path, initrd: Path,
             ram: int) -> Iterator[tuple[Gdb, Path]]:
    """QEMU, stopped before its first instruction, and the file with what it prints."""
    if shutil.which(QEMU) is None:
        raise BootError(f"no {QEMU}: nothing was booted")
    with tempfile.TemporaryDirectory(prefix="hv8-boot-") as name:
        folder = Path(name)
        process = subprocess.Popen(_argv(machine, image, initrd, folder, ram), pass_fds=(ram,),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, preexec_fn=_die_with_parent)
        try:
            gdb = _connect(folder / "gdb", process)
            yield gdb, folder / "console"
            gdb.close()
        finally:
            process.kill()
            process.communicate()


def _exits(image: Image) -> tuple[int, ...]:
    """Every `eret` of the text that stays, and `panic`."""
    begin = image.markers["__text_start"]
    found = [image.function("panic").address]
    for segment in image.segments:
        if segment.flags & PF_X and not segment.flags & PF_W and segment.base >= begin:
            found += [a for a in range(segment.base, segment.base + len(segment.data) & ~3, 4)
                      if image.word(a) == ERET]
    return tuple(found)


def _to_eret(gdb: Gdb, image: Image, console: Path) -> int:
    """Goes on to the first `eret`; its address. When the first core drops the lock, for which the
    others wait, it goes on alone: so they do nothing before that."""
    exits, drop = _exits(image), image.function(LOCK_DROP).address
    try:
        gdb.stop_at((exits[0], drop))
        gdb.go(None, None)
        if gdb.read()[0].pc == drop:
            gdb.ask(f"z0,{drop:x},4")
            gdb.stop_at(exits[1:])
            gdb.go_alone()
    except (Ended, TimeoutError):
        words = console.read_text(errors="replace").strip().splitlines()[-3:]
        raise BootError("the machine does not reach its first eret; its last words: "
                        + (" / ".join(words) or "none")) from None
    pc = gdb.read()[0].pc
    if pc == exits[0]:
        raise BootError("the kernel panics before its first eret")
    for address in exits:
        gdb.ask(f"z0,{address:x},4")
    return pc


def _registers(gdb: Gdb, machine: Machine, pc: int) -> dict[str, int]:
    core = gdb.read()[0]
    facts = boot_registers.identity(gdb, pc, machine.where)
    return ({f"X{n}": value for n, value in enumerate(core.x)} | {"SP_EL2": core.sp}
            | facts.ids | boot_registers.required(gdb, pc, facts))


def _others(gdb: Gdb, machine: Machine, image: Image) -> Iterator[dict[str, int]]:
    """Each other core, which waits for the lock."""
    wait = image.function(LOCK_TAKE)
    for number in range(1, machine.cores):
        gdb.choose(number)
        core = gdb.read()[0]
        if not wait.address <= core.pc < wait.address + wait.size:
            raise BootError(f"core {number} is at {core.pc:#x}, and does not wait for the lock")
        facts = boot_registers.identity(gdb, core.pc, machine.where)
        yield ({"SP_EL2": core.sp} | facts.ids
               | boot_registers.required(gdb, core.pc, facts, OF_OTHERS))
    gdb.choose(0)


def _devices(gdb: Gdb, machine: Machine) -> dict[str, int]:
    def read(device: Device) -> int:
        raw = gdb.peek_physical(device.address, device.size)
        return int.from_bytes(raw, "little")

    return {d.name: read(d) for d in devices(machine.where)} if machine.shows_devices else {}


def boot(machine: Machine, image: Image, flat: Path, initrd: Path) -> Dump:
    """Boots `flat`, which was made of `image`. BootError, with the reason, if it does not come
    to its first `eret`."""
    fd = os.memfd_create("hv8-ram")
    try:
        os.ftruncate(fd, machine.ram << 20)
        ram = mmap.mmap(fd, machine.ram << 20)
        boot_garbage.fill(ram)
        with _running(machine, flat, initrd, fd) as (gdb, console):
            if not machine.firmware:    # which itself relies on what a reset leaves
                boot_garbage.spoil_registers(gdb, machine.where)
                if machine.shows_devices:
                    boot_garbage.spoil_devices(gdb, machine.where)
            pc = _to_eret(gdb, image, console)
            return Dump(machine, ram, _registers(gdb, machine, pc), _devices(gdb, machine), pc,
                        machine.where.ram + (boot_firmware.kernel_at(ram, image) if machine.firmware
                                             else KERNEL_OFFSET),
                        tuple(_others(gdb, machine, image)))
    except (Ended, TimeoutError, LookupError, ConnectionError) as error:
        raise BootError(f"QEMU's gdb stub failed: {type(error).__name__} {error}") from None
    finally:
        os.close(fd)
