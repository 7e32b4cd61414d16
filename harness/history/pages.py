"""The history as pages that load nothing from anywhere: index.html, and one for each device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.history import chart
from harness.history.chart import Chart, chart_of
from harness.history.lines import Told, changes_of
from harness.history.series import Series
from harness.report.templates import asset, template
from harness.store.journal import write_atomically
from harness.store.rundir import slug

GENERATOR = "harness history"
_INDEX = "index.html"
_MOST_CHANGES = 200  # on the index
_MOST_QUIET = 100  # charts of a page without a change: all of them stand in its table


@dataclass(frozen=True)
class Drawn:
    """A series with its chart."""

    series: Series
    chart: Chart
    told: Sequence[Told]


@dataclass(frozen=True)
class Page:
    """A device's page."""

    name: str  # of its file
    device: str
    model: str
    phone: str
    emulated: bool
    series: Sequence[Series]
    changed: Sequence[Drawn]  # those whose change is the newest first
    quiet: Sequence[Drawn]
    told: Sequence[Told]

    @property
    def left(self) -> int:
        """Series without a change whose charts are left out."""
        return len(self.series) - len(self.changed) - len(self.quiet)

    @property
    def runs(self) -> int:
        """How many runs it was measured in."""
        return len({point.run for series in self.series for point in series.points})


def write_pages(series: Sequence[Series], out: Path) -> list[Path]:
    """Writes the pages; their paths, the index first. A page of an earlier plot is replaced as a whole.

    Raises UsageError where the folder holds something else, InfrastructureError where it cannot be written.
    """
    _check(out)
    pages = pages_of([each for each in series if each.points])
    told = changes_of(series)
    points = [point for each in series for point in each.points]
    common = {"style": asset("report.css"), "generator": GENERATOR, "pages": pages, "size": chart}
    texts = {page.name: template("history_device.html.j2").render(page=page, **common) for page in pages}
    texts[_INDEX] = template("history_index.html.j2").render(
        told=[(each, _page_of(each, pages)) for each in told[:_MOST_CHANGES]],
        more=max(0, len(told) - _MOST_CHANGES),
        changes=len(told),
        runs=len({point.run for point in points}),
        series=len([each for each in series if each.points]),
        first=min((point.started for point in points), default=None),
        last=max((point.started for point in points), default=None),
        **common,
    )
    for name, text in texts.items():  # the index last: what it links to is there
        write_atomically(out / name, text.encode("utf-8", "replace"))
    return [out / _INDEX, *(out / page.name for page in pages)]


def pages_of(series: Sequence[Series]) -> list[Page]:
    """A page for each phone, by the name of its device."""
    phones: dict[str, list[Series]] = {}
    for each in series:
        phones.setdefault(each.key.phone, []).append(each)
    return sorted((_page(phone, found) for phone, found in phones.items()), key=lambda page: (page.device, page.phone))


def _page(phone: str, series: Sequence[Series]) -> Page:
    newest = max(series, key=lambda each: each.points[-1].started)
    told = changes_of(series)
    changed = list(dict.fromkeys(id(each.series) for each in told))
    by_id = {id(each): each for each in series}
    drawn = [by_id[each] for each in changed]
    quiet = [each for each in series if not each.found.changes][:_MOST_QUIET]
    return Page(
        f"{slug(newest.device)}-{slug(phone[:8])}.html",
        newest.device,
        newest.model,
        phone,
        any(each.emulated for each in series),
        series,
        [_drawn(each) for each in drawn],
        [_drawn(each) for each in quiet],
        told,
    )


def _drawn(series: Series) -> Drawn:
    return Drawn(series, chart_of(series), changes_of([series]))


def _page_of(told: Told, pages: Sequence[Page]) -> Page:
    return next(page for page in pages if page.phone == told.series.key.phone)


def _check(out: Path) -> None:
    index = out / _INDEX
    try:
        is_new = not out.exists() or (out.is_dir() and not any(out.iterdir()))
        is_ours = not is_new and out.is_dir() and f'content="{GENERATOR}"' in index.read_text("utf-8", "replace")[:1000]
    except OSError:
        is_new, is_ours = False, False
    if not (is_new or is_ours):
        raise UsageError(f"--out {out}: there is something else", "name a new folder, or one of an earlier plot")
