"""What is said of a difference between two builds: pure, of a stated version.

Without a threshold: faster or slower where that is proven, else unproven; nothing can be the same without saying how
much would be too much. With one: faster or slower where that is proven and the estimate reaches the threshold; the same
where both one-sided tests show the difference to be below it; unproven in between, which is no proof of anything.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

from harness.exit_codes import ExitCode

VERSION = 1  # of the rules below
LEVEL = 0.05  # of p values
LEAST_VALID = 0.5  # share of samples from which on a run's times can be held against another run's

Decision = Literal["faster", "slower", "same", "unproven", "unjudged"]
DECISIONS: tuple[Decision, ...] = ("slower", "unjudged", "unproven", "faster", "same")  # what asks for action first


def is_disturbed(valid: int, total: int) -> bool:
    """Whether so few of a row's samples are valid that its level tells of the disturbance.

    Within a run a pair leaves as a whole, and what is left is fair. Between two runs nothing cancels: what remains
    where most samples were struck is slower too, by no evidence (caches that somebody else has filled).
    """
    return valid < LEAST_VALID * total


def decide(log: float, p_holm: float, p_same: float = 1.0, threshold: float | None = None) -> Decision:
    """Of a difference that could be judged.

    ``log``: of base's time over new's; ``p_holm``: that there is none, adjusted for all that is compared beside it;
    ``p_same``: that it is ``threshold`` (a ratio, less 1) or more.
    """
    least = 0.0 if threshold is None else math.log1p(threshold)
    if p_holm < LEVEL and abs(log) >= least:
        return "faster" if log > 0 else "slower"
    if threshold is not None and p_same < LEVEL:
        return "same"
    return "unproven"


def code_of(decisions: Collection[Decision], threshold: float | None) -> ExitCode:
    """The exit code: 1 where anything is slower; 4 for what is unjudged, with a threshold for what is unproven too."""
    if "slower" in decisions:
        return ExitCode.REGRESSION
    if "unjudged" in decisions or (threshold is not None and "unproven" in decisions):
        return ExitCode.TOO_LITTLE_DATA
    return ExitCode.DONE
