"""Another build of the library that is measured beside this checkout's: what it was asked for as, and its programs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.model.calibration import BUILD_DIGITS

CHECKOUT = "checkout"  # the name of the build that others are measured against
_HEX = r"^[0-9a-f]+$"


class OtherProgram(BaseModel):
    """convbench of such a build for one ABI. ``info``: as of our own in the manifest; empty where nothing tells it."""

    model_config = ConfigDict(frozen=True)

    build_id: str = Field(pattern=_HEX, min_length=BUILD_DIGITS)
    sha256: str = Field(pattern=_HEX)
    info: dict[str, Any] = {}

    @property
    def build(self) -> str:
        """What records and tables call it."""
        return self.build_id[:BUILD_DIGITS]


class OtherBuild(BaseModel):
    """``name``: as the user gave it. ``source``: a revision's commit, else a path. ``programs``: by ABI, once built."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(max_length=200)
    kind: Literal["revision", "folder", "program"]
    source: str
    programs: dict[str, OtherProgram] = {}

    @property
    def builds(self) -> tuple[str, ...]:
        """What records and tables may call it: on one device it is one of these."""
        return tuple(dict.fromkeys(program.build for program in self.programs.values()))

    @property
    def title(self) -> str:
        """For people: ``HEAD~1 (1a2b3c4d5e6f)``, or the name alone."""
        return f"{self.name} ({self.source[:BUILD_DIGITS]})" if self.kind == "revision" else self.name
