"""What weakens the numbers, read off the records. Nothing here judges a sample: verdicts do not exist yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge import comparison, gate, placement, rounds, sample, worker
from harness.report.numbers import ratio_text
from harness.report.sentences import answering_caches, baseline_text, marked
from harness.results.baseline import COPYING, BaselineRow
from harness.results.faces import FaceRow
from harness.results.results import Results
from harness.results.rows import Row
from harness.results.run import DeviceData
from harness.results.samples import ADDRESSES, Values
from harness.results.stream import Stream
from harness.stats.interval import LEAST_LAUNCHES
from harness.store import records


@dataclass(frozen=True)
class Weakness:
    """One thing that weakens numbers: where, a stable name of what, and a sentence."""

    place: str  # "Pixel 3, CPUs 4-7"; empty: the whole run
    kind: str
    text: str
    device: str = ""  # name of its folder; empty: the whole run
    cluster: str = ""
    mark: str = ""  # of the device: EMULATED, or nothing

    def __str__(self) -> str:
        return marked(self.mark, f"{self.place}: {self.text}" if self.place else self.text)

    @property
    def is_heavy(self) -> bool:
        """Whether it belongs beside the answer itself."""
        return self.kind in _HEAVY


_HEAVY = ("wrong", "error", "lines", "disturbed", "baseline")


@dataclass(frozen=True)
class _Scope:
    device: DeviceData
    cluster: str
    streams: list[Stream]
    rows: list[Row]  # ours
    foreign: list[Row]  # of workers of somebody else
    baselines: Sequence[BaselineRow]
    faces: Sequence[FaceRow]
    answering: Mapping[str, str]  # the answer's cache mode, by category

    @property
    def place(self) -> str:
        return f"{self.device.model}, CPUs {self.cluster}"

    @property
    def count(self) -> int:
        """Of samples."""
        return sum(len(stream.samples) for stream in self.streams)

    @property
    def workers(self) -> list[records.Worker]:
        """The records of our own workers: what others tell of themselves is theirs."""
        builds = {row.key.build for row in self.foreign}
        return [each for stream in self.streams for each in stream.of(records.Worker) if each.build not in builds]

    def samples(self, *names: str) -> Iterator[Values]:
        """These fields of every sample."""
        return (values for stream in self.streams for values in stream.samples.zip(*names))

    def counted(self, test: Callable[[sample.Evidence], sample.Flags]) -> int:
        """How many samples pass a test of their evidence."""
        return sum(int(np.count_nonzero(test(stream.samples.evidence))) for stream in self.streams)


def find_weaknesses(results: Results) -> list[Weakness]:
    """All weaknesses: of the run, of each device, of each cluster, in that order."""
    run = results.run
    found = [Weakness("", "files", fault) for fault in _most(run.faults)]
    status = str(run.manifest.get("status") or "unknown")
    if status != "done":
        found.append(Weakness("", "status", f"the run's status is “{status}”: it did not come to its end"))
    git = run.manifest.get("git")
    if isinstance(git, dict) and git.get("dirty"):
        found.append(
            Weakness("", "git", "the checkout had uncommitted changes: its commit does not name all of the code")
        )
    for device in run.devices:
        if device.emulated:
            found.append(
                Weakness(
                    device.model,
                    "emulated",
                    "this device has no CPU of its own: its times say nothing about any phone",
                    mark=device.mark,
                )
            )
        for kind, texts in (("records", device.faults), ("session", device.messages), ("topology", device.notes)):
            found += [Weakness(device.model, kind, text, mark=device.mark) for text in _most(texts)]
        for cluster in run.clusters_of(device):
            streams = device.streams_of(cluster)
            scope = _Scope(
                device,
                cluster,
                streams,
                [row for row in results.rows_of(device.name, cluster) if not row.is_foreign],
                [row for row in results.rows_of(device.name, cluster) if row.is_foreign],
                [row for row in results.baselines if (row.device, row.cluster) == (device.name, cluster)],
                [row for row in results.faces if (row.best.key.device, row.best.key.cluster) == (device.name, cluster)],
                answering_caches(results.categories_of(device.name, cluster)),
            )
            for check in _CHECKS:
                found += [
                    Weakness(scope.place, kind, text, device.name, cluster, device.mark) for kind, text in check(scope)
                ]
    return found


Found = Iterator[tuple[str, str]]


def _baseline(scope: _Scope) -> Found:
    answers = {cache for category, cache in scope.answering.items() if category in COPYING}
    for row in scope.baselines:
        if row.is_weak:
            yield (
                "baseline" if row.cache in answers else "schedule",
                f"in {row.cache} {baseline_text(row)}: what is said to be faster than the published im2col owes a part "
                "of it to that; go by the ratio of each at its best",
            )


def _schedules(scope: _Scope) -> Found:
    """Best schedules that are not: the published form stands for the algorithm at its best there."""
    slower = [
        f"{face.best.key.layer} {face.best.key.variant} ({face.best.key.cache}, {ratio_text(face.ratio)})"
        for face in scope.faces
        if face.best.role == face.best.algorithm
        and face.best.ran != face.published.ran
        and comparison.is_clearly_slower(face.ratio.value, face.ratio.high)
    ]
    if slower:
        yield (
            "schedule",
            f"{len(slower)} best schedule(s) are slower than the algorithm as published, which stands for it there in "
            f"“each at its best”: {_few(slower)}",
        )


def _attempts(scope: _Scope) -> Found:
    for stream in scope.streams:
        attempt, end = stream.header.attempt, stream.end
        if end is None:
            yield "incomplete", f"attempt {attempt} has no end record: it was cut off; its samples are counted"
        elif end.reason != "done":
            yield "incomplete", f"attempt {attempt} was stopped before its end ({end.reason}); its samples are counted"


def _lines(scope: _Scope) -> Found:
    for stream in scope.streams:
        attempt, gaps = stream.header.attempt, stream.gaps
        if gaps:
            count = sum(last - first + 1 for first, last in gaps)
            spans = _few([f"{first}" if first == last else f"{first} to {last}" for first, last in gaps])
            yield "lines", f"attempt {attempt}: {count} line(s) of its records are missing (seq {spans})"
        if stream.surplus:
            yield "lines", f"attempt {attempt}: {stream.surplus} line(s) of its records are too many or there twice"


_STATUSES = {
    "wrong": "gave a wrong result and have no time",
    "error": "crashed, hung or failed, and are left out of the means",
    "missing": "were planned and have no sample",
}


def _statuses(scope: _Scope) -> Found:
    for status, text in _STATUSES.items():
        names = [f"{row.key.layer} {row.key.variant} ({row.key.cache})" for row in scope.rows if row.status == status]
        if names:
            yield status, f"{len(names)} variant(s) {text}: {_few(names)}"


def _foreign(scope: _Scope) -> Found:
    """Workers of somebody else: what failed of them is none of our numbers' weakness."""
    found: dict[str, list[Row]] = {}
    for row in scope.foreign:
        found.setdefault(row.role, []).append(row)
    for name, rows in found.items():
        for status, text in _STATUSES.items():
            alike = [row for row in rows if row.status == status]
            if alike:
                where = _few([f"{row.key.layer} ({row.key.cache}): {row.reason}" for row in alike], 2)
                yield "worker", f"{name}: {len(alike)} variant(s) {text}: {where}"
    known = {str(layer) for stream in scope.streams for layer in stream.samples.column("algorithm")}
    for name in found:
        if name in known and (silent := _untold(scope, name)):
            yield "worker", f"{name} does not tell of its samples: {', '.join(silent)}; what disturbed them is not seen"


