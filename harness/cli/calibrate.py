"""``harness calibrate``: the noise floor of each device and cluster, by measuring a variant beside itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli import complete, options
from harness.cli.calibrated import calibrated
from harness.cli.command import Command, Examples
from harness.cli.options import DEFAULT_SUITE, BuildOptions, DeviceOptions, SuiteOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.run import finished
from harness.cli.say import say
from harness.cli.signals import stop_on_signal
from harness.exit_codes import ExitCode
from harness.measure.context import Context
from harness.measure.once import calibrate
from harness.measure.request import Request
from harness.measure.run import runner
from harness.model.condition import allowed
from harness.model.policy import load_policy


@dataclass(frozen=True, kw_only=True)
class Calibrate(BuildOptions, WaitOption, DeviceOptions, SuiteOptions, Command):
    """Measures indirect beside itself; what that tells of a phone's noise is kept for its later runs."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.WRONG_RESULT: "a wrong result",
        ExitCode.INFRASTRUCTURE: "a device failed, or something is left unmeasured",
        ExitCode.TOO_LITTLE_DATA: "an A/A failed, or could not be judged",
        ExitCode.NO_DEVICE: "",
    }
    examples: ClassVar[Examples] = (
        ("harness calibrate", "the noise floor of every attached phone, kept for later runs"),
        ("harness calibrate paper --policy thorough --device SERIAL", "of one phone, for runs under that policy"),
    )

    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            help="The policy of the runs that it is for. Default: the suite's.",
            autocompletion=complete.policies,
        ),
    ] = None
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run directory, absent or empty.")] = None
    seed: options.Seed = None
    clusters: options.Clusters = None
    allow: options.Allow = None

    def __call__(self) -> Outcome:
        request = self._request()
        attached = self.find(allow=request.allow)
        context = Context(request, attached, say, stop_on_signal, wait_s=self.wait, quiet=self.quiet)
        done = runner.start(context, self.out)
        return calibrated(finished(done), done, request)

    def _request(self) -> Request:
        suite, layers = self.read()
        policy = self.policy or suite.policy or "default"
        asked = Request(
            suite=suite.name,
            layers=layers,
            policy=load_policy(policy),
            algorithms=(),
            seed=secrets.randbits(48) if self.seed is None else self.seed,
            toolchain=self.toolchain or "auto",
            abi=self.abi,
            ndk=self.ndk,
            cpus=options.cpus_of(self.clusters),
            allow=allowed(self.allow or ()),
            suite_given=self.suite or DEFAULT_SUITE,
            policy_given=policy,
        )
        return calibrate.request_for(asked)


COMMAND = Calibrate
