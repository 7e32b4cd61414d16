"""What might stand for a launch in the place of Hodges and Lehmann's estimate of its pairs' log ratios, for comparison.

The mean counts a sample that is slow without a reason as the variant's own, and is moved by it; the median is moved
least, and wastes most where nothing is far off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.interval import Interval, from_launch_logs

Values = Sequence[float] | NDArray[np.float64]
Location = Callable[[Values], float]


def mean(values: Values) -> float:
    """Of all values."""
    return float(np.mean(values))


def median(values: Values) -> float:
    """The middle one."""
    return float(np.median(values))


LOCATIONS: Mapping[str, Location] = {"launch: mean": mean, "launch: median": median}


def ratio_by(location: Location, launches: Iterable[Values]) -> Interval | None:
    """The ratio with each launch's log ratios as one value, the rest as the harness has it; None without any."""
    values = [location(logs) for logs in launches if len(logs)]
    return from_launch_logs(values) if values else None