_TOLD = {
    **{"mhz_before": "the clock", "cpu_before": "the CPU", "nivcsw": "context switches", "faults": "page faults"},
    "addresses": "where its buffers lie",
}


def _untold(scope: _Scope, name: str) -> list[str]:
    """Evidence that no sample of a worker has."""
    columns = zip(*(v for algorithm, *v in scope.samples("algorithm", *_TOLD) if algorithm == name), strict=True)
    told = zip(_TOLD.values(), columns, strict=True)
    return [words for words, column in told if all(v in (None, -1) or v == ("",) * len(ADDRESSES) for v in column)]


def _launches(scope: _Scope) -> Found:
    measured = [row for row in scope.rows if row.observations]
    few = [row for row in measured if row.launches < LEAST_LAUNCHES]
    if few:
        yield "launches", f"{len(few)} of {len(measured)} rows have fewer than {LEAST_LAUNCHES} launches: no interval"
    most = max((row.launches for row in measured), default=0)
    short = [f"{row.key.layer} {row.key.variant} ({row.launches} of {most})" for row in measured if row.launches < most]
    if short:
        yield "launches", f"{len(short)} rows have fewer launches than the others: {_few(short)}"
    published = [row for row in measured if row.algorithm != "naive" and not row.is_best]
    kernels, schedules = {row.kernel for row in published}, {row.schedule for row in published}
    builds = {row.key.build for row in measured}
    if len(kernels) > 1:
        yield "kernels", f"several kernels ran ({', '.join(sorted(kernels))}); means take the one most rows have"
    elif len(schedules) > 1:
        yield (
            "kernels",
            f"several schedules ran as published ({', '.join(sorted(schedules))}); means take the default one",
        )
    if len(builds) > 1:
        yield "builds", f"several builds were measured ({', '.join(sorted(builds))}); means take the first per layer"


