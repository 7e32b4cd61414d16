"""Everything the templates show, gathered once from a run directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.emulation import mark_of
from harness.model.policy import Policy
from harness.model.variant import BEST, PUBLISHED
from harness.report import charts
from harness.report.aa import AaBlock, aa_blocks
from harness.report.beside import Beside, BesideBlock, beside_blocks, besides
from harness.report.best import BestBlock, best_blocks
from harness.report.blocks import CategoryBlock, category_blocks
from harness.report.claims import Claims, make_claims
from harness.report.controls import MissingOf, find_missing
from harness.report.cut import Cut, find_cut
from harness.report.heat import Heat, make_heats
from harness.report.judged import Judged, make_judged
from harness.report.methods import MethodsOf, make_method_blocks
from harness.report.precision import Precision, make_precision
from harness.report.provenance import Details, DeviceDetails, device_details, run_details
from harness.report.roofline import Roofline, make_roofline
from harness.report.sentences import CACHE_WORDS, Sentence, make_sentences
from harness.report.sustained import SustainedBlock, sustained_block
from harness.report.weaknesses import Weakness, find_weaknesses
from harness.results.baseline import COPYING, BaselineRow
from harness.results.categories import CategoryRow
from harness.results.networks import NetworkRow
from harness.results.results import Results, make_results
from harness.results.rows import algorithm_order
from harness.results.run import DeviceData
from harness.results.waits import Waits, waits_of

MOST_SUMMED = 600  # rows of methods.csv in summary.md
# The columns of the matrix that sets devices side by side: category, algorithm, other, face.
COMPARISONS = (
    ("larger", "indirect", "im2col", "published"),
    ("larger", "indirect", "im2col", BEST),
    ("1x1s2", "indirect", "im2col", "published"),
    ("1x1s2", "indirect", "im2col", BEST),
    ("1x1s1", "direct", "indirect", "published"),
    ("1x1s1", "indirect", "im2col", "published"),
)


@dataclass(frozen=True)
class CacheBlock:
    """One cluster in one cache mode: a table and, for the mode of the opening sentence, two charts."""

    cache: str
    words: str
    categories: list[CategoryBlock]
    ratios: charts.Chart | None
    memory: charts.Chart | None


@dataclass(frozen=True)
class ClusterBlock:
    """One cluster of a device: its sentence, and its cache modes, that of the sentence first."""

    sentence: Sentence
    caches: list[CacheBlock]
    best: list[BestBlock]  # face best, apart
    beside: list[BesideBlock]  # workers of somebody else
    sustained: SustainedBlock | None  # of a sustained run, which has nothing else
    roofline: Roofline | None


@dataclass(frozen=True)
class DeviceBlock:
    """One device."""

    device: DeviceData
    details: DeviceDetails
    clusters: list[ClusterBlock]


@dataclass(frozen=True)
class MatrixLine:
    """One line of the matrix: a cluster in a cache mode, one mean or None for each of the matrix's columns."""

    sentence: Sentence
    cache: str
    cells: list[CategoryRow | None]

    @property
    def answers(self) -> bool:
        """Whether it is of the cache mode that the sentence is of."""
        return self.cache == self.sentence.cache


@dataclass(frozen=True)
class Matrix:
    """Devices side by side: those of COMPARISONS that any of them has, as columns."""

    columns: list[tuple[str, str, str, str]]
    lines: list[MatrixLine]


@dataclass(frozen=True)
class Context:
    """What the templates show."""

    results: Results
    sentences: list[Sentence]
    matrix: Matrix
    claims: list[Claims]
    weaknesses: list[Weakness]
    controls: list[MissingOf]
    devices: list[DeviceBlock]
    details: Details
    judged: Judged
    waits: list[Waits]
    aa: list[AaBlock]
    precision: Precision | None
    workers: list[Beside]  # what each worker of somebody else showed on each cluster
    cut: Cut | None  # of a run that was cut short
    heats: list[Heat]
    methods: list[MethodsOf]  # where more than the paper's three were measured
    networks: list[tuple[Sentence, list[NetworkRow]]]  # of each cluster in the answer's cache mode, by network

    @property
    def emulated(self) -> list[str]:
        """Models of emulated devices."""
        return [device.model for device in self.results.run.devices if device.emulated]

    @property
    def winning(self) -> list[str]:
        """The methods that win any layer anywhere, in the order of tables."""
        names = {name for of in self.methods for block in of.blocks for name in block.methods}
        return sorted(names, key=algorithm_order)

    @property
    def has_few_methods(self) -> bool:
        """Whether the layers of all clusters, in the answer's cache mode, are few enough for a summary."""
        return sum(len(of.blocks[0].rows) for of in self.methods) <= MOST_SUMMED

    @property
    def wider(self) -> list[str]:
        """Those of them whose error has a larger bound than that of sums."""
        found = {name for of in self.methods for block in of.blocks for name in block.wider}
        return sorted(found, key=algorithm_order)

    @property
    def weak_places(self) -> list[list[Weakness]]:
        """The weaknesses by place and mark, in order: a phone and an emulated one may have the same name."""
        places: dict[tuple[str, str], list[Weakness]] = {}
        for weakness in self.weaknesses:
            places.setdefault((weakness.place, weakness.mark), []).append(weakness)
        return list(places.values())

    @property
    def mark(self) -> str:
        """What stands beside the whole run: EMULATED where a device is, or nothing."""
        return mark_of(bool(self.emulated))

    def baselines_of(self, sentence: Sentence) -> list[BaselineRow]:
        """How far the published im2col is from the best one where the sentence says something of layers it copies."""
        caches = dict.fromkeys(c.row.cache for c in sentence.clauses if c.row.category in COPYING)
        baselines = self.results.baselines_of(*sentence.where)
        return [row for row in baselines if row.cache in caches]

    def beside(self, sentence: Sentence) -> list[Weakness]:
        """The weaknesses that belong beside that sentence."""
        place = (sentence.device.name, sentence.cluster)
        return [weakness for weakness in self.weaknesses
                if weakness.is_heavy and (weakness.device, weakness.cluster) == place]  # fmt: skip

    @property
    def waiting(self) -> list[str]:
        """A line for each device: what waiting for a cool one cost."""
        return [f"{each.device.model}: {each.text}" for each in self.waits if not each.cluster]

    def workers_beside(self, sentence: Sentence) -> list[Beside]:
        """What workers of somebody else showed on that cluster."""
        return [each for each in self.workers if each.sentence is sentence]

    def aa_of(self, sentence: Sentence) -> list[AaBlock]:
        """What A/A pairs told of that cluster."""
        return [block for block in self.aa if block.sentence is sentence]

    @property
    def statuses(self) -> dict[str, int]:
        """How many rows have each status."""
        counts = dict.fromkeys(("ok", "skip", "error", "wrong", "missing", "unjudged"), 0)
        for row in self.results.rows:
            counts[row.status] += 1
        return counts


