#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make run` as it is used: keystrokes from a pipe, options, exit status."""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pexpect  # noqa: E402

from harness import ROOT, Suite, command, environment, main  # noqa: E402
from qemu import all_passed  # noqa: E402

suite = Suite("user/make-run")


def run(keys: str, *options: str, timeout: float = 300) -> tuple[int, str]:
    done = command("make", "run", *options, stdin=keys, timeout=timeout)
    return done.returncode, done.stdout.decode(errors="replace").replace("\r\n", "\n")


@suite.test
def short_pipe() -> None:
    status, text = run("ps\nhalt\n")
    assert status == 0, text
    assert re.search(r"^\s*1\s.*init$", text, re.M), text


@suite.test
def readme_shows_what_comes() -> None:
    """Line by line, but for numbers and the width of columns."""
    def form(line: str) -> str:
        words = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b|\d+", "N", line).split()
        return " ".join(words)

    session = re.search(r"^`make run` ends like this.*\n\n((?: {4}.*\n)+)",
                        (ROOT / "README.md").read_text(), re.M)
    assert session, "README.md has no session"
    shown = [form(line) for line in session.group(1).splitlines()]
    status, text = run("ps\nfault msr\nhalt\n")
    seen = [form(line) for line in text.splitlines()]
    assert status == 0 and seen[-len(shown):] == shown, text


@suite.test
def says_what_is_proved_of_what_boots() -> None:
    """tests/boot/test_hash.py has what the line may say."""
    status, text = run("halt\n")
    line = re.search(r"^kernel ([0-9a-f]{16}): (not proved|NOT PROVED|proved)\b", text, re.M)
    banner = re.search(r"^hv8: version \S+, kernel ([0-9a-f]{16}), on ", text, re.M)
    assert status == 0 and line and banner and line[1] == banner[1], text
    assert line.start() < banner.start(), text


@suite.test
def usertests_from_a_pipe() -> None:
    """On the machine that `make run` makes; tests/user/test_usertests.py has the others."""
    status, text = run("ps\nusertests\nhalt\n", timeout=1200)
    assert status == 0, text[-3000:]
    assert all_passed(text) >= 100


@suite.matrix(options=["GIC=2 CPU=cortex-a53", "CPU=max CPUS=4 MEM=128M", "BOOT=uboot",
                       "BOOT=efi GIC=2", "MACHINE=versal", "MACHINE=zcu102 CPUS=4"])
def others_from_a_pipe(options: str) -> None:
    """Firmware takes keys, too: none may reach it."""
    status, text = run("ps\nhalt\n", *options.split())
    assert status == 0, text[-3000:]
    assert re.search(r"^\s*1\s.*init$", text, re.M), text
    assert ("hv8 loader: leaving the firmware" in text) == options.startswith("BOOT"), text


@suite.test
def long_pipe_loses_nothing() -> None:
    """All keys are there before the machine starts."""
    status, text = run("".join(f"echo line {n} of many\n" for n in range(200)) + "halt\n")
    assert status == 0, text[-3000:]
    said = re.findall(r"^line (\d+) of many$", text, re.M)
    assert [int(n) for n in said] == list(range(200)), said


@suite.test
def on_a_terminal() -> None:
    """^C reaches the guest, and Ctrl-A x leaves QEMU."""
    child = pexpect.spawn("make", ["run"], cwd=str(ROOT), env=environment(), timeout=120,
                          dimensions=(40, 120))
    try:
        child.expect_exact("hv8$ ")
        child.send("yes\r")
        child.expect("y\r*\ny\r*\n")
        child.send("\x03")
        child.expect_exact("hv8$ ")
        child.send("echo st''ill he''re\r")
        child.expect_exact("still here")
        child.send("\x01x")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0, child.exitstatus


@suite.test
def disks_are_attached() -> None:
    with TemporaryDirectory() as folder:
        disk, second = Path(folder) / "a, disk.img", Path(folder) / "b.img"
        disk.write_bytes(b"what is on the disk\n".ljust(1 << 20, b"\0"))
        second.write_bytes(b"on the second\n".ljust(2 << 20, b"\0"))
        status, text = run("blk info\nblk read 0 | head -n 1\nblk -d disk1 read 0 | head -n 1\n"
                           "halt\n", "DMA=on", f"DISK={disk}", f"DISK2={second}")
        assert status == 0 and "2048 sectors of 512 bytes" in text, text
        assert text.index("what is on the disk") < text.index("on the second"), text
    status, text = run("", f"DISK={disk}")
    assert status != 0 and "no such file" in text, text


@suite.matrix(option=["GIC=4", "BOOT=disk", "ACPI=2", "MACHINE=q35"])
def bad_option_is_named(option: str) -> None:
    status, text = run("", option)
    assert status != 0 and option in text, text


@suite.test
def help_needs_nothing() -> None:
    done = command("env", "-i", "PATH=/usr/bin:/bin", "make", "help")
    assert done.returncode == 0 and b"make run" in done.stdout


if __name__ == "__main__":
    sys.exit(main([suite]))