def _rounds(scope: _Scope) -> Found:
    jobs = [job for stream in scope.streams for job in stream.of(records.Job)]
    cut = [job for job in jobs if job.rounds < job.rounds_planned]
    if cut:
        lost = sum(job.rounds_planned - job.rounds for job in cut)
        layers = sorted({job.layer for job in cut})
        yield (
            "budget",
            f"the time budget cut {lost} rounds in {len(cut)} of {len(jobs)} jobs (a layer in a launch): "
            f"{_few(layers)}",
        )
    names = sorted(f"{layer} {variant}" for layer, variant in rounds.short_of_rounds(scope.samples(*rounds.SAMPLE)))
    if names:
        yield "rounds", f"rounds are missing that other variants of the layer and launch have: {_few(names)}"


def _apart(scope: _Scope) -> Found:
    """Samples that a later attempt took in rounds that were measured already: pairs are made within one process."""
    attempts = [stream.samples.zip(*rounds.SAMPLE) for stream in scope.streams if len(stream.samples)]
    apart = {
        f"{layer} {variant} in launch {launch + 1}": count
        for (layer, variant, launch), count in rounds.measured_apart(attempts).items()
    }
    if apart:
        names = [f"{name} ({count} sample{'s' * (count != 1)})" for name, count in sorted(apart.items())]
        yield (
            "apart",
            "measured in another attempt than the others of the same rounds, and in no ratio with those there: "
            f"{_few(names)}",
        )


def _gate(scope: _Scope) -> Found:
    gates = [each for stream in scope.streams for each in stream.of(records.Gate)]
    if scope.streams and not gates:
        yield "gate", "no heat gate is on record"
    capped = list(filter(gate.gave_up, gates))
    if capped:
        ends = [
            f"launch {g.launch + 1}: {_celsius(g.start)} to {_celsius(g.end)} in {g.waited_s:.0f} s" for g in capped
        ]
        yield (
            "gate",
            f"the heat gate gave up at its cap before {len(capped)} of {len(gates)} launches ({_few(ends, 2)})",
        )
    for hot in (each for each in gates if gate.is_hotter_than_ever(each)):
        known = f"hotter than in any run before ({_celsius(hot.baseline)})"
        yield "gate", f"the device rested at {_celsius(hot.learned)}, {known}"
    unjudged = list(filter(gate.is_unjudged, gates))
    if unjudged:
        yield "gate", f"{_unjudged(unjudged[0])} ({len(unjudged)} of {len(gates)} launches)"
    blind = list(filter(gate.is_blind, gates))
    if blind:
        none = gate.never_had_a_source(blind[0])
        why = "no source of temperature was found" if none else "the source of temperature failed"
        yield "gate", f"{why}: {len(blind)} of {len(gates)} launches did not wait for a cool device"


def _unjudged(record: records.Gate) -> str:
    if record.cap_s is None or record.window_s is None:
        return "start temperature not judged"
    return f"start temperature not judged: cap of {record.cap_s:g} s shorter than the {record.window_s:g} s window"


