# SPDX-License-Identifier: MIT
"""The verifier: proves the linked kernel ELF against its specification.

The arrow between modules never turns back:
image -> dwarf -> layout -> isa -> memory -> machine -> explore -> theorems -> solve -> report.
"""
import z3.z3

# Z3's library checks the arguments of every call; those of its Python binding, which take as
# long again, are not needed.
z3.z3.Z3_DEBUG = False
