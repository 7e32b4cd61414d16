"""Records of what the system tells beside samples; None where that cannot be read, or cannot be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.store.record_fields import Celsius, Count, Frequency, Nanoseconds, Reading, SomeRecord


class Telemetry(SomeRecord):
    """Readings between samples (cpufreq, kHz) or rounds (thermal zones, degrees C; the round's time by frequency).

    ``power``: files of the battery as they stand there, in a sustained run; empty where unreadable. ``why``: by name,
    why a reading is None from here on; empty: it can be read again.
    """

    type: Literal["telemetry"]
    launch: Count
    t_ns: Count
    took_ns: Reading[Nanoseconds] = None
    freq_khz: dict[str, Reading[Frequency]] = Field(default_factory=dict)
    temp_c: dict[str, Reading[Celsius]] = Field(default_factory=dict)
    states_ms: dict[str, Reading[dict[str, Count]]] = Field(
        default_factory=dict
    )  # by cpufreq policy: kHz, and milliseconds there
    power: dict[str, Annotated[str, Field(max_length=64)]] = Field(default_factory=dict)
    why: dict[str, str] = Field(default_factory=dict)


class State(SomeRecord):
    """What Android's services said between two jobs: lines of harness.model.phone_state.LINES; None: see ``why``."""

    type: Literal["state"]
    launch: Count
    t_ns: Count
    took_ns: Reading[Nanoseconds] = None
    said: dict[str, Reading[tuple[str, ...]]] = Field(default_factory=dict)
    why: dict[str, str] = Field(default_factory=dict)
