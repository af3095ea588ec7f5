#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots to the shell's prompt and off again, on every machine that is supported."""

import re
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import BUILD, Suite, main, output  # noqa: E402
from qemu import ONE_THREAD, Guest, Machine  # noqa: E402

suite = Suite("boot/boot")


@suite.matrix(gic=["2", "3"], cpu=["cortex-a53", "cortex-a57", "cortex-a72", "max"])
def boots_and_halts(gic: str, cpu: str) -> None:
    with Guest(Machine(f"boot gic={gic} cpu={cpu}", cpu=cpu, gic=gic)) as guest:
        banner = guest.prompt()
        assert f"GICv{gic}" in banner, banner
        assert "init" in guest.shell("ps")
        guest.halt()


@suite.matrix(mem=["64M", "65M", "128M", "1G", "2G", "8G"])
def boots_with_memory(mem: str) -> None:
    with Guest(Machine(f"boot mem={mem}", mem=mem)) as guest:
        banner = guest.prompt()
        megabytes = int(mem[:-1]) * (1024 if mem.endswith("G") else 1)
        if megabytes > 1024:
            assert f"{megabytes - 1024} MiB" in banner, "what is left unused must be said"
        else:
            assert "not used" not in banner, banner
        assert guest.shell("echo still here") == "still here\n"
        guest.halt()


@suite.matrix(gic=["2", "3"], cpus=[1, 2, 4, 8])
def boots_with_more_cores(gic: str, cpus: int) -> None:
    """All run processes: in the end two pictures of ps show different ones at work."""
    machine = Machine(f"boot gic={gic} cpus={cpus}", gic=gic, cpus=cpus,
                      extra=ONE_THREAD if cpus == 8 else ())
    with Guest(machine, timeout=300) as guest:
        banner = guest.prompt()
        assert (f"hv8: {cpus} cores" in banner) == (cpus > 1), banner
        assert (f", {cpus} cores" in guest.shell("uptime")) == (cpus > 1)
        if cpus > 1:
            guest.shell("yes | wc &")
            seen: set[str] = set()
            for _ in range(100):
                seen.update(re.findall(r"running on (\d)", guest.shell("ps")))
                if len(seen) > 1:
                    break
            assert len(seen) > 1 and all(int(core) < cpus for core in seen), seen
        guest.halt()


@suite.test
def cores_beyond_the_eighth_stay_off() -> None:
    with Guest(Machine("boot cpus=10", cpus=10), timeout=300) as guest:
        banner = guest.prompt()
        assert "hv8: cpu@8 stays off: it is one too many" in banner, banner
        assert "hv8: cpu@9 stays off: it is one too many" in banner, banner
        assert "hv8: 8 cores" in banner, banner
        guest.halt()


def cores_of(path: Path, method: str, affinity: str) -> Path:
    """A tree of four cores in which the last has another enable-method and affinity."""
    output("qemu-system-aarch64",
           "-M", f"virt,virtualization=on,gic-version=3,dtb-randomness=off,dumpdtb={path}",
           "-cpu", "cortex-a57", "-smp", "4", "-m", "512M", "-nodefaults", "-display", "none")
    output("fdtput", "-t", "s", path, "/cpus/cpu@3", "enable-method", method)
    output("fdtput", "-t", "x", path, "/cpus/cpu@3", "reg", affinity)
    return path


@suite.matrix(what=["spin-table", "psci"])
def cores_that_do_not_come_stay_off(what: str) -> None:
    """One that nobody can start, and one that the firmware does not know: the others run."""
    folder = BUILD / "boot-cores"
    folder.mkdir(parents=True, exist_ok=True)
    tree = cores_of(folder / f"{what}.dtb", what, "3" if what == "spin-table" else "77")
    said = {"spin-table": "hv8: cpu@3 stays off: its enable-method is not psci",
            "psci": "hv8: the core with MPIDR 0x77 stays off: PSCI says INVALID_PARAMETERS"}[what]
    machine = Machine(f"boot cores {what}", cpus=4, extra=("-dtb", str(tree)))
    with Guest(machine, timeout=300) as guest:
        banner = guest.prompt()
        assert said in banner, banner
        assert "hv8: 3 cores" in banner, banner
        guest.halt()


# MRS of ID_AA64ISAR0_EL1 and of MPIDR_EL1, into x0.
READ_FEATURES, READ_NUMBER = 0xD538_0600, 0xD538_00A0


def image_with_different_cores(path: Path) -> Path:
    """The kernel reads what differs from core to core where it looks for what must not."""
    words = [word for word, in struct.iter_unpack("<I", (BUILD / "hv8.img").read_bytes())]
    reads = [i for i, word in enumerate(words) if word & ~31 == READ_FEATURES]
    assert reads, "boot reads ID_AA64ISAR0_EL1 no more"
    for i in reads:
        words[i] = READ_NUMBER | words[i] & 31
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f"<{len(words)}I", *words))
    return path


@suite.matrix(gic=["2", "3"])
def cores_that_differ_stay_off(gic: str) -> None:
    """They are switched off again, and the first goes on alone."""
    image = image_with_different_cores(BUILD / "boot-cores" / f"differ-{gic}.img")
    one = Machine(f"boot cores differ gic={gic}", gic=gic, cpus=3, kernel=image)
    with Guest(one, timeout=300) as guest:
        banner = guest.prompt()
        for number in (1, 2):
            assert f"the core with MPIDR {number:#x} stays off: ID_AA64ISAR0_EL1 is" in banner, \
                banner
        assert " cores" not in banner, banner
        assert " cores" not in guest.shell("uptime")
        guest.halt()


@suite.test
def random_seeds_in_the_device_tree_do_not_matter() -> None:
    with Guest(Machine("boot seeds", extra=("-machine", "dtb-randomness=on"))) as guest:
        guest.prompt()
        guest.halt()


@suite.matrix(cpu=["cortex-a35", "cortex-a76", "neoverse-n1"])
def boots_on_other_cores(cpu: str) -> None:
    with Guest(Machine(f"boot cpu={cpu}", cpu=cpu)) as guest:
        guest.prompt()
        guest.halt()


@suite.test
def kernel_log_is_what_was_printed() -> None:
    with Guest(Machine("boot log")) as guest:
        banner = guest.prompt()
        log = [line for line in guest.shell("dmesg").splitlines() if line.startswith("hv8:")]
        assert log and all(line in banner for line in log), (log, banner)
        guest.halt()


if __name__ == "__main__":
    sys.exit(main([suite]))
