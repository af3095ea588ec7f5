# SPDX-License-Identifier: MIT
"""Faults that are planted in kernel, binary, specification and invariants, and what notices them."""
