"""ABIs of phones that programs are built for."""

from __future__ import annotations

from collections.abc import Iterable

DEFAULT_ABI = "arm64-v8a"
PHONE_ABIS = (DEFAULT_ABI, "armeabi-v7a", "x86_64")


def abi_for(listed: Iterable[str]) -> str | None:
    """The first of a phone's ABIs, in the order in which it lists them, that programs are built for."""
    return next((abi for abi in listed if abi in PHONE_ABIS), None)
