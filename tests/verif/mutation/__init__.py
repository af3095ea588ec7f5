# SPDX-License-Identifier: MIT
"""Faults that are planted in kernel, binary, specification, invariants, and what notices them."""
