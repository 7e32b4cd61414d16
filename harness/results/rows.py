"""One row of results.csv: what one variant of one layer showed on one cluster in one cache mode."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from harness.model.variant import ALGORITHMS, AUTO, BEST, Variant, without_order
from harness.results.columns import result_texts
from harness.stats.estimate import LaunchLogs, Observation, RoundLogs, ratio, round_logs
from harness.stats.interval import Interval, visible

COMPARED = ("im2col", "direct")  # ratios over these are columns of results.csv
AA = "aa"  # as other of the second one of an A/A pair: the first
PUBLISHED_FORM = "published/"  # before an algorithm: as other of a row of face best


def algorithm_order(name: str) -> int:
    """Where an algorithm stands in tables and charts."""
    return ALGORITHMS.index(name) if name in ALGORITHMS else len(ALGORITHMS)


@dataclass(frozen=True)
class RowKey:
    """What tells one row from another."""

    device: str
    cluster: str
    layer: str
    what: Variant

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self.what.name

    @property
    def face(self) -> str:
        """``published`` or ``best``."""
        return self.what.face

    @property
    def threads(self) -> int:
        """Of a run."""
        return self.what.threads

    @property
    def cache(self) -> str:
        """``hot`` or ``rotate``."""
        return self.what.cache

    @property
    def build(self) -> str:
        """The program, as records name it."""
        return self.what.build

    @property
    def place(self) -> tuple[object, ...]:
        """Where it was measured and what was asked for, whatever ran and whichever program: what builds have alike."""
        what = self.what
        return (self.device, self.cluster, what.threads, what.cache, self.layer, what.face, what.type, what.layout,
                what.asked)  # fmt: skip

    @property
    def columns(self) -> Mapping[str, str]:
        """Where and how it was measured, as texts: the columns that results.csv, faces.csv and workers.csv share."""
        return {
            "device": self.device,
            "cluster": self.cluster,
            "threads": str(self.threads),
            "cache": self.cache,
            "build": self.build,
            "layer": self.layer,
            "variant": self.variant,
        }


@dataclass(frozen=True)
class MeasuredError:
    """How far outputs lie from the exact ones: None where nothing tells.

    ``over_bound``: as a share of what the method allows, over 1 it is wrong; ``largest``: of an output, as a share of
    |bias| + sum |input||weight|; ``bound``: what the method allows of that.
    """

    over_bound: float | None = None
    largest: float | None = None
    bound: float | None = None


UNMEASURED = MeasuredError()


@dataclass
class Row:
    """A row with what it was made from. Times in ns per call, sizes in bytes; None where unknown."""

    key: RowKey
    status: str  # ok, skip, error, wrong, missing, unjudged
    category: str = ""
    emulated: bool = False
    conditions: str = ""  # of the device, joined by +
    reason: str = ""  # why the status is not ok
    observations: list[Observation] = field(default_factory=list)  # valid ones
    tainted: list[tuple[Observation, int]] = field(default_factory=list)  # each with its reasons
    pairs_left_out: dict[str, tuple[int, int]] = field(default_factory=dict)  # too few: valid ones, and all
    seen: int = 0  # the reasons that its evidence could have shown
    flop: int = 0
    time: Interval | None = None
    peak_share: float | None = None
    matrix_bytes: int | None = None
    pointer_bytes: int | None = None
    extra_bytes: int | None = None
    copy_ns: float | None = None
    to_nchw_ns: float | None = None  # bringing the input to a layout that is not the layer's; and the output back
    to_nhwc_ns: float | None = None
    create_ns: float | None = None
    reshape_ns: float | None = None
    error: MeasuredError = UNMEASURED
    order: str = ""  # of the loops around the micro-kernel, the outer one: panels, pixels
    # Other algorithm, for face best also one as published (PUBLISHED_FORM), -> launch -> its log ratio; and its row.
    pairs: dict[str, LaunchLogs] = field(default_factory=dict)
    partners: dict[str, Row] = field(default_factory=dict)
    other_build: str = ""  # the name of the other build of the library that measured it; empty: the run's own did
    build_name: str = ""  # the same, or `checkout`, where the run has several builds
    number: int = 0  # of the data row in results.csv, from 1

    @property
    def is_best(self) -> bool:
        """Whether it is of face best."""
        return self.key.face == BEST

    @property
    def is_copy(self) -> bool:
        """Whether it is the second one of an A/A pair, which is compared with the first alone."""
        return self.key.what.is_copy

    @property
    def is_foreign(self) -> bool:
        """Whether a worker of somebody else measured it; ``algorithm`` is its name."""
        return self.key.what.is_foreign

    @property
    def algorithm(self) -> str:
        """That ran; where nothing ran, the one asked for."""
        return self.key.what.algorithm

    @property
    def kernel(self) -> str:
        """The micro-kernel, without the options of a schedule."""
        return self.key.what.kernel

    @property
    def schedule(self) -> str:
        """Kernel and options."""
        return self.key.what.schedule

    @property
    def role(self) -> str:
        """What it is compared as: its algorithm, or ``auto`` where that was chosen by the library."""
        return AUTO if self.key.what.is_auto else self.algorithm

    @property
    def ran(self) -> tuple[str, str]:
        """What ran, whatever it was called: the schedule without its order of loops, and that order."""
        return (without_order(self.schedule), self.order)

    @property
    def gflops(self) -> float | None:
        """Nominal FLOP per nanosecond."""
        return self.flop / self.time.value if self.time and self.flop else None

    @property
    def has_samples(self) -> bool:
        """Whether any was taken, valid or not."""
        return bool(self.observations or self.tainted)

    @cached_property
    def rounds(self) -> frozenset[tuple[int, int, Hashable]]:
        """Launch, round and group of every sample, valid or not."""
        every = [*self.observations, *(each for each, _ in self.tainted)]
        return frozenset((each.launch, each.round, each.group) for each in every)

    @cached_property
    def round_logs(self) -> RoundLogs:
        """What pairs are made of; once the observations are complete."""
        return round_logs(self.observations)

    def attempt_logs(self, seen: int) -> RoundLogs:
        """The same for pairs of two programs: a round of one attempt at the cluster, whatever the process.

        ``seen``: reasons that both programs' evidence could have shown. What only one of the two tells of leaves
        nothing out: else its slow samples would go, and the other's would stay.
        """
        valid = self.observations + [each for each, reasons in self.tainted if not reasons & seen]
        return round_logs([each._replace(group=_attempt(each.group)) for each in valid])

    @cached_property
    def attempt_rounds(self) -> frozenset[tuple[int, int, Hashable]]:
        """Launch, round and attempt of every sample, valid or not."""
        return frozenset((launch, number, _attempt(group)) for launch, number, group in self.rounds)

    @cached_property
    def launches(self) -> int:
        """Launches with at least one sample."""
        return len({observation.launch for observation in self.observations})

    def ratio(self, other: str) -> Interval | None:
        """The other algorithm's time over this one's; None without pairs."""
        return self._ratios.get(other)

    @cached_property
    def _ratios(self) -> dict[str, Interval | None]:
        return {other: ratio(means) for other, means in self.pairs.items()}

    @property
    def visible(self) -> float | None:
        """The smallest ratio, less 1, that each of its comparisons in results.csv could have shown."""
        pairs = [self.pairs[other] for other in COMPARED if self.pairs.get(other)]
        found = [visible(list(means.values())) for means in pairs]
        known = [each for each in found if each is not None]
        return max(known) if known and len(known) == len(found) else None

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of results.csv."""
        return result_texts(self)


def _attempt(group: Hashable) -> Hashable:
    return group[0] if isinstance(group, tuple) else group
