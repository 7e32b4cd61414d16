"""compare.html: a comparison of two runs as one page that loads nothing from anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.compare.comparison import ComparedRow, Comparison
from harness.compare.lines import summary
from harness.compare.side import Side
from harness.judge.decision import DECISIONS, Decision
from harness.report.charts import (
    COLORS,
    SHAPES,
    STEP,
    TITLE,
    Chart,
    Line,
    LogAxis,
    Mark,
    Section,
    chart_of,
    domain_of,
    ratio_ticks,
)
from harness.report.marks import Marks, source
from harness.report.numbers import ratio_decimals
from harness.report.templates import asset, template
from harness.results.numbers import number_text
from harness.results.run import DeviceData

# Colour and shape of a decision, as of a winner in report.html.
_LIKE = {"faster": "indirect", "slower": "im2col", "same": "direct", "unproven": "", "unjudged": ""}
_LEAST_CHANCE = 0.0001
_MOST_BARS = 80  # in a chart
_MOST_ROWS = 4000  # in all tables: a row is a kilobyte


@dataclass(frozen=True)
class Place:
    """One cluster of a device in one cache mode."""

    device: DeviceData
    cluster: str
    core: str
    cache: str
    sentence: str
    chart: Chart | None
    rows: Sequence[ComparedRow]  # those that ask for action first
    more: int  # rows that are left out here

    @property
    def title(self) -> str:
        """Where it is."""
        core = f" ({self.core})" if self.core else ""
        return f"{self.device.model}, CPUs {self.cluster}{core}, {self.cache}"


def render_compared(found: Comparison) -> str:
    """The page."""
    places = places_of(found)
    return template("compare.html.j2").render(
        found=found,
        run=found.new.results.run,
        places=places,
        emulated_models=list(dict.fromkeys(place.device.model for place in places if place.device.emulated)),
        summary=summary(found),
        remarks=list(found.remarks),
        marks=Marks(),
        chance=_chance,
        facts=_facts(found),
        style=asset("report.css"),
    )


def _chance(p: float) -> str:
    """For people, in HTML: ``0.0213``; a small one is not shown as none."""
    return f"{p:.4f}" if p >= _LEAST_CHANCE else f"&lt;{_LEAST_CHANCE:.4f}"


def places_of(found: Comparison) -> list[Place]:
    """The rows by place, those places first whose rows ask for action."""
    devices = {device.name: device for device in found.new.results.run.devices}
    groups: dict[tuple[str, str, str], list[ComparedRow]] = {}
    for row in found.rows:
        groups.setdefault((row.new.key.device, row.new.key.cluster, row.new.key.cache), []).append(row)
    most = max(1, _MOST_ROWS // max(1, len(groups)))
    places = []
    for (name, cluster, cache), every in groups.items():
        rows = sorted(every, key=lambda row: (DECISIONS.index(row.decision), row.number))
        device = devices[name]
        place = Place(
            device,
            cluster,
            device.core(cluster),
            cache,
            _sentence(rows),
            _chart([row for row in rows if row.difference][:_MOST_BARS], f"{name}, CPUs {cluster}, {cache}"),
            rows[:most],
            max(0, len(rows) - most),
        )
        places.append(place)
    return sorted(places, key=lambda place: DECISIONS.index(place.rows[0].decision))


def _sentence(rows: Sequence[ComparedRow]) -> str:
    """``3 of 9 results are slower, the most conv2_3x3 im2col/neon_8x8: 0.95 [0.94, 0.96] of the base's speed; ...``"""
    counts = Counter(row.decision for row in rows)
    parts = []
    for decision in DECISIONS:
        alike = [row for row in rows if row.decision == decision]
        if alike:
            verb = "is" if len(alike) == 1 else "are"
            parts.append(f"{counts[decision]} {verb} {decision}{_most(decision, alike)}")
    return f"Of {len(rows)} results {'; '.join(parts)}."


def _most(decision: Decision, rows: Sequence[ComparedRow]) -> str:
    known = [row for row in rows if row.difference]
    if decision not in ("slower", "faster") or not known:
        return ""
    row = max(known, key=lambda row: abs(row.difference.log) if row.difference else 0.0)
    ratio = row.difference.ratio if row.difference else None
    if ratio is None or ratio.low is None or ratio.high is None:
        return ""
    bounds = f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
    return f", most of all {row.variant_text} on {row.new.key.layer} with {bounds} of the base's speed"


def _chart(rows: Sequence[ComparedRow], place: str) -> Chart | None:
    if not rows:
        return None
    ratios = [row.difference.ratio for row in rows if row.difference]
    domain = domain_of([v for ratio in ratios for v in (ratio.value, ratio.low or 1.0, ratio.high or 1.0)])
    axis = LogAxis(domain[0], domain[1])
    lines = tuple(
        Line(f"{row.new.key.layer} {row.variant_text}", TITLE + STEP * number + STEP // 2, (_mark(row, axis),))
        for number, row in enumerate(rows)
    )
    ticks = tuple((axis.at(tick), f"{tick:.2f}".rstrip("0").rstrip(".")) for tick in ratio_ticks(domain))
    caption = "base's time over the new one's (log scale; left of 1: the new one is slower)"
    section = Section("", TITLE, TITLE + STEP * len(lines), ticks, lines, axis.at(1), caption)
    return chart_of(f"Base's time over the new one's with 95 % intervals, {place}", [section], right=50)


def _mark(row: ComparedRow, axis: LogAxis) -> Mark:
    if row.difference is None:
        raise ValueError("it was not judged")
    ratio = row.difference.ratio
    low, high = ratio.low or ratio.value, ratio.high or ratio.value
    like = _LIKE[row.decision]
    return Mark(
        axis.at(ratio.value),
        COLORS[like],
        SHAPES[like],
        f"{row.new.key.layer} {row.variant_text}: {row.decision}, {ratio.value:.3f} [{low:.3f}, {high:.3f}]",
        source(row, "ratio"),
        number_text(ratio.value),
        axis.at(low),
        axis.at(high),
        f"{ratio.value:.{ratio_decimals(ratio.value)}f}",
    )


def _commit(side: Side) -> str | None:
    """The checkout's; of other builds those of revisions."""
    if side.own is False:
        return ", ".join(other.source for other in side.results.run.against if other.kind == "revision")
    return (side.manifest("git") or {}).get("commit")


def _facts(found: Comparison) -> list[tuple[str, str, str]]:
    """What both were made with, side by side."""
    facts = []
    if found.is_within:
        facts.append(("build", found.base.name, found.new.name))
    for word, get in (
        ("run", lambda side: side.run_name),
        ("started", lambda side: side.manifest("started")),
        ("commit", _commit),
        ("program", lambda side: ", ".join(side.builds)),
        ("harness", lambda side: (side.manifest("versions") or {}).get("harness")),
        ("policy", lambda side: side.policy.name),
        ("samples", lambda side: f"{side.results.verdicts.count}, {side.results.verdicts.tainted} tainted"),
    ):
        facts.append((word, str(get(found.base) or "unknown"), str(get(found.new) or "unknown")))
    return facts
