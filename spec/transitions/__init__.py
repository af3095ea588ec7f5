# SPDX-License-Identifier: MIT
"""One file for each group of transitions."""
