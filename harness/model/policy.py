"""How long and how often to measure: launches, rounds, budgets, cache modes, the heat gate."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from harness.errors import UsageError
from harness.model import catalog
from harness.model.launches import LEAST_LAUNCHES
from harness.model.layer import problem
from harness.model.source import load, validate
from harness.model.sustained import SAMPLE_MS, SUSTAINED, Mode, Sustained
from harness.model.thresholds import Share, Thresholds
from harness.model.wording import kind, shown, suggestion

CacheMode = Literal["hot", "rotate"]
CACHE_MODES: tuple[CacheMode, ...] = ("hot", "rotate")
_DAY_S = 86_400
LOST_CAP_S = 120.0  # a lock on a phone counts as left after 180 s without a sign of life: no more than this
_MOST_TIMES = 4  # the launches, with precision


class PhoneSettings(BaseModel):
    """Which settings of a phone are changed while it is measured; harness/control/setting.py says how."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    stay_awake: bool = True
    screen_timeout_off: bool = True
    battery_saver_off: bool = False
    dim_screen: bool = False
    fixed_performance: bool = False
    airplane_mode: bool = False


class Policy(Thresholds):
    """What a policy file says; keys left out have the values of ``default``.

    ``launches``: so many; with ``precision`` at least, and then more until each ratio that matters is known that well
    (the width of its interval, 0.01: 1 %) or the budget is spent. ``min_ms``: a sample's least length.
    ``block_budget_s``: wall time of a layer on a cluster over all launches; rounds are cut to fit. ``again_share``: so
    much more of it for rounds in the place of those with tainted samples. ``gate_cap_s``: longest wait for a cool
    device before a launch; ``gate_cap_local_s``: the same for this machine, where it is to be shorter.
    ``gate_share``: of a run's time on a device that all such waits may take; 1: no bound. ``gate_tolerance_c``: degrees
    above where the device rests that count as cool. ``sustained``: how suites of that mode are measured.
    ``lost_cap_s``: longest wait for a phone whose connection broke. What a sample has to be to count: Thresholds.
    """

    name: str
    launches: int = Field(default=8, ge=1, le=1000)
    precision: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    rounds: int = Field(default=10, ge=1, le=100_000)
    min_ms: float = Field(default=10.0, gt=0, le=60_000, allow_inf_nan=False)
    block_budget_s: float = Field(default=60.0, gt=0, le=_DAY_S, allow_inf_nan=False)
    cache: tuple[CacheMode, ...] = CACHE_MODES
    again_share: Share = 0.25
    gate_cap_s: float = Field(default=120.0, ge=0, le=_DAY_S, allow_inf_nan=False)
    gate_cap_local_s: float | None = Field(default=None, ge=0, le=_DAY_S, allow_inf_nan=False)
    gate_share: Share = 0.5
    gate_tolerance_c: float = Field(default=1.0, ge=0, le=50, allow_inf_nan=False)
    sustained: Sustained = Sustained()
    lost_cap_s: float = Field(default=LOST_CAP_S, ge=0, le=LOST_CAP_S, allow_inf_nan=False)
    settings: PhoneSettings = PhoneSettings()

    def of_mode(self, mode: Mode) -> Policy:
        """The policy as a suite of that mode is measured with.

        A sustained one has long samples in one cache mode (``hot`` where it is among them), as many as fit into a
        series, and no verdicts: a clock that falls is what it is to show.
        """
        if mode != SUSTAINED:
            return self
        cache: CacheMode = "hot" if "hot" in self.cache else self.cache[0]
        changes = {
            **{"cache": (cache,), "min_ms": SAMPLE_MS, "launches": 1, "rounds": self.sustained.most_rounds},
            **{"block_budget_s": self.sustained.seconds, "again_share": 0.0, "verdicts": False},
            "precision": None,
        }
        return self.model_copy(update=changes)

    @property
    def most_launches(self) -> int:
        """Of a layer on a cluster."""
        return self.launches if self.precision is None else _MOST_TIMES * self.launches

    @property
    def budgeted_launches(self) -> int:
        """How many launches share a layer's budget: with ``precision`` there is room for as many again."""
        return self.launches if self.precision is None else 2 * self.launches

    @field_validator("precision")
    @classmethod
    def _precision(cls, value: float | None, info: ValidationInfo) -> float | None:
        launches = info.data.get("launches", LEAST_LAUNCHES)
        if value is not None and launches < LEAST_LAUNCHES:
            raise problem(
                f"it takes an interval, and {launches} launches give none",
                f"Set launches to {LEAST_LAUNCHES} or more, or leave precision out.",
            )
        return value

    @field_validator("cache", mode="before")
    @classmethod
    def _modes(cls, value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise problem(f"{kind(value)}, where a list is needed", "Write [hot, rotate] or one of them in brackets.")
        for index, mode in enumerate(value):
            if not isinstance(mode, str) or mode not in CACHE_MODES:
                name = mode if isinstance(mode, str) else kind(mode)
                raise problem(f"unknown cache mode {shown(name)}", suggestion(str(mode), CACHE_MODES), index)
            if mode in value[:index]:
                raise problem(f"{shown(mode)} is given twice", "Remove one of the two.", index)
        if not value:
            raise problem("the list is empty", "Write [hot, rotate] or one of them in brackets.")
        return tuple(value)


def load_policy(name_or_path: str) -> Policy:
    """A shipped policy by name, or one from a YAML file. Raises UsageError."""
    path = catalog.find("policies", "policy", name_or_path)
    source = load(path)
    known = [key for key in Policy.model_fields if key != "name"]  # the name is the file's, not a key
    unknown = next((key for key in source.values if key not in known), None)
    if unknown is not None:
        raise source.error((unknown,), "unknown key", suggestion(unknown, known))
    return validate(Policy, source, extra={"name": catalog.stem(path)})


def with_cache(policy: Policy, cache: str | None) -> Policy:
    """The policy with the modes of ``--cache`` in place of its own; None: not given. Raises UsageError."""
    if cache is None:
        return policy
    modes = tuple(mode.strip() for mode in cache.split(","))
    for index, mode in enumerate(modes):
        if mode not in CACHE_MODES:
            raise UsageError(f"--cache: unknown cache mode {shown(mode)}", suggestion(mode, CACHE_MODES))
        if mode in modes[:index]:
            raise UsageError(f"--cache: {shown(mode)} is given twice", "Remove one of the two.")
    return policy.model_copy(update={"cache": modes})


def list_policies() -> list[str]:
    """Names of the shipped policies."""
    return catalog.names("policies")


def policy_path(value: str, beside: Path) -> str:
    """A suite's ``policy``: a name, or a path from the suite's own folder."""
    return str(beside.parent / value) if catalog.is_path(value) else value
