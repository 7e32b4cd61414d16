"""Whole networks: the time of all their convolutions, by algorithm and at its best. The rows of networks.csv.

A layer counts as often as its ``count`` says. A form is told where it ran every layer of the network: nothing is
filled in. Ratios are of launches: both sides' sums of one launch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from harness.model.layer import Layer
from harness.model.suite import list_suites, load_suite
from harness.model.variant import AUTO, BEST, PUBLISHED
from harness.results.numbers import number_text, ratio_texts
from harness.results.pairs import each_at_its_best
from harness.results.rows import Row
from harness.results.run import RunData
from harness.stats.estimate import ratio
from harness.stats.interval import Interval, from_launch_logs

_COLUMNS = (
    "device,cluster,threads,cache,network,form,face,layers,calls,total_ns,low_ns,high_ns,"
    "ratio_im2col,ratio_im2col_low,ratio_im2col_high,visible,emulated"
)
NETWORK_COLUMNS = tuple(_COLUMNS.split(","))
FASTEST = "fastest"  # of each layer what took the least median time
_FORMS = ("im2col", "indirect", "direct")
_Place = tuple[str, str, int, str]  # device, cluster, threads, cache


@dataclass
class NetworkRow:
    """One form of a network: an algorithm as published or at its best, auto, a worker, or the fastest of each layer."""

    place: _Place
    network: str
    form: str
    face: str
    layers: int
    calls: int  # of all layers
    total: Interval  # nanoseconds
    ratio: Interval | None  # the published im2col's time over this one's; None without it, and in its own row
    emulated: bool = False
    number: int = 0  # of the data row in networks.csv, from 1

    @property
    def words(self) -> str:
        """``indirect as published``, ``im2col at its best``, ``auto``, ``the fastest of each layer``."""
        if self.form == FASTEST:
            return "the fastest of each layer" + (", as published" if self.face == PUBLISHED else "")
        if self.form not in _FORMS:
            return self.form
        return f"{self.form} {'as published' if self.face == PUBLISHED else 'at its best'}"

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of networks.csv."""
        device, cluster, threads, cache = self.place
        return {
            **{"device": device, "cluster": cluster, "threads": str(threads), "cache": cache},
            **{"network": self.network, "form": self.form, "face": self.face},
            "layers": str(self.layers),
            "calls": str(self.calls),
            "total_ns": number_text(self.total.value),
            "low_ns": number_text(self.total.low),
            "high_ns": number_text(self.total.high),
            **ratio_texts(self.ratio, "ratio_im2col", "ratio_im2col_low", "ratio_im2col_high"),
            "visible": number_text(self.ratio.visible if self.ratio else None),
            "emulated": str(int(self.emulated)),
        }


@dataclass(frozen=True)
class Networks:
    """The rows, and the networks of which too few layers are in the suite, with how many of how many are."""

    rows: list[NetworkRow]
    partial: Mapping[str, tuple[int, int]]


def make_networks(run: RunData, rows: Sequence[Row]) -> Networks:
    """All rows of networks.csv, in the order of results.csv's places."""
    whole, partial = networks_of(run)
    found: list[NetworkRow] = []
    places: dict[_Place, list[Row]] = defaultdict(list)
    for row in rows if whole else ():
        if row.status == "ok" and row.time and not row.is_copy:
            places[row.key.device, row.key.cluster, row.key.threads, row.key.cache].append(row)
    for place, measured in places.items():
        forms = _forms(measured)
        for network, layers in whole.items():
            found += _rows(place, network, layers, forms)
    for number, each in enumerate(found, start=1):
        each.number = number
    return Networks(found, partial)


def networks_of(run: RunData) -> tuple[dict[str, list[Layer]], dict[str, tuple[int, int]]]:
    """The networks of a suite with their layers, and those of which the suite has only some.

    A suite of several networks has their names before its layers'; else its own name is the network's. Of networks
    that the tool knows all layers have to be there.
    """
    layers = list(run.layers.values())
    prefixes = {layer.name.partition("-")[0] for layer in layers if "-" in layer.name}
    several = all("-" in layer.name for layer in layers) and bool(prefixes)
    groups: dict[str, list[Layer]] = defaultdict(list)
    for layer in layers:
        groups[layer.name.partition("-")[0] if several else run.suite].append(layer)
    known = set(list_suites())
    whole, partial = {}, {}
    for name, own in groups.items():
        wanted = [_shape(layer) for layer in load_suite(name).layers] if name in known else []
        shapes = {_shape(layer) for layer in own} if wanted else set()
        there = sum(shape in shapes for shape in wanted)
        if there < len(wanted):
            partial[name] = (there, len(wanted))
        elif name:
            whole[name] = own
    return whole, partial


