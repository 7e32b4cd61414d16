"""Which devices and layers there are tests of: found before anything is collected."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from harness.cli.signals import stop_on_signal
from harness.devices.base import Device
from harness.errors import HarnessError
from harness.measure import naming
from harness.measure.admission import Admission, admitted
from harness.measure.called import named
from harness.measure.context import Context
from harness.measure.programs import Programs, build_programs
from harness.measure.request import Request
from harness.measure.run.left_out import left_out
from harness.model.condition import allowed
from harness.model.layer import Layer
from harness.model.policy import load_policy
from harness.model.suite import DEFAULT_ALGORITHMS, load_suite, select_layers
from harness.pytest_plugin import MARKER

_SUITE = "smoke"  # where neither option nor marker names one


@dataclass(frozen=True)
class Place:
    """A device that was meant, by its name in reports; where it cannot be used, why."""

    name: str
    device: Device | None = None
    why: str = ""


_OURS = (Place, Layer)  # what tests are made of


class Selection:
    """The devices of this run of pytest; a plugin that makes a test for each of them and each layer."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.places: list[Place] = []
        self.admission = Admission()
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """What measuring goes by; its request is that of no layer yet."""
        assert self._context is not None, "asked before the session began"
        return self._context

    @cached_property
    def programs(self) -> Programs:
        """convbench, built once. Raises HarnessError."""
        return build_programs(self.context.attached.devices, self.context.request, say)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Finds the devices. Raises pytest.UsageError in the command line's words."""
        try:
            self._check_processes()
            self._find()
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None

    def pytest_report_header(self) -> list[str]:
        """The devices, by names that may be passed on."""
        return [f"harness: {place.name}" + (f": {place.why}" if place.why else "") for place in self.places]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A test for each device and layer that a marked one asks for."""
        marker = metafunc.definition.get_closest_marker(MARKER)
        if marker is None:
            return
        if "device" in metafunc.fixturenames:
            each = [pytest.param(place, id=place.name, marks=self._group(place)) for place in self.places]
            metafunc.parametrize("device", each, indirect=True, scope="session")
        if "layer" in metafunc.fixturenames:
            layers = self._layers(marker)
            metafunc.parametrize("layer", layers, indirect=True, ids=[layer.name for layer in layers])

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Reports tell device and layer of each test."""
        for item in items:
            if (call := getattr(item, "callspec", None)) is not None and item.get_closest_marker(MARKER):
                found = {name: call.params.get(name) for name in ("device", "layer")}
                item.user_properties += [(name, each.name) for name, each in found.items() if isinstance(each, _OURS)]

    def _find(self) -> None:
        option = self._config.getoption
        request = Request(
            suite="pytest",
            layers=(),
            policy=load_policy("quick"),
            algorithms=DEFAULT_ALGORITHMS,
            seed=0,
            allow=allowed(option("harness_allow")),
        )
        attached = naming.find(option("harness_device"), option("harness_adb_server"), request.allow)
        context, self.admission = admitted(Context(request, attached, say, stop_on_signal, quiet=True))
        devices = context.usable()
        self.places = [Place(name, device) for name, device in named(devices)]
        self.places += [
            Place(bad.name, None, f"{bad.state}: {bad.remedy}") for bad in left_out(context.attached.unusable)
        ]
        self._context = context

    def _layers(self, marker: pytest.Mark) -> tuple[Layer, ...]:
        """Raises CollectError, which pytest tells without a traceback."""
        try:
            suite, layers = _of(**marker.kwargs) if not marker.args else _of(*marker.args[:3], **marker.kwargs)
            return select_layers(load_suite(self._config.getoption("harness_suite") or suite).layers, layers)
        except TypeError:
            given = ", ".join([*map(repr, marker.args), *(f"{key}={value!r}" for key, value in marker.kwargs.items())])
            wrong = f"@pytest.mark.{MARKER}({given}): it takes suite='NAME' and layers='GLOB'"
            raise pytest.Collector.CollectError(wrong) from None
        except HarnessError as error:
            raise pytest.Collector.CollectError(f"@pytest.mark.{MARKER}: {error}") from None

    def _check_processes(self) -> None:
        """A device is one process's: with pytest-xdist its tests have to stay together."""
        option = self._config.option
        if getattr(option, "numprocesses", None) and getattr(option, "dist", "") != "loadgroup":
            raise pytest.UsageError(
                "--harness-device: processes of pytest-xdist would wait for each other's devices\n"
                "  add --dist loadgroup, which keeps the tests of a device together"
            )

    def _group(self, place: Place) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xdist_group(place.name)] if self._config.pluginmanager.hasplugin("xdist") else []


def _of(suite: str = _SUITE, layers: str = "*") -> tuple[str, str]:
    """The marker's arguments."""
    return suite, layers


def say(text: str) -> None:
    """What goes on, for pytest to capture."""
    print(text, file=sys.stderr)


SELECTION = pytest.StashKey[Selection]()


def register(config: pytest.Config) -> None:
    """The plugins that a run with devices has."""
    from harness.pytest_plugin import fixtures, junit  # noqa: PLC0415  fixtures asks for this module's Selection

    selection = config.stash[SELECTION] = Selection(config)
    config.pluginmanager.register(selection, "harness-selection")
    config.pluginmanager.register(fixtures, "harness-fixtures")
    folder = config.getoption("harness_junit")
    if folder and not hasattr(config, "workerinput"):  # of xdist, whose reports come to the process that began it
        config.pluginmanager.register(junit.JUnit(Path(folder)), "harness-junit")
