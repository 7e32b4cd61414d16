"""From where on a sample is tainted, and how many pairs a row needs: keys of a policy (docs/measuring.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Thresholds(BaseModel):
    """Shares are of the device's own best in this run, and the same for all variants."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    verdicts: bool = True  # false: every sample counts
    least_clock: Share = 0.9  # under load
    most_clock_change: Share = 0.05  # within a sample
    least_cap: Share = 0.98  # of the cap that the system sets on the clock
    most_lost: Share = 0.005  # of a sample's time, in which its thread did not run
    most_faults: int = Field(default=16, ge=0, le=10**9)  # of pages, in a sample
    least_throughput: Share = 0.95  # of multiply-adds a cycle, beside the sample
    least_bandwidth: Share = 0.5  # of reading memory, beside the sample
    most_warmth_c: float = Field(default=5.0, ge=0, le=200, allow_inf_nan=False)  # above where the device rests
    most_thermal_status: int = Field(default=1, ge=0, le=6)  # of Android's, beside the sample
    least_window: Share = 0.5  # of min_ms, the median of a variant's windows
    least_pairs: int = Field(default=8, ge=1, le=10**6)  # valid ones, where more than half were left out
