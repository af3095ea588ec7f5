#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rules about the sources: who may include whom, licences, generated files."""

import ast
import configparser
import json
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools")]

import spec_lines  # noqa: E402
from harness import BUILD, ROOT, Suite, command, main, output  # noqa: E402

suite = Suite("layout/source")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
FREESTANDING = {"stdint.h", "stdbool.h", "stddef.h", "stdalign.h", "stdnoreturn.h", "stdarg.h"}
IGNORED = {".git", "build", "__pycache__", ".hypothesis", ".cache", ".pytest_cache",
           "compile_commands.json"}


def files(*suffixes: str, under: str = ".") -> Iterator[Path]:
    """Files of the project, without what is built."""
    for path in sorted((ROOT / under).rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not IGNORED & set(parts) \
                and (not suffixes or path.suffix in suffixes):
            yield path


def includes(path: Path) -> list[tuple[bool, str]]:
    """(quoted, name) of each #include."""
    return [(kind == '"', name) for kind, name in INCLUDE.findall(path.read_text())]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@suite.test
def uapi_depends_on_nothing() -> None:
    wrong = [f"{shown(path)}: {name}"
             for path in files(".h", ".def", under="include/uapi")
             for quoted, name in includes(path)
             if not (name in FREESTANDING or (quoted and (path.parent / name).exists()))]
    assert not wrong, wrong


@suite.test
def arch_depends_on_uapi_alone() -> None:
    wrong = [f"{shown(path)}: {name}"
             for path in files(".h", under="include/arch")
             for quoted, name in includes(path)
             if not (name in FREESTANDING or name.startswith("uapi/")
                     or (quoted and (path.parent / name).exists()))]
    assert not wrong, wrong


@suite.test
def kernel_includes_itself_uapi_and_arch() -> None:
    wrong = []
    for path in files(".c", ".h", ".S", under="kernel"):
        for quoted, name in includes(path):
            own = quoted and ((path.parent / name).exists() or name == "asm-offsets.h")
            fdt = name == "libfdt.h" and path.name.startswith("boot")
            if not (own or fdt or name in FREESTANDING or name.startswith(("uapi/", "arch/"))):
                wrong.append(f"{shown(path)}: {name}")
    assert not wrong, wrong


@suite.test
def loader_includes_itself_and_arch() -> None:
    """And libfdt, and the C library's strings: nothing of the kernel's."""
    wrong = [f"{shown(path)}: {name}"
             for path in files(".c", ".h", ".S", under="bootloader")
             for quoted, name in includes(path)
             if not (name in FREESTANDING | {"libfdt.h", "string.h"} or name.startswith("arch/")
                     or (quoted and (path.parent / name).exists()))]
    assert not wrong, wrong


@suite.test
def user_sees_uapi_only() -> None:
    wrong = []
    for path in files(".c", ".h", ".S", under="user"):
        for quoted, name in includes(path):
            missing = quoted and not (path.parent / name).exists()
            if missing or ".." in name or name.startswith(("arch/", "kernel/")):
                wrong.append(f"{shown(path)}: {name}")
    assert not wrong, wrong


@suite.test
def compiler_saw_the_same_dependencies() -> None:
    """The dependency files that the compiler wrote know of hidden ways too."""
    host = ("/usr/include/", "/usr/aarch64-linux-gnu/")
    wrong = []
    seen = 0
    for side, forbidden in (("kernel", ("user/", "/usr/lib/picolibc/", *host)),
                            ("user", ("kernel/", "include/arch/", *host))):
        for path in (BUILD / side).rglob("*.d"):
            seen += 1
            is_boot = side == "kernel" and path.name.startswith("boot")  # libfdt's headers want it
            for word in path.read_text().replace("\\\n", " ").split()[1:]:
                name = word.rstrip(":")
                if name.startswith(forbidden) and not (is_boot and "picolibc" in name):
                    wrong.append(f"{shown(path)}: {name}")
    assert seen > 0, "nothing is built"
    assert not wrong, wrong


@suite.test
def every_file_names_its_licence() -> None:
    exempt = {"LICENSE", ".gitignore"}
    wrong = [shown(path) for path in files()
             if path.name not in exempt and "user/files/" not in shown(path)
             and path.suffix not in (".json", ".pyc")
             and not any("SPDX-License-Identifier: MIT" in line
                         for line in path.read_text(errors="replace").splitlines()[:5])]
    assert not wrong, wrong


@suite.test
def assembly_only_in_prim_h() -> None:
    word = re.compile(r"\b(asm|__asm__|__asm)\b")
    allowed = {"kernel/prim.h", "kernel/asm-offsets.c"}
    comment = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
    wrong = [shown(path) for path in files(".c", ".h", under="kernel")
             if shown(path) not in allowed and word.search(comment.sub("", path.read_text()))]
    assert not wrong, wrong


@suite.test
def numbers_of_hypercalls_are_in_the_table_alone() -> None:
    number = re.compile(r"\bmov\s+[xw]8,\s*#\s*[0-9][^\n]*\n\s*hvc\b")
    wrong = [shown(path) for path in files(".S", ".c", ".h", under="user")
             if number.search(path.read_text())]
    assert not wrong, wrong


@suite.test
def state_is_words_without_volatile() -> None:
    comment = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
    wrong = []
    for name in ("kernel/state.h", "kernel/state.c", "include/uapi/tables.h"):
        text = comment.sub("", (ROOT / name).read_text())
        for word in ("volatile", "union", "bool ", "int32_t", "uint32_t", "uint16_t"):
            if re.search(rf"\b{word}", text):
                wrong.append(f"{name}: {word}")
    assert not wrong, wrong


@suite.test
def hypercall_reference_is_up_to_date() -> None:
    done = command(sys.executable, "tools/gen_reference.py", "--check",
                   "include/uapi/hypercall.def", "include/uapi/abi.h", "docs/hypercalls.md")
    assert done.returncode == 0, done.stdout.decode()


@suite.test
def specification_is_within_its_limit() -> None:
    python = '"""Said."""\n\ndef f() -> int:\n    """Said,\n    too."""\n    # and\n' \
             '    return (1 +\n            2)  # this\n'
    assert spec_lines.of_python(python) == 3
    assert spec_lines.of_c("/* Said,\n * too. */\nint x; /* and */\n\n\tnop\t/* this */\n") == 2
    done = command(sys.executable, "tools/spec_lines.py")
    assert done.returncode == 0, done.stdout.decode()


@suite.test
def every_error_of_the_table_exists() -> None:
    table = (ROOT / "include/uapi/hypercall.def").read_text()
    known = set(re.findall(r"\bHV_(E[A-Z]+)\s*=", (ROOT / "include/uapi/abi.h").read_text()))
    used = set(re.findall(r"\b(E[A-Z]{3,})\b", table)) - {"EL"}
    unknown = {name for name in used if name not in known}
    assert not unknown, unknown


@suite.test
def python_compiles_and_names_what_it_catches() -> None:
    wrong = []
    for path in files(".py"):
        tree = ast.parse(path.read_text(), str(path))
        wrong += [f"{shown(path)}:{node.lineno}" for node in ast.walk(tree)
                  if isinstance(node, ast.ExceptHandler) and node.type is None]
    assert not wrong, f"bare except: {wrong}"


@suite.test
def text_is_tidy() -> None:
    """Lines end as .editorconfig says, and no file lacks its last newline."""
    wrong = []
    for path in files(".c", ".h", ".S", ".def", ".py", ".sh", ".md", ".ld", ""):
        text = path.read_text(errors="replace")
        if text and not text.endswith("\n"):
            wrong.append(f"{shown(path)}: no newline at the end")
        wrong += [f"{shown(path)}:{number}: space at the end"
                  for number, line in enumerate(text.split("\n"), 1) if line != line.rstrip()]
    assert not wrong, wrong[:20]


def globs(pattern: str) -> list[str]:
    """A pattern of .editorconfig as those without braces that it stands for."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    return [glob for word in found[1].split(",")
            for glob in globs(pattern[:found.start()] + word + pattern[found.end():])]


def editor_rules() -> list[tuple[list[str], dict[str, str]]]:
    """The sections of .editorconfig in order, of which the last that matches counts."""
    parser = configparser.ConfigParser()
    parser.read_string("[its own]\n" + (ROOT / ".editorconfig").read_text())
    return [(globs(name), dict(parser[name])) for name in parser.sections()[1:]]


def settings(path: Path, rules: list[tuple[list[str], dict[str, str]]]) -> dict[str, str]:
    """What .editorconfig says of a file. A pattern with a slash is of the whole path."""
    found: dict[str, str] = {}
    for patterns, values in rules:
        if any(fnmatchcase(shown(path) if "/" in p else path.name, p) for p in patterns):
            found |= values
    return found


def prose(text: str) -> Iterator[str]:
    """The lines of a Markdown page; those of tables and of code, which do not wrap, empty."""
    is_code = False
    for line in text.split("\n"):
        is_code ^= line.lstrip().startswith("```")
        yield "" if is_code or line.startswith("    ") or line.lstrip().startswith("|") else line


@suite.test
def lines_have_the_length_of_editorconfig() -> None:
    """In columns. What has no limit there (`off`) is a list of records, or written by a tool."""
    rules, wrong, limits = editor_rules(), [], set()
    for path in files():
        said = settings(path, rules)
        limit = said["max_line_length"]
        limits.add(limit)
        if limit == "off":
            continue
        text, tab = path.read_text(), int(said["tab_width"])
        lines = prose(text) if path.suffix == ".md" else text.split("\n")
        wrong += [f"{shown(path)}:{number}: more than {limit} columns"
                  for number, line in enumerate(lines, 1)
                  if len(line.expandtabs(tab)) > int(limit)]
    assert len(limits) == 3, f"code, pages and what has none: {limits}"
    assert not wrong, wrong[:20]


@suite.test
def shell_scripts_parse() -> None:
    for path in [*files(".sh"), ROOT / ".ci/run"]:
        output("bash", "-n", path)
        assert path.stat().st_mode & 0o100, f"{shown(path)} is not executable"


@suite.test
def compile_commands_name_every_c_file() -> None:
    path = ROOT / "compile_commands.json"
    assert path.exists(), "run make compile_commands.json"
    named = {entry["file"] for entry in json.loads(path.read_text())}
    missing = [shown(f) for f in files(".c")
               if shown(f).startswith(("kernel/", "user/", "bootloader/"))
               and shown(f) not in named and f.name != "asm-offsets.c"]
    assert not missing, missing


if __name__ == "__main__":
    sys.exit(main([suite]))
