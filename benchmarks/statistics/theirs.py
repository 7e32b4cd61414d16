"""How other harnesses compare two variants, over arrays: one row a stream.

Each gets the samples that its tool would take in the same time: all of A and then all of B, or in turns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, ttest_ind, ttest_rel

from benchmarks.statistics.found import Found
from benchmarks.statistics.noise import Numbers

ALPHA = 0.05
REPETITIONS = 10  # of google/benchmark: its documentation advises nine and more
MINIMA_DIFFER = 0.005  # the minimum has no interval: half of the 1 % that is to be seen


def sequential_means(a: Numbers, b: Numbers) -> Found:
    """Welch's interval of the difference of means, over all samples."""
    return _difference(a, b, ttest_ind(b, a, axis=-1, equal_var=False).confidence_interval(1 - ALPHA))


def pyperf(a: Numbers, b: Numbers) -> Found:
    """``pyperf compare_to``: Student's two-sample t with pooled variance, over all values."""
    return _difference(a, b, ttest_ind(b, a, axis=-1, equal_var=True).confidence_interval(1 - ALPHA))


def minimum(a: Numbers, b: Numbers) -> Found:
    """The ratio of the minima, and a fixed threshold, since it has no interval."""
    value = np.min(b, axis=-1) / np.min(a, axis=-1)
    return Found(value, *_no_interval(value), _side(value - 1, np.asarray(np.abs(value - 1) > MINIMA_DIFFER)))


def google_benchmark(a: Numbers, b: Numbers) -> Found:
    """``compare.py``: Mann and Whitney's U test on repetitions, each the mean of its share of the samples."""
    a, b = (_repetitions(values) for values in (a, b))
    value = b.mean(axis=-1) / a.mean(axis=-1)
    differs = np.asarray(mannwhitneyu(a, b, axis=-1, alternative="two-sided").pvalue < ALPHA)
    return Found(value, *_no_interval(value), _side(np.median(b, axis=-1) - np.median(a, axis=-1), differs))


def unpaired_blocks(a: Numbers, b: Numbers) -> Found:
    """Student's two-sample t over the means of launches; arrays of stream, launch, round, taken in turns."""
    a, b = a.mean(axis=-1), b.mean(axis=-1)
    return _difference(a, b, ttest_ind(b, a, axis=-1, equal_var=True).confidence_interval(1 - ALPHA))


def paired_blocks(a: Numbers, b: Numbers) -> Found:
    """Student's paired t over the means of launches; arrays of stream, launch, round, taken in turns."""
    a, b = a.mean(axis=-1), b.mean(axis=-1)
    return _difference(a, b, ttest_rel(b, a, axis=-1).confidence_interval(1 - ALPHA))


def _difference(a: Numbers, b: Numbers, interval: Any) -> Found:
    """scipy's interval of the difference of means, over A's mean."""
    unit = a.mean(axis=-1)
    return Found.of_intervals(b.mean(axis=-1) / unit, 1 + interval.low / unit, 1 + interval.high / unit)


def _repetitions(values: Numbers) -> Numbers:
    """The mean of each; fewer where there are fewer samples."""
    parts = np.array_split(values, min(REPETITIONS, values.shape[-1]), axis=-1)
    return np.stack([part.mean(axis=-1) for part in parts], axis=-1)


def _no_interval(value: Numbers) -> tuple[Numbers, Numbers]:
    return np.full_like(value, np.nan), np.full_like(value, np.nan)


def _side(difference: Numbers, differs: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(differs, np.sign(difference), 0).astype(np.int64)
