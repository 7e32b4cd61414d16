"""The guard on the baseline: im2col as published against the better order of loops over a whole matrix.

Every ratio of the indirect convolution to im2col is as honest as im2col is fast. So the published im2col must run in
the order that serves it, or nearly: judged against the two orders of the same micro-kernel over the whole matrix,
measured in the same rounds. Against the best of all its schedules it is printed only, and so is what the published
pair, and the two at their best, say of each other.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.local import shown
from harness.model.layer import Layer
from harness.model.suite import load_suite
from harness.model.variant import CHOSEN, DEFAULT, Asked
from harness.plan.jobs import PlannedVariant
from harness.results.stream import Stream
from harness.stats.estimate import LaunchLogs, Observation, geometric_mean, launch_logs, pair_log_ratios, ratio
from harness.stats.interval import Interval
from harness.store import records

NETWORKS = ("resnet18", "squeezenet_v1_0", "vgg16_d")
LEAST_LAYER, LEAST_MEAN = 0.85, 0.95
# As published, called by the algorithm alone; the orders; and what else im2col can do.
PUBLISHED, INDIRECT = "im2col", "indirect"
BY_PANEL, BY_PIXEL = "im2col+panels", "im2col+pixels"
ORDERS = {BY_PANEL: "+panels", BY_PIXEL: "+pixels"}
BEST, INDIRECT_BEST = "im2col/best", "indirect/best"
BLOCKS = {"im2col+block8": "+block8", "im2col+block32": "+block32"}
SCHEDULES = (PUBLISHED, *ORDERS, BEST, *BLOCKS)


def layers() -> list[Layer]:
    """All layers of the three networks whose im2col makes a matrix, each shape once, the network's name in front."""
    found: dict[object, Layer] = {}
    for network in NETWORKS:
        for layer in load_suite(network).layers:
            if makes_matrix(layer):
                found.setdefault(layer.shape_key, layer.model_copy(update={"name": f"{network}-{layer.name}"}))
    return list(found.values())


def makes_matrix(layer: Layer) -> bool:
    """Whether im2col copies: not for 1x1 with stride 1 and without padding."""
    return (layer.kh, layer.kw, layer.stride) != (1, 1, (1, 1)) or any(layer.pad)


def variants(caches: Sequence[str]) -> list[PlannedVariant]:
    """Everything that is measured, with the default kernel but for the best schedules."""
    ways = [(PUBLISHED, "im2col", DEFAULT), (INDIRECT, "indirect", DEFAULT)]
    ways += [(label, "im2col", DEFAULT + option) for label, option in (ORDERS | BLOCKS).items()]
    ways += [(BEST, "im2col", CHOSEN), (INDIRECT_BEST, "indirect", CHOSEN)]
    every = [(way, cache) for way in ways for cache in caches]
    return [
        PlannedVariant(index, Asked(algorithm, schedule), cache, label=label)
        for index, ((label, algorithm, schedule), cache) in enumerate(every)
    ]


@dataclass(frozen=True)
class Finding:
    """A layer in one cache mode. Ratios are a's time over b's time, from pairs of one round; None: not measured."""

    layer: str
    cache: str
    ns: float  # the published im2col, per call
    order: str  # the better one, by its median time
    of_order: LaunchLogs  # its time over the published im2col's: at most about 1
    best: str  # the best schedule of im2col, by its median time
    of_best: LaunchLogs
    published: LaunchLogs  # im2col over indirect, as published
    at_best: LaunchLogs  # the best im2col over the best indirect
    rule: str  # the order that ran as published
    by_pixel: LaunchLogs  # panels outside over pixels outside
    fixed: LaunchLogs  # published over pixels outside: what QNNPACK's one order would change
    block: str  # the schedule whose matrix is never whole, the fastest by its median time; "": none was measured
    blocked: LaunchLogs  # the better order over it


