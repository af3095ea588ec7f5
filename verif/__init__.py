# SPDX-License-Identifier: MIT
"""The verifier: proves the linked kernel ELF against its specification.

The arrow between modules never turns back:
image -> dwarf -> layout -> isa -> memory -> machine -> explore -> theorems -> solve -> report.
"""
from . import binding

binding.quicken()
