# SPDX-License-Identifier: MIT
"""The hash of the verifier and the specification: what a verdict rests on beside the kernel.

Imports nothing but Python's own library, for tools that run without Z3.
"""
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("verif", "spec")


def digest(root: Path = ROOT) -> str:
    """SHA-256, in hexadecimal, of the names and contents of their Python files."""
    found = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_bytes()
            found.update(f"{path.relative_to(root)}\0{len(text)}\0".encode() + text)
    return found.hexdigest()
