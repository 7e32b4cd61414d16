"""A comparison as it is exported: a regression is a failure, what could not be judged an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.compare.comparison import ComparedRow, Comparison
from harness.export.subject import Entry, Outcome, Subject, about_run, interval_text, named, with_threads
from harness.judge.decision import Decision
from harness.results.table import Table

_OUTCOMES: Mapping[Decision, Outcome] = {
    "slower": "failed",
    "unjudged": "invalid",
    "unproven": "passed",
    "faster": "passed",
    "same": "passed",
}
_MEANS = ("decision", "device", "cluster", "cache", "layer", "variant", "ratio", "visible")
_MOST = 100  # rows that stand first


def of_comparison(found: Comparison) -> Subject:
    """A comparison as it is exported. Times are those of the new run."""
    run = found.new.results.run
    about = about_run(run.manifest, found.new.path.name) | {"base": found.base.name}
    if found.is_within:
        about["new"] = found.new.name
    changed = [_change(row) for row in found.rows if row.decision in ("slower", "faster")][:_MOST]
    devices = {row.new.key.device for row in found.rows}
    return Subject(
        about,
        named([_entry(row, found.threshold) for row in found.rows]),
        found.table,
        Table("changed", with_threads(_MEANS, changed), changed, frozenset({"visible"})),
        [device for device in run.devices if device.name in devices],
        run.left_out,
        legend="Base's time over the new one's, with a 95 % interval: under 1, the new one is slower.",
        remarks=tuple(found.remarks),
    )


def _entry(row: ComparedRow, threshold: float | None) -> Entry:
    key = row.new.key
    unproven = row.decision == "unproven" and threshold is not None  # which ends with 4, too
    return Entry(
        key.device,
        key.cluster,
        key.cache,
        key.threads,
        key.layer,
        row.variant,
        key.build,
        row.decision,
        "invalid" if unproven else _OUTCOMES[row.decision],
        "; ".join(_words(row)),
        row.new.time,
        row.columns,
        row=row.new,
        against=row.names[0] if row.is_one_of_several else "",
    )


def _words(row: ComparedRow) -> Iterator[str]:
    yield row.decision
    if row.difference is not None:
        yield f"{interval_text(row.difference.ratio)} times as fast as the base"
        yield f"visible {row.difference.visible():.2%}"
        yield f"p {row.p_holm:.3g} (Holm)"
    if row.reason:
        yield row.reason
    if row.allowed:
        yield f"allowed {row.allowed}"


def _change(row: ComparedRow) -> Mapping[str, str]:
    ratio = interval_text(row.difference.ratio) if row.difference else ""
    visible = f"{row.difference.visible():.2%}" if row.difference else ""
    return {**row.columns, "ratio": ratio, "visible": visible}