def make_context(run_dir: Path, policy: Policy | None = None) -> Context:
    """Reads a run directory and computes everything. Raises InfrastructureError for duplicate samples."""
    results = make_results(run_dir, policy)
    run, categories = results.run, results.categories
    sentences, cut = make_sentences(results), find_cut(results)
    devices = [
        DeviceBlock(
            device,
            device_details(device),
            [_cluster(results, sentence) for sentence in sentences if sentence.device is device and sentence.cluster],
        )
        for device in run.devices
    ]
    return Context(
        results,
        sentences,
        _matrix(sentences, categories),
        make_claims(results, sentences),
        find_weaknesses(results),
        find_missing(results),
        devices,
        run_details(run),
        make_judged(results, sentences),
        waits_of(run),
        list(aa_blocks(results, sentences)),
        make_precision(results),
        list(besides(results, sentences)),
        cut if cut and cut.is_short else None,
        make_heats(results, sentences),
        list(make_method_blocks(results, sentences)),
        list(_networks(results, sentences)),
    )


def _networks(results: Results, sentences: Sequence[Sentence]) -> Iterator[tuple[Sentence, list[NetworkRow]]]:
    for network in dict.fromkeys(row.network for row in results.networks.rows):
        for sentence in sentences:
            place = (*sentence.where, sentence.cache)
            rows = [row for row in results.networks.rows if row.network == network and row.place == place]
            if rows:
                yield sentence, rows


def _cluster(results: Results, sentence: Sentence) -> ClusterBlock:
    run = results.run
    place = sentence.where
    foreign = [row for row in results.rows_of(*place) if row.is_foreign]
    every = [row for row in results.rows_of(*place) if not (row.is_foreign or row.is_copy)]
    ours = [row for row in every if not row.is_best]
    of_cluster = results.categories_of(*place)
    means = [row for row in of_cluster if row.face == PUBLISHED]
    blocks: list[CacheBlock] = []
    for cache in sorted({row.key.cache for row in ours}, key=lambda c: (c != sentence.cache, c)):
        table = [row for row in ours if row.key.cache == cache]
        alike = [row for row in means if row.cache == cache]
        threads = f", {sentence.threads} threads" if sentence.threads > 1 else ""
        label = f"CPUs {sentence.cluster}{threads}, {cache}"
        first = cache == sentence.cache or not sentence.cache
        blocks.append(
            CacheBlock(
                cache,
                CACHE_WORDS.get(cache, cache),
                category_blocks(run, table, alike),
                charts.ratio_chart(table, alike, label) if first else None,
                charts.memory_chart(table, label) if first else None,
            )
        )
    series = results.series_of(*place)
    best_means = [row for row in of_cluster if row.face == BEST]
    return ClusterBlock(
        sentence,
        blocks,
        best_blocks(run, sentence, [r for r in every if r.is_best], best_means, results.faces_of(*place)),
        beside_blocks(results, sentence, foreign),
        sustained_block(series, sentence.place) if series else None,
        make_roofline(results, sentence),
    )


def _matrix(sentences: Sequence[Sentence], categories: Sequence[CategoryRow]) -> Matrix:
    found = {(r.device, r.cluster, r.threads, r.cache, r.category, r.algorithm, r.other, r.face): r for r in categories}
    columns = [column for column in COMPARISONS if any(key[4:] == column for key in found)]
    lines: list[MatrixLine] = []
    caches: dict[tuple[str, str, int], set[str]] = {}
    for row in categories:
        if (row.category, row.algorithm, row.other, row.face) in columns:
            caches.setdefault((row.device, row.cluster, row.threads), set()).add(row.cache)
    for sentence in sentences:
        place = sentence.where
        for cache in sorted(caches.get(place, ()), key=lambda c: (c != sentence.cache, c)):
            lines.append(MatrixLine(sentence, cache, [found.get((*place, cache, *column)) for column in columns]))
    return Matrix(columns if lines else [], lines)
