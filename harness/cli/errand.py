"""What ``verify`` and ``tune`` share: the options that say what and where, and the way from them to an exit code."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

from harness.cli import options
from harness.cli.say import result_json, say
from harness.cli.signals import stop_on_signal
from harness.devices import discovery
from harness.devices.base import Device
from harness.errors import ExitCode
from harness.measure import runner
from harness.measure.errand import Outcome, code_of
from harness.measure.request import Request
from harness.model.layer import Layer
from harness.model.policy import load_policy
from harness.model.suite import Suite, load_suite, select_layers

O = TypeVar("O", bound=Outcome)  # noqa: E741
Measure = Callable[[list[Device], threading.Event], Sequence[O]]


@dataclass(frozen=True)
class Asked:
    """The shared options, as given."""

    suite: options.Suite = None
    device: options.Devices = None
    toolchain: options.Toolchain = None
    ndk: options.Ndk = None
    abi: options.Abi = None
    adb_server: options.Servers = None
    layers: options.Layers = None
    json_output: options.Json = False

    def read(self) -> tuple[Suite, tuple[Layer, ...]]:
        """The suite, and those of its layers that were asked for. Raises UsageError."""
        suite = load_suite(self.suite or "quick")
        return suite, suite.layers if self.layers is None else select_layers(suite.layers, self.layers)

    def request(self, suite: Suite, layers: tuple[Layer, ...], algorithms: tuple[str, ...], **other: Any) -> Request:
        """The request, once for each layer; ``other``: further fields of it."""
        return Request(
            suite=suite.name,
            layers=layers,
            policy=load_policy("quick"),
            algorithms=algorithms,
            seed=0,
            toolchain=self.toolchain or "auto",
            abi=self.abi,
            ndk=self.ndk,
            **other,
        )

    def perform(self, measure: Measure[O], show: Callable[[O], None]) -> ExitCode:
        """Finds the devices, lets ``measure`` have them, and shows what each gave, or all of it as JSON."""
        with stop_on_signal() as stop:
            attached = discovery.find(self.device or [], self.adb_server or [])
            results = measure(runner.usable(attached, None, say), stop)
        for each in results:
            if not self.json_output:
                show(each)
            for message in each.messages:
                say(f"{each.name}: {message}")
        code = code_of(results, some_unusable=bool(attached.unusable), stopped=stop.is_set())
        if self.json_output:
            result_json({"exit_code": int(code), "devices": [each.as_json() for each in results]})
        return code


def with_shared_options(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """A command whose first parameter is an Asked, as one that has its fields for options."""
    shared = [field.name for field in fields(Asked)]

    def wrapper(**given: Any) -> ExitCode:
        asked = Asked(**{name: given.pop(name) for name in shared})
        return command(asked, **given)

    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    hints = get_type_hints(Asked, include_extras=True)
    parameters = [
        *(inspect.Parameter(name, _KEYWORD, default=getattr(Asked, name), annotation=hints[name]) for name in shared),
        *(parameter.replace(kind=_KEYWORD) for parameter in own),
    ]
    wrapper.__doc__ = command.__doc__
    wrapper.__signature__ = inspect.Signature(parameters, return_annotation=ExitCode)  # type: ignore[attr-defined]
    return wrapper


_KEYWORD = inspect.Parameter.KEYWORD_ONLY
