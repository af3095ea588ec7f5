# SPDX-License-Identifier: MIT
"""What pytest says first of a run of the specification's tests."""

from __future__ import annotations

from test_random import SEED, STEPS


def pytest_report_header() -> str:
    """The seed and the size, as they can be set again."""
    return f"HV8_SPEC_SEED={SEED} HV8_SPEC_STEPS={STEPS}"
