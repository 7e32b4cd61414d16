"""The fixtures of marked tests: a device, a layer, and convbench on that device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.base import Device
from harness.model.layer import Layer
from harness.pytest_plugin import MARKER
from harness.pytest_plugin.bench import Bench
from harness.pytest_plugin.selection import SELECTION, Place


@pytest.fixture(scope="session", name="device")
def _device(request: pytest.FixtureRequest) -> Device:
    """A phone, or this machine: harness.devices.base.Device. A test of one that cannot be used fails, and says why."""
    place = _param(request)
    assert isinstance(place, Place)
    if place.device is None:
        pytest.fail(f"{place.name}: {place.why}", pytrace=False)
    return place.device


@pytest.fixture(name="layer")
def _layer(request: pytest.FixtureRequest) -> Layer:
    """A layer of the suite that the test is marked with: harness.model.layer.Layer."""
    layer = _param(request)
    assert isinstance(layer, Layer)
    return layer


@pytest.fixture(scope="session", name="convbench")
def _convbench(
    device: Device, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """convbench on the device: ``verify(layer)``, ``measure(layer)``. The device is held while it has something to do
    there, and left as it was.
    """
    selection = request.config.stash[SELECTION]
    name = next(place.name for place in selection.places if place.device is device)
    kept = request.config.getoption("harness_out")

    def folder() -> Path:
        return Path(kept) / name if kept else tmp_path_factory.mktemp(name)

    bench = Bench(name, device, selection, folder)
    yield bench
    bench.close()


def _param(request: pytest.FixtureRequest) -> object:
    """What pytest_generate_tests gave the fixture."""
    try:
        return request.param
    except AttributeError:
        pytest.fail(f"mark the test with @pytest.mark.{MARKER}, or its module: see docs/pytest.md", pytrace=False)
