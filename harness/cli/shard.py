"""The options of ``run`` that measure a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import complete
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.measure.request import Request


@dataclass(frozen=True, kw_only=True)
class ShardOptions:
    """Which part."""

    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Measure part I of N of the layers, divided alike wherever the rest of the command is the same.",
        ),
    ] = None
    durations: Annotated[
        Path | None,
        typer.Option(
            "--durations",
            metavar="RUN",
            help="With --shard: divide by what layers took in an earlier run (or bundle), the same for all shards.",
            autocompletion=complete.runs,
        ),
    ] = None

    def part(self, request: Request, *, is_seeded: bool) -> Request:
        """The request of that part, or the whole; ``is_seeded``: its seed was asked for. Raises UsageError."""
        if self.shard is None:
            if self.durations is not None:
                raise UsageError("--durations is for dividing a run", "name a part of it too, as in --shard 1/3")
            return request
        from harness.measure.sharding import common_seed, sharded  # noqa: PLC0415  for this option alone
        from harness.model.shard import parse_shard  # noqa: PLC0415

        index, count = parse_shard(self.shard)
        if not is_seeded:
            request = replace(request, seed=common_seed(request))
        return sharded(request, index, count, self._measured())

    def _measured(self) -> Mapping[str, float]:
        """Seconds of layers in the run of --durations."""
        if self.durations is None:
            return {}
        from harness.cli.opened import opened_run  # noqa: PLC0415  for this option alone
        from harness.store.durations import durations  # noqa: PLC0415
        from harness.store.rundir import RunDir  # noqa: PLC0415

        with opened_run(self.durations, None) as run:
            RunDir(run.path).manifest()  # refuses what is no run directory
            return durations(run.path)
