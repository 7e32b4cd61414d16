"""Builds that were made on another machine and brought along, for hosts without a compiler: those of a rented farm."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.paths import data_root
from harness.toolchain import cache

VARIABLE = "HARNESS_BUILT"  # a folder of folders as build/ has them: arm64-v8a-zig/ with program, library and record


@dataclass(frozen=True)
class Ready:
    """Where such a build lies, and its record (build.json)."""

    folder: Path
    record: dict[str, Any]


def find(abi: str, toolchain: str, environment: Mapping[str, str] | None = None) -> Ready | None:
    """The build for an ABI in the folder that $HARNESS_BUILT names; None where there is none, or no such variable.

    ``toolchain``: "auto" takes that of any. Raises UsageError for one that is damaged, or of other sources than this
    tool's: what is measured has to be what the run says.
    """
    named = (os.environ if environment is None else environment).get(VARIABLE, "")
    if not named:
        return None
    for folder in sorted(Path(named).glob(f"{abi}-*")):
        record = cache.whole_record(folder)
        if record is None:
            raise UsageError(f"{VARIABLE}: {folder} is damaged: no whole build", "bring it along again")
        if record.get("abi") != abi or toolchain not in ("auto", record.get("toolchain")):
            continue
        if record.get("sources") != cache.sources_hash([data_root() / "native", data_root() / "ndk"]):
            raise UsageError(
                f"{VARIABLE}: {folder} was built of other sources than this harness has",
                "make both of one commit: harness farm aws makes the wheel and the build together",
            )
        return Ready(folder, record)
    return None
