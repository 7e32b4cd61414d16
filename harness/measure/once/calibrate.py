"""What a run of A/A pairs alone tells of the noise of each device, cluster and cache mode; kept for later runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.control import calibrations
from harness.measure.context import Say
from harness.measure.request import Request
from harness.measure.run import manifest
from harness.measure.run.leftover import is_complete
from harness.model.calibration import Calibration, Place, as_json, digest, now
from harness.store.rundir import RunDir

if TYPE_CHECKING:
    from harness.results.aa import AaSummary
    from harness.results.results import Results
    from harness.results.run import DeviceData

ALGORITHM = "indirect"  # the one that is measured beside itself


@dataclass(frozen=True)
class Calibrated:
    """What one device showed; ``file``: where it is kept, None where it is not, and ``why`` that is."""

    name: str
    found: Calibration
    emulated: bool
    file: Path | None = None
    why: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether every place was judged, and its A/A passed."""
        return bool(self.found.places) and all(place.verdict == "passed" for place in self.found.places)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        file = None if self.file is None else str(self.file)
        return {"device": self.name, "emulated": self.emulated, "file": file, "why": self.why, **as_json(self.found)}


def request_for(request: Request) -> Request:
    """The same layers with an A/A pair alone."""
    return replace(
        request,
        suite=f"calibrate-{request.suite}",
        algorithms=(ALGORITHM,),
        faces=("published",),
        workers=(),
        aa=True,
        calibration=True,
    )


def keep(run: RunDir, request: Request, say: Say) -> list[Calibrated]:
    """What the run tells of each of its devices; kept of those of which nothing is missing. Raises HarnessError."""
    from harness.results.results import make_results  # noqa: PLC0415  slow to load, not while measuring

    results, owners, measured = make_results(run.path), manifest.owners(run), _measured(run)
    done = []
    for device in results.run.devices:
        made = Calibrated(device.name, _calibration(results, device, request, measured), device.emulated)
        phone = owners.get(device.name)
        if phone is None or not is_complete(run, device.name, request):
            made = replace(made, why="not all of it was measured")
        elif not any(place.floor is not None for place in made.found.places):
            made = replace(made, why="no A/A pair has an interval")
        elif (known := calibrations.stored(phone, made.found.policy, say)) and known.utc > made.found.utc:
            made = replace(made, why=f"a newer one, of {known.utc:%Y-%m-%d %H:%M}, is kept already")
        else:
            made = replace(made, file=calibrations.store(phone, made.found, say))
        done.append(made)
    return done


def _measured(run: RunDir) -> datetime:
    """When the run ended: a calibration of old is not made anew by --resume."""
    try:
        return min(now(), datetime.fromisoformat(run.manifest().finished or "").astimezone(UTC).replace(microsecond=0))
    except ValueError:
        return now()


def _calibration(results: Results, device: DeviceData, request: Request, measured: datetime) -> Calibration:
    return Calibration(
        policy=request.policy.name,
        policy_digest=digest(request.policy),
        utc=measured,
        build_id=device.streams[-1].header.build if device.streams else "",
        system=calibrations.system_of(*(str(device.identity.get(key) or "") for key in ("fingerprint", "kernel"))),
        suite=request.suite,
        places=tuple(_places(results, device, request.policy.cache)),
    )


def _places(results: Results, device: DeviceData, caches: Sequence[str]) -> Iterator[Place]:
    """Every cluster that was planned, in every cache mode of the policy."""
    from harness.results.aa import aa_summaries  # noqa: PLC0415  as above

    for cluster in results.run.clusters_of(device):
        found = {summary.cache: summary for summary in aa_summaries(results.aa_of(device.name, cluster))}
        for cache in caches:
            yield _place(cluster, cache, found.get(cache))


def _place(cluster: str, cache: str, summary: AaSummary | None) -> Place:
    if summary is None or (noise := summary.noise) is None:
        return Place(cluster=cluster, cache=cache, verdict="unjudged", pairs=0)
    return Place.model_validate(
        {
            **{"cluster": cluster, "cache": cache, "verdict": summary.verdict, "pairs": len(summary.judged)},
            **{"failed": len(summary.failed), "floor": noise.floor, "visible": noise.visible},
            **{"worst_visible": noise.worst_visible, "worst_layer": summary.widest.row.key.layer},
        }
    )
