"""The recipes' files: what they say, that services can read them, and that nothing is pasted into a shell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from harness.errors import UsageError
from harness.farm import aws, github, gitlab, steps
from harness.farm.wheels import LOCK, lock_file
from harness.farm.work import Lab, Work
from harness.toolchain.builder import Built

pytestmark = pytest.mark.unit

NAMES = ("github", "gitlab")
MINE = "suite: mine\nlayers:\n  - {name: a, h: 8, w: 8, kh: 1, kw: 1, cin: 8, cout: 8}\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """What both recipes write, by name."""
    written = github.write_workflows(Work("quick", "thorough", 3), tmp_path / "a", Lab(["self-hosted", "pixels"]))
    written += gitlab.write_jobs(Work("quick", "thorough", 3), tmp_path / "b", Lab(["pixels"]))
    return {file.name: file for file in written}


@pytest.fixture(scope="module")
def published(cannot_run: Callable[[str], None]) -> Callable[[str], Any]:
    """A schema of the package check-jsonschema."""
    found = find_spec("check_jsonschema")
    if found is None or found.origin is None:
        cannot_run("check-jsonschema is not installed: make setup-test")
        raise AssertionError("not reached")
    folder = Path(found.origin).parent / "builtin_schemas" / "vendor"
    return lambda name: json.loads((folder / f"{name}.json").read_text("utf-8"))


def test_they_are_what_the_services_schemas_allow(files: dict[str, Path], published: Callable[[str], Any]) -> None:
    for name, file in files.items():
        schema = published("gitlab-ci" if name == gitlab.FILE else "github-workflows")
        value = yaml.safe_load(file.read_text())
        jsonschema.Draft7Validator(schema).validate(value)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft7Validator(schema).validate({**value, "stages": 7, "jobs": 7})


def test_actions_are_pinned_by_commits(files: dict[str, Path]) -> None:
    used = [line for file in files.values() for line in file.read_text().splitlines() if "uses: " in line]
    assert len(used) == 5 + 4 + 6 - 2  # a lab's hosts have a Python of their own
    for line in used:
        assert re.fullmatch(r"\s*(?:- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def scripts(value: Any) -> Iterator[str]:
    """What runs in a shell."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        if key in ("run", "script", "before_script", "after_script"):
            yield from each if isinstance(each, list) else [each]
        else:
            yield from scripts(each)


def test_no_expression_is_pasted_into_a_script(files: dict[str, Path]) -> None:
    """What a pull request is called would be a part of the command line."""
    for name in (github.LAB, github.EMULATOR):
        found = list(scripts(yaml.safe_load(files[name].read_text())))
        assert len(found) > 4 and not any("${{" in script for script in found)


def test_forks_do_not_run_on_hosts_of_ones_own(files: dict[str, Path]) -> None:
    value = yaml.safe_load(files[github.LAB].read_text())
    assert value["permissions"] == {"contents": "read"}
    assert "head.repo.full_name == github.repository" in value["jobs"]["measure"]["if"]
    assert value["jobs"]["measure"]["strategy"]["matrix"]["shard"] == [1, 2, 3]
    assert value["jobs"]["measure"]["runs-on"] == ["self-hosted", "pixels"]
    of_gitlab = yaml.safe_load(files[gitlab.FILE].read_text())
    jobs = {name: job for name, job in of_gitlab.items() if name.startswith("harness ")}
    assert len(jobs) == 4 and all(job["extends"] == ".harness" and "rules" not in job for job in jobs.values())
    ours = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
    for rule in of_gitlab[".harness"]["rules"]:
        assert ours in rule["if"] or rule["if"] == "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"


def test_no_run_is_dropped_for_a_newer_one(files: dict[str, Path]) -> None:
    """A concurrency group keeps one pending run; phones are waited for."""
    value = yaml.safe_load(files[github.LAB].read_text())
    assert not any("concurrency" in each for each in (value, *value["jobs"].values()))
    assert "--wait 3600" in files[github.LAB].read_text()


def test_hosts_of_ones_own_bring_their_python(files: dict[str, Path]) -> None:
    """setup-python has builds for the systems of hosted runners alone."""
    jobs = yaml.safe_load(files[github.LAB].read_text())["jobs"]
    with_python = [
        name for name, job in jobs.items() if any("setup-python" in str(s.get("uses")) for s in job["steps"])
    ]
    assert with_python == ["collect"] and jobs["collect"]["runs-on"] == "ubuntu-latest"


