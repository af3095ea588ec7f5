# SPDX-License-Identifier: MIT
"""Several cores under load, stopped at random, and every invariant looked at."""
