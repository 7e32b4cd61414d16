"""What ``verify`` and ``tune`` share: their options, and the way from them to an outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from harness.cli.command import Command
from harness.cli.options import Allow, BuildOptions, DeviceOptions, SuiteOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.cli.signals import stop_on_signal
from harness.measure.context import Context
from harness.measure.outcome import DeviceOutcome, Results
from harness.measure.request import Request
from harness.model.condition import allowed
from harness.model.layer import Layer
from harness.model.policy import load_policy
from harness.model.suite import Suite

D = TypeVar("D", bound=DeviceOutcome)


@dataclass(frozen=True, kw_only=True)
class Once(BuildOptions, WaitOption, DeviceOptions, SuiteOptions, Command):
    """A command that is done once on each device."""

    allow: Allow = None

    def context(self, suite: Suite, layers: tuple[Layer, ...], algorithms: tuple[str, ...], **other: Any) -> Context:
        """What it goes by; ``other``: further fields of the request."""
        request = Request(
            suite=suite.name,
            layers=layers,
            policy=load_policy("quick"),
            algorithms=algorithms,
            seed=0,
            toolchain=self.toolchain or "auto",
            abi=self.abi,
            ndk=self.ndk,
            allow=allowed(self.allow or ()),
            **other,
        )
        return Context(request, self.find(allow=request.allow), say, stop_on_signal, wait_s=self.wait, quiet=self.quiet)

    def outcome(self, results: Results[D], lines: Callable[[D], Iterable[str]]) -> Outcome:
        """What each device gave, as lines and for --json; says what went wrong."""
        for each in results.outcomes:
            for message in each.messages:
                say(f"{each.name}: {message}")
        value = {
            "exit_code": int(results.code),
            "devices": [each.as_json() for each in results.outcomes],
            "unusable": [asdict(phone) for phone in results.unusable],
            "timed_out": results.timed_out,
        }
        return Outcome(results.code, tuple(line for each in results.outcomes for line in lines(each)), value)
