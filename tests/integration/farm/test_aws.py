"""The package for AWS Device Farm, run as the service runs it: no network, one phone, Python 3.11, no compiler."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from harness.farm.aws import MARGIN_MINUTES, MOST_MINUTES, PACKAGE
from tests import recipes
from tests.conftest import CommandLine, NeedTool

pytestmark = pytest.mark.integration

SUITE = """\
suite: tiny
algorithms: [im2col, indirect]
layers:
  - {name: body, h: 8, w: 8, kh: 3, kw: 3, pad: 1, cin: 8, cout: 8}
  - {name: point, h: 8, w: 8, kh: 1, kw: 1, cin: 8, cout: 16}
"""
POLICY = "launches: 2\nrounds: 2\nmin_ms: 1\nblock_budget_s: 4\ncache: [hot]\nverdicts: false\ngate_cap_s: 0\n"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, command_line: CommandLine, cannot_run: object) -> Path:
    if sys.version_info[:2] != (3, 11):
        assert callable(cannot_run)
        cannot_run("the host's Python is 3.11")
    folder = tmp_path_factory.mktemp("package")
    (folder / "mine.yaml").write_text(SUITE)
    (folder / "fast.yaml").write_text(POLICY)
    options = ("--policy", "fast.yaml", "--seed", "7", "--out", "aws")
    done = command_line("farm", "aws", "mine.yaml", *options, "--json", cwd=folder)
    assert done.code == 0, done
    assert 50e6 < json.loads(done.out)["bytes"] < 150e6
    made = sorted(path.name for path in (folder / "aws").iterdir())
    assert made == [PACKAGE, "start.sh", "testspec.yml"] and PACKAGE in (folder / "aws" / "start.sh").read_text()
    return folder / "aws"


def test_the_steps_need_no_network(
    package: Path, tmp_path: Path, command_line: CommandLine, wheel_adb: Path, need_tool: NeedTool, lab: object
) -> None:
    there, logs, cut = tmp_path / "test-package", tmp_path / "logs", tmp_path / "cut"
    for folder in (logs, cut):
        folder.mkdir()
    with zipfile.ZipFile(package / PACKAGE) as archive:
        archive.extractall(there)
    programs = tmp_path / "bin"
    recipes.program(programs, "devicefarm-cli", '[ "$*" = "use python 3.11" ]')
    recipes.program(programs, "python3", f'exec {os.path.realpath(sys.executable)} "$@"')
    recipes.program(programs, "adb", f'exec {wheel_adb} "$@"')
    environment = {
        "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        "DEVICEFARM_TEST_PACKAGE_PATH": str(there),
        "DEVICEFARM_LOG_DIR": str(logs),
        "DEVICEFARM_DEVICE_PLATFORM_NAME": "Android",
        "HARNESS_LOCK_DIR": str(tmp_path / "locks"),
    }
    steps = recipes.phases(package / "testspec.yml")
    test = next(command for name, command in steps if name == "test")
    limit_s = (MOST_MINUTES - MARGIN_MINUTES) * 60
    began = f'echo $(( $(date +%s) - {limit_s} + 8 )) > "{there}/began"'  # eight seconds are left
    longer = test.replace('"$DEVICEFARM_TEST_PACKAGE_PATH"/policy.yaml', "thorough")
    done = recipes.run(
        need_tool("bash"),
        [
            ("network", "! timeout 2 bash -c 'echo > /dev/tcp/192.0.2.1/80'"),
            ("udid", "export DEVICEFARM_DEVICE_UDID=$SERIAL"),
            *steps,
            ("cut", f"{began}; export DEVICEFARM_LOG_DIR={cut}; {longer}"),
        ],
        environment,
        tmp_path,
        phones=["pixel-3"],
        network=False,
    )
    codes = {step.command: step.code for step in done.steps if step.name != "cut" and step.code}
    assert not codes, done.log
    run = logs / "harness-run"
    assert json.loads((run / "manifest.json").read_text())["status"] == "done"
    assert (run / "exports").is_dir() and json.loads((logs / "doctor.json").read_text())["devices"]
    assert "tiny" in done.log and done.code("cut") == 3
    assert json.loads((cut / "harness-run" / "manifest.json").read_text())["status"] == "interrupted"
    assert (cut / "harness-run" / "report.html").is_file()

    # What the service hands out: a zip file of the folder, for each device.
    spec = yaml.safe_load((package / "testspec.yml").read_text())
    assert spec["artifacts"] == ["$DEVICEFARM_LOG_DIR"]
    (tmp_path / "artefacts").mkdir()
    shutil.make_archive(str(tmp_path / "artefacts" / "Customer_Artifacts"), "zip", logs)
    whole = command_line("farm", "collect", "artefacts", "--out", "all", "--require", "1", "--json", cwd=tmp_path)
    value = json.loads(whole.out)
    assert (whole.code, value["devices"], value["missing"]) == (0, ["pixel-3"], [])
    assert value["rows"]["missing"] == 0 and value["rows"]["ok"] == 2 * 2 * 2
