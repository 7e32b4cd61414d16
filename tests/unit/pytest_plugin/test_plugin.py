"""The plugin in runs of pytest: nothing without devices; with them a test for each device and layer, JUnit for each."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from harness.devices.base import Attached
from harness.errors import NoDeviceError
from harness.measure import naming
from harness.paths import data_root
from harness.pytest_plugin import fixtures  # noqa: F401  loaded once, not in each inner run
from harness.pytest_plugin.selection import Place, Selection

pytestmark = pytest.mark.unit
pytest_plugins = ["pytester"]

TESTS = """
import pytest
pytestmark = pytest.mark.harness(layers="*3x3*")
def test_both(device, layer):
    print("seen", layer.name)
    assert (device.serial, layer.name) != ("two", "odd_3x3s2"), "\\x00 broken"
def test_device(device):
    if device.serial == "one":
        pytest.skip("not this one")
def test_none():
    pass
"""


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices that can be used and one that cannot."""

    def find(self: Selection) -> None:
        self.places = [Place(name, SimpleNamespace(serial=name)) for name in ("one", "two")]
        self.places.append(Place("three", None, "offline: attach it again"))

    monkeypatch.setattr(Selection, "_find", find)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "-rs", *options)


def test_without_devices_marked_tests_are_skipped_and_nothing_is_disturbed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS, test_other="def test_own(): pass")
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef layer(): return 1\n")
    pytester.makepyfile(test_layer="def test_layer(layer): assert layer == 1")
    done = run(pytester, "--strict-markers")
    done.assert_outcomes(passed=2, skipped=3)
    done.stdout.fnmatch_lines(["*needs --harness-device: a serial, a name, `local` or `all`*"])


def test_every_run_of_pytest_loads_two_modules_of_ours_at_most() -> None:
    code = "import sys, harness.pytest_plugin; print(*sorted(m for m in sys.modules if m.startswith('harness')))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["harness", "harness.pytest_plugin"]


def test_it_is_installed_under_the_name_that_p_loads_it_by() -> None:
    project = tomllib.loads((data_root() / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["pytest11"] == {"harness.pytest_plugin": "harness.pytest_plugin"}


@pytest.mark.usefixtures("devices")
def test_one_test_for_each_device_and_layer_and_junit_for_each_device(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    done = run(pytester, "--harness-device", "all", "--harness-junit", "junit", "-v")
    # Three layers and a test without one on each of three devices, and a test of none.
    done.assert_outcomes(passed=7, failed=1, skipped=1, errors=4)
    done.stdout.fnmatch_lines(["harness: three: offline: attach it again", "*::test_both[[]two-body_3x3[]] PASSED*"])
    suites = {name: junit(pytester.path / f"junit/{name}.xml") for name in ("one", "two", "three")}
    counts = {
        name: [suite.get(of) for of in ("tests", "failures", "errors", "skipped")] for name, suite in suites.items()
    }
    assert counts == {"one": ["4", "0", "0", "1"], "two": ["4", "1", "0", "0"], "three": ["4", "0", "4", "0"]}
    (failed,) = suites["two"].iter("failure")
    assert "? broken" in (failed.text or "")
    assert all("three: offline" in str(error.get("message")) for error in suites["three"].iter("error"))
    first = next(suites["one"].iter("testcase"))
    told = {each.get("name"): each.get("value") for each in first.iter("property")}
    assert told == {"device": "one", "layer": "body_3x3"} and "seen body_3x3" in (first.findtext("system-out") or "")


def junit(file: Path) -> ElementTree.Element:
    (suite,) = ElementTree.parse(file).getroot()
    return suite


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("suite='nowhere'", "*unknown suite*nowhere*"),
        ("layers='nothing*'", "*no layer matches*"),
        ("layer='body'", "*it takes suite='NAME' and layers='GLOB'"),
        ("1, 2, 3, 4", "*it takes suite='NAME' and layers='GLOB'"),
    ],
)
def test_a_marker_that_says_nothing_that_there_is(pytester: pytest.Pytester, marker: str, words: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.harness({marker})\ndef test_it(layer): pass\n")
    done = run(pytester, "--harness-device", "one")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([words])
    done.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.usefixtures("devices")
def test_a_test_without_the_marker_is_told_about_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(device): pass")
    done = run(pytester, "--harness-device", "one")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*mark the test with @pytest.mark.harness*"])


@pytest.mark.parametrize("is_found", [True, False])
def test_no_device_ends_pytest_in_the_words_of_the_command_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, is_found: bool
) -> None:
    def find(*_: object) -> Attached:
        if is_found:
            return Attached()
        raise NoDeviceError("no device nowhere", "see: harness devices")

    monkeypatch.setattr(naming, "find", find)
    pytester.makepyfile(TESTS)
    done = run(pytester, "--harness-device", "nowhere")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    words = (
        ["*no phone is attached", "*attach one with USB debugging on*"]
        if is_found
        else ["*no device nowhere", "*see: *"]
    )
    done.stderr.fnmatch_lines(words)
    assert "Traceback" not in done.stderr.str()


@pytest.mark.usefixtures("devices")
def test_processes_that_would_wait_for_each_others_devices_are_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    done = run(pytester, "-n1", "--dist", "load", "--harness-device", "one")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--dist loadgroup*"])
