"""Two modes of a suite: burst (cool and short, the rule) and sustained (one variant under load for minutes)."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.model.layer import problem
from harness.model.wording import kind, shown, suggestion

Mode = Literal["burst", "sustained"]
MODES: tuple[str, ...] = get_args(Mode)
BURST: Mode = "burst"
SUSTAINED: Mode = "sustained"
SAMPLE_MS = 200.0  # of a series: long beside what placing and settling take, short beside the seconds of a clock's step
_LEAST_WINDOWS = 2


class Sustained(BaseModel):
    """How a series is measured: one variant of one layer in a process of its own, from a cool device on.

    ``seconds``: its length. ``duty``: the share of it in which the core computes; pauses take the rest. ``window_s``:
    throughput and clock are told by windows of that length. ``launches``: series of each variant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seconds: float = Field(default=240.0, ge=10, le=3600, allow_inf_nan=False)
    duty: float = Field(default=1.0, ge=0.05, le=1, allow_inf_nan=False)
    window_s: float = Field(default=10.0, ge=1, le=600, allow_inf_nan=False)
    launches: int = Field(default=1, ge=1, le=100)

    @model_validator(mode="after")
    def _has_windows(self) -> Sustained:
        if self.window_s * _LEAST_WINDOWS > self.seconds:
            least, most = f"{self.window_s:g} s", f"{self.seconds:g} s"
            raise problem(
                f"two windows of {least} do not fit into a series of {most}",
                f"Write at most {self.seconds / _LEAST_WINDOWS:g}.",
                "window_s",
            )
        return self

    @property
    def edge_s(self) -> float:
        """The length of a series's first and last part that are compared: a minute, in short series a third."""
        return min(60.0, self.seconds / 3)

    @property
    def most_rounds(self) -> int:
        """More samples than a series can have, also one that is measured anew behind one that was cut."""
        return int(4 * self.seconds * 1000 / SAMPLE_MS)


def mode_problem(value: object) -> tuple[str, str] | None:
    """What is wrong with a suite's ``mode``, and the remedy; None for one that there is."""
    if isinstance(value, str) and value in MODES:
        return None
    what = f"unknown mode {shown(value)}" if isinstance(value, str) else f"{kind(value)}, where a mode is needed"
    return what, suggestion(str(value), MODES)