def _shape(layer: Layer) -> tuple[object, ...]:
    return (layer.name.rpartition("-")[2], layer.shape_key, layer.count)


def _forms(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """By form and face: the row that stands for it on each layer; of several builds of ours those of the first.

    ``rows`` are those of one place.
    """
    forms: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    build = next((row.key.build for row in rows if not row.is_foreign), "")
    rows = [row for row in rows if row.is_foreign or row.key.build == build]
    for row in rows:
        known = forms[row.role, PUBLISHED].get(row.key.layer)
        if not row.is_best and (known is None or (row.key.what.is_default and not known.key.what.is_default)):
            forms[row.role, PUBLISHED][row.key.layer] = row
    for standing in each_at_its_best(row for row in rows if not row.is_foreign):
        for role, row in standing.items():
            forms[role, BEST][row.key.layer] = row
    for row in rows:
        if row.is_foreign:
            _keep_faster(forms[row.role, BEST], row)
        elif row.key.what.layout == "nhwc":  # a network's tensors have one layout
            for face in (BEST,) if row.is_best else (PUBLISHED, BEST):
                _keep_faster(forms[FASTEST, face], row)
    return forms


def _keep_faster(form: dict[str, Row], row: Row) -> None:
    known = form.get(row.key.layer)
    if known is None or _ns(row) < _ns(known):
        form[row.key.layer] = row


def _rows(
    place: _Place, network: str, layers: Sequence[Layer], forms: Mapping[tuple[str, str], Mapping[str, Row]]
) -> Iterator[NetworkRow]:
    medians: dict[int, dict[int, float]] = {}  # of each row, which several forms have
    measured = {key: [form[layer.name] for layer in layers] for key, form in forms.items() if _has_all(form, layers)}
    sums = {key: _sums(rows, layers, medians) for key, rows in measured.items()}
    workers = [key for key in measured if key[0] not in (*_FORMS, AUTO, FASTEST)]
    order = [(name, face) for face in (PUBLISHED, BEST) for name in (*_FORMS, AUTO, FASTEST)]
    base = sums.get(("im2col", PUBLISHED))
    told: set[tuple[int, ...]] = set()
    for key in [*order, *workers]:
        form, face = key
        if key not in measured or (form == FASTEST and face == BEST and not any(r.is_best for r in measured[key])):
            continue
        rows = measured[key]
        which = tuple(row.number for row in rows)
        if form == FASTEST and which in told:
            continue  # the same rows as another form's
        told.add(which)
        total = sum(layer.count * _ns(row) for layer, row in zip(layers, rows, strict=True))
        logs = {launch: math.log(ns) for launch, ns in sums[key].items()}
        shared = {n: math.log(base[n]) - log for n, log in logs.items() if n in base} if base else {}
        yield NetworkRow(
            place,
            network,
            form,
            face,
            len(layers),
            sum(layer.count for layer in layers),
            from_launch_logs(list(logs.values()), center=math.log(total)),
            ratio(shared) if key != ("im2col", PUBLISHED) else None,
            any(row.emulated for row in rows),
        )


def _has_all(form: Mapping[str, Row], layers: Iterable[Layer]) -> bool:
    return all(layer.name in form for layer in layers)


def _sums(rows: Sequence[Row], layers: Sequence[Layer], medians: dict[int, dict[int, float]]) -> dict[int, float]:
    """The network's time in each launch that measured all of its layers; ``medians``, by row and launch, are kept."""
    for row in rows:
        if row.number not in medians:
            launches: dict[int, list[float]] = defaultdict(list)
            for each in row.observations:
                launches[each.launch].append(each.value)
            medians[row.number] = {launch: median(values) for launch, values in launches.items()}
    found = [(layer.count, medians[row.number]) for row, layer in zip(rows, layers, strict=True)]
    common = set.intersection(*(set(each) for _, each in found)) if found else set()
    return {launch: math.fsum(count * each[launch] for count, each in found) for launch in sorted(common)}


def _ns(row: Row) -> float:
    return row.time.value if row.time else math.inf
