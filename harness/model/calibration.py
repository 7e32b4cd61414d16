"""What a calibration found of a phone under a policy, and when it is no longer to be relied on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from harness.model.policy import Policy

STALE_AFTER_DAYS = 14  # batteries age and systems are updated without a word; two weeks are a run of every working day

_Share = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
_Name = Annotated[str, Field(max_length=200)]
BUILD_DIGITS = 12  # of a build id, as records have it
_DIGITS = 12
_NOT_TOLD = {"name", "settings", "cache", "sustained"}  # of the policy, by its digest


class Place(BaseModel):
    """One cluster in one cache mode; shares as in harness.stats.noise, None where no A/A pair could be judged."""

    model_config = ConfigDict(frozen=True)

    cluster: _Name
    cache: _Name
    verdict: Literal["passed", "failed", "unjudged"]
    pairs: Annotated[int, Field(ge=0, le=10**6)]
    failed: Annotated[int, Field(ge=0, le=10**6)] = 0
    floor: _Share | None = None  # 95 % of the ratios of equals lie no farther from 1
    visible: _Share | None = None  # the smallest difference that the layer in the middle shows with power 0.9
    worst_visible: _Share | None = None
    worst_layer: _Name = ""


class Calibration(BaseModel):
    """Of one phone under one policy."""

    model_config = ConfigDict(frozen=True)

    policy: _Name
    policy_digest: _Name
    utc: AwareDatetime
    build_id: _Name  # of convbench: its first BUILD_DIGITS digits
    system: _Name  # the build of the device's system, or its kernel
    suite: _Name
    places: tuple[Place, ...]

    def of(self, cluster: str, cache: str) -> Place | None:
        """What was found there; None for a place that was not calibrated."""
        return next((each for each in self.places if (each.cluster, each.cache) == (cluster, cache)), None)

    def floor(self, cluster: str, cache: str, threads: int) -> float | None:
        """The noise floor of a call on so many threads there; None where it is not known.

        `harness calibrate` measures calls on one thread: one on several waits for the last, and has another noise.
        """
        place = self.of(cluster, cache)
        return None if place is None or threads != 1 else place.floor

    def stale(self, now: datetime, policy: Policy, build_id: str, system: str) -> list[str]:
        """Why it is no longer to be relied on; nothing where it is."""
        age = now - self.utc
        return [
            *([f"it is {age.days} days old"] if age > timedelta(days=STALE_AFTER_DAYS) else []),
            *(["it is of the future: a clock was wrong"] if age < timedelta(hours=-1) else []),
            *(["the policy says something else since"] if self.policy_digest != digest(policy) else []),
            *(["convbench is another build since"] if self.build_id != build_id else []),
            *(["the device's system is another one since"] if self.system != system else []),
        ]


def digest(policy: Policy) -> str:
    """The same for policies that measure and judge in the same way, whatever they are called.

    The cache modes are no part of it, for places tell which they are of; nor is what sustained runs alone go by.
    """
    return sha256(policy.model_dump_json(exclude=_NOT_TOLD).encode()).hexdigest()[:_DIGITS]


def parsed(value: object) -> Calibration | None:
    """From JSON that nobody vouches for; None for what is none."""
    try:
        return Calibration.model_validate(value)
    except (ValidationError, RecursionError):
        return None


def as_json(calibration: Calibration) -> dict[str, Any]:
    """For files and --json."""
    return calibration.model_dump(mode="json")


def now() -> datetime:
    """The time that a calibration is stamped with."""
    return datetime.now(UTC).replace(microsecond=0)
