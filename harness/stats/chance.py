"""How many false alarms chance explains."""

from __future__ import annotations

LEVEL = 0.01  # a whole run is called into question where so many false alarms come by chance this seldom


def more_than_chance(alarms: int, comparisons: int, share: float, level: float = LEVEL) -> bool:
    """Whether so many of independent comparisons would give an alarm with a probability below ``level``.

    ``share``: of comparisons of equals that give one, by their intervals' confidence. The upper tail of the binomial
    distribution.
    """
    if alarms <= 0:
        return False
    from scipy.special import bdtrc  # noqa: PLC0415  as in interval

    return float(bdtrc(alarms - 1, comparisons, share)) < level
