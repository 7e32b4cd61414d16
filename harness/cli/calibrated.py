"""The end of a calibration, of ``harness calibrate`` or resumed: what was found is kept, and told."""

from __future__ import annotations

from collections.abc import Iterator

from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.exit_codes import ExitCode, worst
from harness.measure.once import calibrate
from harness.measure.request import Request
from harness.measure.run import runner
from harness.paths import shown_path
from harness.report.numbers import share_text
from harness.store.rundir import RunDir


def calibrated(ended: Outcome, done: runner.RunResult, request: Request) -> Outcome:
    """Keeps what the run tells of each device's noise; ``ended``: its outcome as a run. Raises HarnessError."""
    devices = calibrate.keep(RunDir(done.directory), request, say)
    short = [ExitCode.TOO_LITTLE_DATA] * any(not device.has_passed for device in devices)
    code = worst([ended.code, *short])
    runner.note_code(done, code)
    files = [line for line in ended.lines if line.startswith(("report: ", "export: "))]
    lines = [line for device in devices for line in _lines(device)]
    found = {"exit_code": int(code), "devices": [device.as_json() for device in devices]}
    return Outcome(code, (*lines, *files), {**ended.value, **found})


def _lines(device: calibrate.Calibrated) -> Iterator[str]:
    """``pixel-3 CPUs 4-7 hot: A/A passed (12 of 12 intervals hold 1), noise floor 0.61 %, ...``."""
    mark = "[EMULATED] " if device.emulated else ""
    for place in device.found.places:
        where = f"{mark}{device.name} CPUs {place.cluster} {place.cache}"
        if place.floor is None or place.visible is None or place.worst_visible is None:
            yield f"{where}: A/A not judged: no pair has an interval"
            continue
        held = f"{place.pairs - place.failed} of {place.pairs} intervals hold 1"
        seen = f"{share_text(place.visible)}, at the worst {share_text(place.worst_visible)} ({place.worst_layer})"
        yield (
            f"{where}: A/A {place.verdict} ({held}), noise floor {share_text(place.floor)}, "
            f"smallest difference that it shows {seen}"
        )
    if device.file is None:
        yield f"{mark}{device.name}: not kept: {device.why}"
    else:
        yield f"{mark}{device.name}: kept for the policy {device.found.policy} in {shown_path(device.file)}"
