"""``harness build``: builds convbench and the library."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cli.command import Command
from harness.cli.options import BuildOptions, JsonOption
from harness.cli.outcome import Outcome
from harness.cli.say import say, shown_path
from harness.toolchain.builder import build
from harness.toolchain.toolchain import DEFAULT_ABI


@dataclass(frozen=True, kw_only=True)
class Build(JsonOption, BuildOptions, Command):
    """Builds for an ABI; the result is the program's path."""

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
