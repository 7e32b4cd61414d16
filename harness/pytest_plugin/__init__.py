"""The pytest plugin (docs/pytest.md): tests of a layer on a device. Every run of pytest loads this file.

So it imports nothing of the harness, and registers options, a marker and a skip. Fixtures and device I/O come with
``--harness-device`` alone.
"""

from __future__ import annotations

import pytest

MARKER = "harness"
_DEVICE = "--harness-device"
_WORDS = f"needs {_DEVICE}: a serial, a name, `local` or `all`"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("harness", "convolutions on Android phones")
    several = {"action": "append", "default": []}
    group.addoption(_DEVICE, metavar="D", help="A serial, a name, `local`, or `all` phones. Repeats.", **several)
    group.addoption("--harness-adb-server", metavar="HOST:PORT", help="An adb server. Repeats.", **several)
    group.addoption("--harness-allow", metavar="NAME", help="Test in spite of that condition. Repeats.", **several)
    group.addoption("--harness-suite", metavar="SUITE", help="Instead of the suites that tests are marked with.")
    group.addoption("--harness-junit", metavar="DIR", help="A JUnit file for each device, DIR/<device>.xml.")
    group.addoption("--harness-out", metavar="DIR", help="Keep the run directories of convbench.measure there.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker; with devices the rest of the plugin."""
    config.addinivalue_line(
        "markers", f"{MARKER}(suite='smoke', layers='*'): a test of a layer on a device; {_WORDS} (docs/pytest.md)"
    )
    if config.getoption("harness_device"):
        from harness.pytest_plugin import selection  # noqa: PLC0415  not for other runs of pytest

        selection.register(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without devices the marked tests are skipped."""
    if not config.getoption("harness_device"):
        for item in items:
            if item.get_closest_marker(MARKER):
                item.add_marker(pytest.mark.skip(reason=_WORDS))
