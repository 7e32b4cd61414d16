"""``harness build``: builds convbench and the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.cli.command import Command, Examples
from harness.cli.options import BuildOptions
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.exit_codes import ExitCode
from harness.model.abi import DEFAULT_ABI
from harness.paths import shown_path
from harness.toolchain.builder import build


@dataclass(frozen=True, kw_only=True)
class Build(BuildOptions, Command):
    """Builds for an ABI; the result is the program's path."""

    codes: ClassVar[Mapping[ExitCode, str]] = {ExitCode.INFRASTRUCTURE: "it cannot be compiled, or not be written"}
    examples: ClassVar[Examples] = (
        ("harness build", "for phones (arm64-v8a), with an NDK where there is one, else with zig"),
        ("harness build --abi host", "for this machine"),
        ("adb push $(harness build) /data/local/tmp/", "the path is all that is on stdout"),
    )

    def __call__(self) -> Outcome:
        built = build(self.abi or DEFAULT_ABI, self.toolchain or "auto", self.ndk, say)
        value = {
            "path": str(built.path),
            "library": str(built.library),
            "build_id": built.build_id,
            "abi": built.abi,
            "toolchain": built.toolchain,
            "cached": built.cached,
            "seconds": round(built.seconds, 2),
            "info": built.info,
        }
        return Outcome(lines=(shown_path(built.path),), value=value)


COMMAND = Build
