"""``harness clean``: removes old runs, builds and state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from harness.clean.cleaning import DEFAULT_AGE, KINDS, Cleaned, clean
from harness.cli.command import Command, Examples
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.paths import shown_path


@dataclass(frozen=True, kw_only=True)
class Clean(Command):
    """Removes what was not changed for long, or what is named; says how many bytes. A run that can be resumed stays
    unless it is named, and so do settings that wait to be put back; what a living run holds stays always.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {ExitCode.INFRASTRUCTURE: "something could not be removed"}
    examples: ClassVar[Examples] = (
        ("harness clean --older-than 30d --dry-run", "what would be removed, of runs, builds and state"),
        ("harness clean --cache", "builds that were not used for long"),
        ("harness clean 20260101-120000-quick", "that run, though it could be resumed"),
    )

    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="A run, a build or a state file, or its path.")
    ] = None
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help=f"As in 30d, 12h, 2w. Without names {DEFAULT_AGE}."),
    ] = None
    runs: Annotated[bool, typer.Option("--runs", help="Run directories in ./runs.")] = False
    cache: Annotated[bool, typer.Option("--cache", help="The build cache.")] = False
    state: Annotated[bool, typer.Option("--state", help="What is kept between runs.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False

    def __call__(self) -> Outcome:
        kinds = [kind for kind, asked in zip(KINDS, (self.runs, self.cache, self.state), strict=True) if asked]
        if not kinds and not self.names and self.older_than is None:
            raise UsageError("nothing is named", "give --runs, --cache or --state, an age (--older-than 30d), or names")
        done = clean(kinds or KINDS, self.names or (), self.older_than, dry=self.dry_run)
        for item, why in done.failed:
            say(f"{shown_path(item.path)}: not removed: {why}")
        value = {
            "dry_run": self.dry_run,
            "bytes": done.size,
            "removed": [
                {"kind": i.kind, "name": i.name, "path": str(i.path), "bytes": size} for i, size in done.removed
            ],
            "stays": [{"kind": i.kind, "name": i.name, "path": str(i.path), "why": why} for i, why in done.stays],
            "failed": [{"kind": i.kind, "name": i.name, "path": str(i.path), "why": why} for i, why in done.failed],
        }
        code = ExitCode.INFRASTRUCTURE if done.failed else ExitCode.DONE
        return Outcome(code, tuple(self._lines(done)), value)

    def _lines(self, done: Cleaned) -> list[str]:
        verb = "would remove" if self.dry_run else "removed"
        lines = [f"{verb} {shown_path(item.path)}  {size} bytes" for item, size in done.removed]
        lines += [f"stays: {shown_path(item.path)}: {why}" for item, why in done.stays]
        return [*lines, f"{verb} {len(done.removed)} ({done.size} bytes)"]


COMMAND = Clean
