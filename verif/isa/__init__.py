# SPDX-License-Identifier: MIT
"""Instruction semantics by encoding class of DDI 0487J.a, chapter C4, one module per group."""