def _clock(scope: _Scope) -> Found:
    workers = scope.workers
    bad = list(filter(worker.lacks_clock, workers))
    if bad:
        reasons = _alike(each.clock.reason or "no reason given" for each in bad)
        yield "clock", f"the clock probe was not available in {len(bad)} of {len(workers)} workers: {reasons}"
    weak = list(filter(worker.lacks_peak, workers))
    if weak:
        reasons = _alike(each.peak.reason or "not within 5 % of whole FMAs per cycle" for each in weak)
        yield "peak", f"no share of peak from {len(weak)} of {len(workers)} workers: {reasons}"
    known = scope.counted(sample.clock_known)
    moved = scope.counted(sample.clock_moved)
    if moved:
        yield _by_share("clock", moved, known), f"the clock moved by over 5 % within {_share(moved, known)}"
    evidence = [stream.samples.evidence for stream in scope.streams]
    clocks = np.concatenate([each.mhz_after[sample.clock_known(each)] for each in evidence] or [np.empty(0)])
    if len(clocks) and sample.clock_wandered(low := float(clocks.min()), high := float(clocks.max())):
        yield "clock", f"the clock was not the same throughout: {low:.0f} to {high:.0f} MHz over the samples"


# Kind, words before the count of samples, test.
_SAMPLE_TESTS = (
    ("settle", "the settling before the sample hit its cap in", sample.settling_capped),
    ("affinity", "the CPU changed (cpu_before is not cpu_after) in", sample.cpu_changed),
    ("affinity", "the CPU was taken away and the sample taken anew in", sample.repinned),
    ("short", "the window was shorter than the policy's minimum in", sample.window_short),
    ("switches", "the kernel switched to other work (involuntary context switch) in", sample.switched),
    ("faults", "pages were faulted in during", sample.faulted),
)


def _samples(scope: _Scope) -> Found:
    for kind, text, test in _SAMPLE_TESTS:
        count = scope.counted(test)
        if count:
            heavy = _by_share(kind, count, scope.count) if kind == "switches" else kind
            yield heavy, f"{text} {_share(count, scope.count)}"


def _placement(scope: _Scope) -> Found:
    found = placement.unmoved(scope.samples("layer", "variant", "addresses"))
    still = [f"{layer} {variant} {ADDRESSES[buffer]}" for layer, variant, buffer in found]
    if still:
        yield "placement", f"{len(still)} buffer(s) lay at one address in all samples: {_few(still)}"


def _caches(scope: _Scope) -> Found:
    headers = [stream.header for stream in scope.streams]
    if any(header.caches.llc_assumed for header in headers):
        size = max(header.caches.llc for header in headers)
        yield "llc", f"the last-level cache was assumed to be {size / 2**20:.0f} MiB: the system does not tell"
    if any(header.caches.llc_capped for header in headers):
        yield "llc", "the last-level cache is larger than 64 MiB: rotate went through copies for 64 MiB only"


_CHECKS: tuple[Callable[[_Scope], Found], ...] = (
    _baseline,
    _schedules,
    _attempts,
    _lines,
    _statuses,
    _foreign,
    _launches,
    _rounds,
    _apart,
    _gate,
    _clock,
    _samples,
    _placement,
    _caches,
)


def _by_share(kind: str, count: int, total: int) -> str:
    """The kind, or ``disturbed`` where so many samples are concerned that a quiet device may answer otherwise."""
    return "disturbed" if sample.is_many(count, total) else kind


def _share(count: int, total: int) -> str:
    percent = 100 * count / total
    return f"{count} of {total} samples ({percent:.0f} %)" if percent >= 1 else f"{count} of {total} samples (< 1 %)"


def _most(texts: Sequence[str], most: int = 20) -> list[str]:
    """A file that cannot be read may have a fault in every line."""
    rest = len(texts) - most
    return [*texts[:most], *([f"and {rest} more of the kind"] if rest > 0 else [])]


def _few(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _alike(reasons: Iterable[str]) -> str:
    """Reasons, those that differ in numbers only once, with how often."""
    seen: dict[str, list[str]] = {}
    for reason in reasons:
        seen.setdefault(re.sub(r"[0-9.]+", "0", reason), []).append(reason)
    texts = [group[0] + (f" (and {len(group) - 1} alike)" if len(set(group)) > 1 else "") for group in seen.values()]
    return _few(texts)


def _celsius(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} °C"
