"""The page's example on this machine and two virtual phones."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.pytest_plugin import fixtures  # noqa: F401  loaded once, not in the inner run
from tests.integration.conftest import Lab

pytestmark = pytest.mark.integration
pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "pytest.md"
SUITE = """
suite: tiny
layers:
  - {name: body_3x3, h: 6, w: 6, kh: 3, kw: 3, pad: 1, cin: 8, cout: 8}
  - {name: odd_3x3, h: 5, w: 7, kh: 3, kw: 3, cin: 3, cout: 5}
"""


def test_the_example_of_the_page(lab: Lab, pytester: pytest.Pytester) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(example.splitlines()) < 30
    pytester.makepyfile(test_example=example)
    (pytester.path / "tiny.yaml").write_text(SUITE)
    options = ("-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "--harness-suite", "./tiny.yaml")
    devices = ("--harness-adb-server", lab.server, "--harness-device", "all", "--harness-device", "local")
    # Measuring takes a second or two here, and a minute where the CPU is emulated.
    wanted = ("-k", "not measurement or local", "--harness-junit", "junit", "--harness-out", "runs")
    with lab.phone("pixel-3") as one, lab.phone("galaxy-s8") as two, lab.active():
        done = pytester.runpytest_inprocess(*options, *devices, *wanted)
        # On three devices two layers are verified and the CPUs asked for; on this one a layer is measured.
        done.assert_outcomes(passed=10, deselected=2)
        for phone in (one, two):
            assert not lab.shell(phone, "ls /data/local/tmp").strip(), "something was left on the phone"
    files = {file.stem: ElementTree.parse(file).getroot() for file in (pytester.path / "junit").iterdir()}
    counts = {name: [suite.get("tests") for suite in root] for name, root in files.items()}
    assert counts == {"pixel-3": ["3"], "sm-g950f": ["3"], "local": ["4"]}
    assert next(path.name for path in (pytester.path / "runs" / "local").iterdir()).startswith("body_3x3-")
    text = done.stdout.str() + "".join(file.read_text() for file in (pytester.path / "junit").iterdir())
    assert one.serial not in text and two.serial not in text
