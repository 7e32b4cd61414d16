"""The workflow for arm64 cores of hosted runners."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from harness.farm import arm, github
from harness.farm.work import Work

pytestmark = pytest.mark.unit


def test_each_runner_measures_itself(tmp_path: Path) -> None:
    text = arm.write_workflow(Work("quick", "thorough"), tmp_path).read_text()
    job = yaml.safe_load(text)["jobs"]["measure"]
    assert job["strategy"]["matrix"]["runner"] == ["ubuntu-24.04-arm", "macos-14", "macos-15"]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert ".venv/bin/harness run quick --policy thorough --device local --out runs/arm64" in scripts
    assert not any("${{" in script for script in scripts)
    used = re.findall(r"uses: (\S+) # ", text)
    assert len(used) == 4 and set(used) < set(github.PINNED)
