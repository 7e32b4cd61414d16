"""What might stand for a launch in the place of the mean of its pairs' log ratios: robust ones, for comparison.

The harness takes the mean: a sample that is slow without a reason is the variant's own. These are less moved by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.interval import Interval, from_log_means

Values = Sequence[float] | NDArray[np.float64]
Location = Callable[[Values], float]


def hodges_lehmann(values: Values) -> float:
    """The median of the means of all pairs of values, each with itself too."""
    array = np.asarray(values)
    first, second = np.triu_indices(len(array))
    return float(np.median((array[first] + array[second]) / 2))


def median(values: Values) -> float:
    """The middle one."""
    return float(np.median(values))


LOCATIONS: Mapping[str, Location] = {"launch: Hodges-Lehmann": hodges_lehmann, "launch: median": median}


def ratio_by(location: Location, launches: Iterable[Values]) -> Interval | None:
    """The ratio with each launch's log ratios as one value, the rest as the harness has it; None without any."""
    values = [location(logs) for logs in launches if len(logs)]
    return from_log_means(values) if values else None
