# SPDX-License-Identifier: MIT
"""The running kernel beside the specification. `main.py` is the command."""
