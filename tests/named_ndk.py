"""The NDK that the environment named when the tests began: tests build with it, and with NDKs of their own."""

from __future__ import annotations

import os
from pathlib import Path

from harness.toolchain.ndk import NDK_VARIABLES, SDK_VARIABLES

_KEPT = "HARNESS_TEST_NDK"  # processes of xdist inherit it


def put_aside() -> None:
    """Takes the variables of NDKs and SDKs out of the environment: whatever is built, a test says with what."""
    for variable in (*NDK_VARIABLES, *SDK_VARIABLES):
        value = os.environ.pop(variable, "")
        if value and variable in NDK_VARIABLES:
            os.environ.setdefault(_KEPT, value)


def named() -> list[Path]:
    """It, or nothing where none was named."""
    value = os.environ.get(_KEPT, "")
    return [Path(value)] if value else []