def findings(stream: Stream) -> list[Finding]:
    """A finding for each layer and cache mode that has samples of the published im2col, in the order of the records."""
    places: dict[tuple[str, str], dict[str, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    made = {(r.layer, r.variant): r for r in stream.of(records.Layer)}
    for s in stream.samples:
        if s.ns > 0:
            places[s.layer, s.cache][s.variant].append(Observation(s.launch, s.round, s.pid, s.ns))
    found = []
    for (layer, cache), measured in places.items():
        if PUBLISHED not in measured:
            continue
        times = {name: statistics.median(o.value for o in seen) for name, seen in measured.items()}

        def over(ours: str, other: str, measured: Mapping[str, list[Observation]] = measured) -> LaunchLogs:
            return launch_logs(pair_log_ratios(measured.get(ours, []), measured.get(other, [])))

        order = min((name for name in ORDERS if name in times), key=times.__getitem__, default="")
        best = min((name for name in SCHEDULES if name in times), key=times.__getitem__)
        blocks = [n for n in SCHEDULES if n in times and (layer, n) in made and "+block" in made[layer, n].schedule]
        block = min(blocks, key=times.__getitem__, default="")
        indirect = min((name for name in (INDIRECT, INDIRECT_BEST) if name in times), key=times.__getitem__, default="")
        found.append(
            Finding(
                layer,
                cache,
                times[PUBLISHED],
                order,
                over(PUBLISHED, order),
                best,
                over(PUBLISHED, best),
                over(INDIRECT, PUBLISHED),
                over(indirect, best),
                made[layer, PUBLISHED].order if (layer, PUBLISHED) in made else "",
                over(BY_PIXEL, BY_PANEL),
                over(BY_PIXEL, PUBLISHED),
                block,
                over(block, order),
            )
        )
    return found


def mean(layers_means: Sequence[LaunchLogs]) -> Interval | None:
    """The geometric mean over layers; None where none was measured."""
    return geometric_mean([means for means in layers_means if means])


@dataclass(frozen=True)
class Judgement:
    """What falls short, each a line for people; and what could not be judged."""

    short: tuple[str, ...]
    unjudged: tuple[str, ...]


def judge(ratios: Mapping[tuple[str, str], Interval | None], means: Mapping[str, Interval | None]) -> Judgement:
    """Falls short: a layer (by layer and cache mode) or a mean (by cache mode) whose interval ends below the least.

    ``ratios``: the better order's time over the published im2col's. Without an interval nothing is judged.
    """
    short, unjudged = [], []
    named = [(f"{layer} ({cache})", found, LEAST_LAYER) for (layer, cache), found in ratios.items()]
    named += [(f"geometric mean ({cache})", found, LEAST_MEAN) for cache, found in means.items()]
    for name, found, least in named:
        if found is None or found.high is None:
            unjudged.append(name)
        elif found.high < least:
            short.append(f"{name}: {shown(found, 3)}, at least {least} is asked")
    return Judgement(tuple(short), tuple(unjudged))


def judged(found: Sequence[Finding], wanted: Sequence[str], caches: Sequence[str]) -> Judgement:
    """The judgement on what was measured of the layers that were to be."""
    by_place = {(f.layer, f.cache): f for f in found}
    ratios = {
        (layer, cache): ratio(by_place[layer, cache].of_order) if (layer, cache) in by_place else None
        for cache in caches
        for layer in wanted
    }
    return judge(ratios, {cache: mean([f.of_order for f in found if f.cache == cache]) for cache in caches})


def lines(found: Sequence[Finding], cache: str) -> Iterator[str]:
    """The table of one cache mode with its means. Under 1: the published im2col is slower."""
    ours = [f for f in found if f.cache == cache]
    if not ours:
        yield f"{cache}: nothing was measured"
        return
    width = max(len(f.layer) for f in ours)
    yield f"{cache}: im2col as published against its better order and its best schedule; indirect over im2col"
    yield (
        f"{'layer':<{width}} {'im2col ms':>10}  {'better order':<13} {'published / it':<21} {'best schedule':<14} "
        f"{'published / it':<21} {'indirect: published':<21} {'each at its best':<21}"
    )
    for f in ours:
        yield (
            f"{f.layer:<{width}} {f.ns / 1e6:10.3f}  {f.order.removeprefix(PUBLISHED):<13} {_cell(ratio(f.of_order))} "
            f"{f.best.removeprefix(PUBLISHED) or '(published)':<14} {_cell(ratio(f.of_best))} "
            f"{_cell(ratio(f.published))} {_cell(ratio(f.at_best))}"
        )
    columns = zip(*((f.of_order, f.of_best, f.published, f.at_best) for f in ours), strict=True)
    of_order, of_best, published, at_best = (_cell(mean(column)) for column in columns)
    yield f"{'geometric mean':<{width}} {'':>10}  {'':<13} {of_order} {'':<14} {of_best} {published} {at_best}"


def order_lines(found: Sequence[Finding], cache: str) -> Iterator[str]:
    """What the order gives and what blocks give, for one cache mode; rows of a Markdown table. Over 1: faster."""
    ours = [f for f in found if f.cache == cache]
    titles = ("layer", "order by rule", "pixels / panels outside", "QNNPACK's order / published", "block / order", "")
    yield f"| {cache}: {' | '.join(titles)} |"
    yield "|---|---|---|---|---|---|"
    for f in ours:
        of = (f.by_pixel, f.fixed, f.blocked)
        cells = [shown(one, 3) if (one := ratio(each)) else "" for each in of]
        yield f"| {f.layer} | {f.rule} | {' | '.join(cells)} | {f.block.removeprefix(PUBLISHED)} |"
    every = [mean(column) for column in zip(*((f.by_pixel, f.fixed, f.blocked) for f in ours), strict=True)]
    yield f"| geometric mean |  | {' | '.join(shown(one, 3) if one else '' for one in every)} |  |"


def _cell(found: Interval | None) -> str:
    return f"{shown(found, 3) if found else '-':<21}"