def test_all_jobs_measure_the_same() -> None:
    assert steps.measure(Work("quick", "my policy.yaml", 4)).splitlines()[-3:] == [
        "measure() { .venv/bin/harness run quick --policy 'my policy.yaml' --device all --wait 3600 --seed \"$SEED\" "
        '--shard "$SHARD/4" --out parts/"$PART"/run --export junit "$@"; }',
        'measure ${BASE:+--against "$BASE" --confirm}',
        '[ -e parts/"$PART"/run ] || measure',
    ]
    assert "--shard" not in steps.measure(Work("quick"))


def test_the_test_spec(tmp_path: Path) -> None:
    (tmp_path / "my suite.yaml").write_text(MINE)
    work = Work(str(tmp_path / "my suite.yaml"), "smoke")
    spec = aws.test_spec(work, 1, 5, 60)
    text = yaml.safe_dump(spec)
    assert yaml.safe_load(text) == spec and "\t" not in text  # the service takes no tabs
    (test,) = spec["phases"]["test"]["commands"]
    assert ' run "$DEVICEFARM_TEST_PACKAGE_PATH"/suite.yaml --policy smoke --device "$DEVICEFARM_DEVICE_UDID" ' in test
    assert "--seed 5" in test and "--shard" not in test and f"$(( {50 * 60} - " in test
    assert list(work.files) == ["suite.yaml"]
    sharded = aws.test_spec(Work("quick", None, 3), 2, 5, 60)["phases"]["test"]["commands"][0]
    assert " run quick --device" in sharded and "--shard 2/3" in sharded


@pytest.mark.parametrize("name", NAMES)
def test_wrong_usage(name: str, tmp_path: Path) -> None:
    def written(work: Work, out: Path) -> object:
        if name == "github":
            return github.write_workflows(work, out, Lab(["a"]))
        return gitlab.write_jobs(work, out, Lab(["a"]))

    with pytest.raises(UsageError, match="unknown suite"):
        written(Work("nope"), tmp_path / "x")
    with pytest.raises(UsageError, match="--shards 7: the suite has 6 layers"):
        written(Work("smoke", None, 7), tmp_path / "x")
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="the folder is not empty"):
        written(Work("smoke"), tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("label", ["", " ", "a\nb", "${{ secrets.X }}"])
def test_labels_that_are_none(name: str, label: str, tmp_path: Path) -> None:
    write = github.write_workflows if name == "github" else gitlab.write_jobs
    with pytest.raises(UsageError, match="--runs-on"):
        write(Work("smoke"), tmp_path / "x", Lab(["a", label]))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_no_expression(name: str, tmp_path: Path) -> None:
    """The service would put its value into the command line."""
    file = tmp_path / "${{ github.head_ref }}.yaml"
    file.write_text(MINE)
    write = github.write_workflows if name == "github" else gitlab.write_jobs
    with pytest.raises(UsageError, match="SUITE"):
        write(Work(str(file)), tmp_path / "x", Lab(["a"]))
    assert not (tmp_path / "x").exists()


def test_a_wheel_that_is_none_is_told_first(tmp_path: Path) -> None:
    built = Built(tmp_path / "convbench", tmp_path / "lib.a", "b" * 40, "zig", "arm64-v8a", 0.0, True)
    said: list[str] = []
    with pytest.raises(UsageError, match="--wheel"):
        aws.make_package(Work("smoke"), tmp_path / "x", built, 1, 60, tmp_path / "nosuch.whl", said.append)
    assert not said and not (tmp_path / "x").exists()


def test_the_lock_file_fits_the_farms_host() -> None:
    """Without compilers; of the packages that have wheels by platform, versions that still have manylinux2014."""
    found = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", lock_file().read_text(), re.M))
    assert lock_file().name == LOCK and not {"cmake", "ninja", "ziglang"} & found.keys()
    assert {"adbutils", "numpy", "scipy", "pydantic-core", "typer"} <= found.keys()
    assert tuple(map(int, found["numpy"].split("."))) < (2, 3), "NumPy 2.3 and newer needs glibc 2.27"
