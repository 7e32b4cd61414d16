"""``harness history add|list|show|plot``: many runs over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.opened import opened_run
from harness.cli.options import BundleOption
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.extras import needed
from harness.paths import shown_path

if TYPE_CHECKING:
    from harness.history.store import Kept, Store

_WHAT = "harness history"
_CODES: Mapping[ExitCode, str] = {ExitCode.INFRASTRUCTURE: "it could not be written"}


@dataclass(frozen=True, kw_only=True)
class StoreOption:
    """Where the history is."""

    store: Annotated[Path, typer.Option("--store", metavar="DIR", help="The history. Default: ./history.")] = Path(
        "history"
    )

    def opened(self) -> Store:
        """The store. Raises UsageError without the packages that it needs."""
        from harness.history.store import Store  # noqa: PLC0415

        needed("duckdb", _WHAT)
        needed("ruptures", _WHAT)
        return Store(self.store)


@dataclass(frozen=True, kw_only=True)
class Add(BundleOption, StoreOption, Command):
    """Adds runs to the history, which only grows: the same run again is a new row by a new version of the tool."""

    codes: ClassVar[Mapping[ExitCode, str]] = _CODES
    examples: ClassVar[Examples] = (
        ("harness history add runs/latest", "after each night"),
        ("harness history add *.zip --store ~/nights", "bundles of other hosts"),
    )

    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run directories, or bundles.", autocompletion=complete.runs)
    ]

    def __call__(self) -> Outcome:
        from harness.history.columns import rows_of  # noqa: PLC0415
        from harness.results.results import make_results  # noqa: PLC0415
        from harness.store.pseudonym_key import made_key  # noqa: PLC0415
        from harness.store.rundir import RunDir  # noqa: PLC0415

        store, key = self.opened(), made_key()
        done: list[tuple[Kept, bool]] = []
        code = ExitCode.DONE
        for given in self.runs:
            try:
                with opened_run(given, self.allowed_signers) as run:
                    RunDir(run.path).manifest()
                    rows = rows_of(make_results(run.path), key)
            except HarnessError as error:
                if len(self.runs) == 1:
                    raise
                say(f"harness: {error}\n  the others are added all the same")
                code = worst([code, error.exit_code])
                continue
            if rows.left_out:
                say(f"{given}: nothing tells which phone {', '.join(rows.left_out)} is: left out")
            kept, is_new = store.add(rows)
            if not is_new:
                say(f"{given}: {kept.run} is there already, since {kept.added:%Y-%m-%d %H:%M} UTC: nothing was added")
            elif kept.addition > 1:
                say(f"{given}: {kept.run} was there already, of other records or another harness: this one counts now")
            if is_new and kept.run_status != "done":
                say(f"{given}: the run is {kept.run_status}: what it lacks is not there")
            done.append((kept, is_new))
        told = tuple(f"added: {kept.run}, {kept.rows} rows" for kept, is_new in done if is_new)
        return Outcome(code, told, {"runs": [{**_value(kept), "new": is_new} for kept, is_new in done]})


def _value(kept: Kept) -> dict[str, Any]:
    return {
        "run": kept.run,
        "addition": kept.addition,
        "started": kept.started.isoformat(),
        "status": kept.run_status,
        "suite": kept.suite,
        "devices": list(kept.devices),
        "rows": kept.rows,
        "added": kept.added.isoformat(),
        "harness": kept.harness,
        "rules": kept.rules,
        "source": kept.source,
    }


@dataclass(frozen=True, kw_only=True)
class List(StoreOption, Command):
    """Lists all that was ever added, by the time that the runs were started."""

    examples: ClassVar[Examples] = (("harness history list", "runs, devices, and what was replaced"),)

    def __call__(self) -> Outcome:
        kept = self.opened().additions()
        return Outcome(lines=tuple(_lines(kept)), value={"runs": [_value(each) for each in kept]})


def _lines(kept: list[Kept]) -> Iterator[str]:
    newest = {each.run: each.addition for each in kept}
    for each in kept:
        marks = [each.run_status] * (each.run_status != "done") + ["replaced"] * (newest[each.run] != each.addition)
        yield (
            f"{each.started:%Y-%m-%d %H:%M}  {each.run}  {each.suite}, {', '.join(each.devices)}: {each.rows} rows, "
            f"by harness {each.harness}{''.join(f', {mark}' for mark in marks)}"
        )
    if not kept:
        yield "no runs"


@dataclass(frozen=True, kw_only=True)
class Show(StoreOption, Command):
    """Tells what changed and when, the newest first."""

    examples: ClassVar[Examples] = (
        ("harness history show", "everything"),
        ("harness history show --device pixel-3 --layers conv4*", "of one phone and some layers"),
    )

    phone: Annotated[
        str | None, typer.Option("--device", metavar="D", help="Only that one: pixel-3, a model, or a pseudonym.")
    ] = None
    layer: Annotated[str | None, typer.Option("--layers", metavar="GLOB", help="Only layers whose name matches.")] = (
        None
    )

    def __call__(self) -> Outcome:
        store = self.opened()
        from harness.history import lines  # noqa: PLC0415
        from harness.history.series import all_series  # noqa: PLC0415

        every = all_series(store)
        found = lines.chosen(every, self.phone, self.layer)
        if every and not found:
            raise UsageError(
                "no series is of that device and of layers of that name", "see: harness history list, or leave one out"
            )
        runs = {point.run for each in found for point in each.points}
        value = {
            "runs": len(runs),
            "changes": [told.value() for told in lines.changes_of(found)],
            "series": [lines.series_value(each) for each in found],
        }
        return Outcome(lines=tuple(lines.lines(found, len(runs))), value=value)


@dataclass(frozen=True, kw_only=True)
class Plot(StoreOption, Command):
    """Writes the history as pages that any host serves: an index, and a page for each device."""

    codes: ClassVar[Mapping[ExitCode, str]] = _CODES
    examples: ClassVar[Examples] = (("harness history plot --out site", "site/index.html"),)

    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="For the pages: new, empty, or of an earlier plot.")]

    def __call__(self) -> Outcome:
        store = self.opened()
        from harness.history.pages import write_pages  # noqa: PLC0415
        from harness.history.series import all_series  # noqa: PLC0415

        pages = write_pages(all_series(store), self.out)
        return Outcome(lines=(shown_path(pages[0]),), value={"files": [str(page.resolve()) for page in pages]})


COMMAND = {"add": Add, "list": List, "show": Show, "plot": Plot}
