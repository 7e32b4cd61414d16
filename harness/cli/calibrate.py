"""``harness calibrate``: the noise floor of each device and cluster, by measuring a variant beside itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.command import Command
from harness.cli.options import BuildOptions, DeviceOptions, JsonOption, SuiteOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.run import finished
from harness.cli.say import say, shown_path
from harness.cli.signals import stop_on_signal
from harness.exit_codes import ExitCode, worst
from harness.measure.context import Context
from harness.measure.once import calibrate
from harness.measure.request import Request
from harness.measure.run import runner
from harness.model.condition import allowed
from harness.model.policy import load_policy
from harness.report.numbers import share_text
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Calibrate(JsonOption, BuildOptions, WaitOption, DeviceOptions, SuiteOptions, Command):
    """Measures indirect beside itself; what that tells of a phone's noise is kept for its later runs."""

    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME|FILE", help="That of the runs it is for, not the suite's.")
    ] = None
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run directory, absent or empty.")] = None
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", min=0, max=2**63 - 1, help="Of the order.")] = None
    clusters: options.Clusters = None
    allow: options.Allow = None

    def __call__(self) -> Outcome:
        request = self._request()
        attached = self.find(allow=request.allow)
        context = Context(request, attached, say, stop_on_signal, wait_s=self.wait)
        done = runner.start(context, self.out)
        ended = finished(done)
        devices = calibrate.keep(RunDir(done.directory), request, say)
        short = [ExitCode.TOO_LITTLE_DATA] * any(not device.has_passed for device in devices)
        code = worst([ended.code, *short])
        runner.note_code(done, code)
        report = next(line for line in ended.lines if line.startswith("report: "))
        lines = [line for device in devices for line in _lines(device)]
        value = {"exit_code": int(code), "run": str(done.directory), "messages": done.messages}
        return Outcome(code, (*lines, report), {**value, "devices": [device.as_json() for device in devices]})

    def _request(self) -> Request:
        suite, layers = self.read()
        asked = Request(
            suite=suite.name,
            layers=layers,
            policy=load_policy(self.policy or suite.policy or "default"),
            algorithms=(),
            seed=secrets.randbits(48) if self.seed is None else self.seed,
            toolchain=self.toolchain or "auto",
            abi=self.abi,
            ndk=self.ndk,
            cpus=options.cpus_of(self.clusters),
            allow=allowed(self.allow or ()),
        )
        return calibrate.request_for(asked)


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


COMMAND = Calibrate
