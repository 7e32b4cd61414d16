"""The workflows for GitHub and GitLab, step by step: over a virtual phone, and over runs of a known truth."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.farm import arm, github, gitlab
from harness.farm.work import Lab, Work
from tests import recipes
from tests.conftest import NeedTool
from tests.integration.farm.test_aws import POLICY, SUITE

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
WORK = Work("mine.yaml", "fast.yaml")
HOSTS = ("bench-1", "bench-2")


@pytest.fixture
def workspace(tmp_path: Path, wheel_adb: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, as far as the steps can tell, with the recipes beside it."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name != "runs":
            (folder / entry.name).symlink_to(entry)
    (folder / "mine.yaml").write_text(SUITE)
    (folder / "fast.yaml").write_text(POLICY)
    monkeypatch.chdir(folder)
    github.write_workflows(WORK, tmp_path / "github", Lab(["self-hosted"], HOSTS))
    gitlab.write_jobs(WORK, tmp_path / "gitlab", Lab(["android"]))
    arm.write_workflow(WORK, tmp_path / "github")
    programs = tmp_path / "bin"
    once = f"[ -e {tmp_path}/asked ] || {{ touch {tmp_path}/asked; exit 2; }}"  # turned away the first time
    recipes.program(programs, "make", f'{once}; [ "$*" = setup ]')  # as tests/unit/test_bootstrap.py has it
    recipes.program(programs, "sleep", f'echo "$1" >> {tmp_path}/pauses')
    recipes.program(programs, "adb", f'exec {wheel_adb} "$@"')
    recipes.program(programs, "sudo", "[ $1 != tee ] || cat > /dev/null")
    for name in ("sdkmanager", "avdmanager", "emulator"):  # the phone is there already
        recipes.program(programs, name, "exit 0")
    return folder


@pytest.fixture
def environment(tmp_path: Path, workspace: Path) -> dict[str, str]:
    """What the services set, and what this checkout needs."""
    return {
        "PATH": f"{tmp_path / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "CI": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        # A force push: no checkout has the commit before it.
        **{"CI_PIPELINE_ID": "77", "CI_COMMIT_BEFORE_SHA": "f" * 40, "CI_PROJECT_DIR": str(workspace)},
    }


def steps(
    tmp_path: Path, file: str, job: str, base: str, artefacts: Path, host: str = "bench-1"
) -> list[tuple[str, str]]:
    """A job of a GitHub workflow, of a matrix once; its artefacts lie in a folder."""

    def upload(given: Mapping[str, Any]) -> str:
        """Of a folder its content."""
        to, what = artefacts / given["name"], given["path"]
        return f"mkdir -p '{to}' && if [ -d {what} ]; then cp -r {what}/. '{to}'; else cp {what} '{to}'; fi"

    values = {
        "github.event.pull_request.base.sha || github.event.before": base,
        **{"github.run_id": "99", "github.workspace": ".", "matrix.shard": "1", "matrix.api-level": "34"},
        **{"matrix.host": host, "matrix.runner": "ubuntu-24.04-arm"},
        **{"runner.os": "Linux", "runner.arch": "X64", github.LOCKS: "0" * 64},
    }
    actions: dict[str, recipes.Action] = {
        **dict.fromkeys(("actions/checkout", "actions/setup-python", "actions/cache"), lambda _: "true"),
        "actions/upload-artifact": upload,
        "actions/download-artifact": lambda given: f"mkdir -p {given['path']} && cp -r '{artefacts}'/. {given['path']}",
        "reactivecircus/android-emulator-runner": lambda given: f"sh -c '{given['script']}'",
    }
    found = recipes.job_steps(tmp_path / "github" / file, job, values, actions)
    return [(f"{file} {job}: {name}", command) for name, command in found]


def test_phones_are_measured_and_emulators_verified(
    tmp_path: Path, workspace: Path, environment: dict[str, str], need_tool: NeedTool, lab: object
) -> None:
    artefacts = tmp_path / "artefacts"
    head = subprocess.run(
        [need_tool("git"), "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    base = head.stdout.strip() or "0" * 40  # of a release's archive there is no history
    done = recipes.run(
        need_tool("bash"),
        [
            *steps(tmp_path, github.LAB, "measure", base, artefacts),
            recipes.other_phone(workspace, "android-emulator"),
            *steps(tmp_path, github.LAB, "measure", base, artefacts, "bench-2"),
            ("moved", "mv parts github-parts"),
            *steps(tmp_path, github.LAB, "collect", base, artefacts),
            ("moved", "mv parts runs .."),
            *steps(tmp_path, github.EMULATOR, "verify", "", tmp_path / "verified"),
            *steps(tmp_path, arm.FILE, "measure", "", tmp_path / "arm64"),
            *recipes.gitlab_steps(tmp_path / "gitlab" / gitlab.FILE, "harness measure"),
            *recipes.gitlab_steps(tmp_path / "gitlab" / gitlab.FILE, "harness emulator"),
            *recipes.gitlab_steps(tmp_path / "gitlab" / gitlab.FILE, "harness collect"),
            *recipes.gitlab_steps(tmp_path / "gitlab" / gitlab.FILE, "harness gate"),
        ],
        environment,
        workspace,
        phones=["android-emulator"],
    )
    assert not {step.name: step.code for step in done.steps if step.code}, done.log
    for run, seed in ((artefacts / "parts-bench-2-1" / "run", 99), (workspace / "runs" / "all", 77)):
        manifest = json.loads((run / "manifest.json").read_text())
        assert (manifest["status"], manifest["seed"], list(manifest["toolchain"])) == ("done", seed, ["x86_64"])
    assert f"this checkout has no commit {'f' * 40}: measured without a base" in done.log
    assert "measured without a base: nothing to compare" in done.log
    assert (artefacts / "parts-bench-1-1" / "run" / "exports").is_dir()
    collected = json.loads((artefacts / "harness-run" / "manifest.json").read_text())
    assert [each["artefact"] for each in collected["collected"]] == [f"parts-{host}-1/run" for host in HOSTS]
    assert collected["status"] == "done" and len(collected["devices"]) == 2  # a phone of each host
    assert sorted(artefacts.iterdir()) == sorted(artefacts / name for name in (
        *(f"parts-{host}-1" for host in HOSTS), "harness-run"))  # fmt: skip
    pauses = list(map(int, (tmp_path / "pauses").read_text().split()))
    assert 0 <= pauses[0] < 10 and 5 <= pauses[1] < 10 and "make setup: exit code 2, again after a pause" in done.log
    on_arm = json.loads((tmp_path / "arm64" / "arm64-ubuntu-24.04-arm" / "manifest.json").read_text())
    assert (on_arm["status"], on_arm["devices"]) == ("done", ["local"])
    assert "results right, 0 wrong" in (tmp_path / "summary.md").read_text()
    assert "results right, 0 wrong" in (tmp_path / "verified" / "verify-34" / "verify.txt").read_text()


@pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (0.8, 1)])
def test_the_gate(
    slower: float, code: int, tmp_path: Path, workspace: Path, environment: dict[str, str], need_tool: NeedTool
) -> None:
    """Two jobs with a phone each; the base's time is ``slower`` times that of what is tried."""
    base = synthetic.Other("ba9876543210", times=dict.fromkeys(("indirect", "im2col", "direct"), slower))
    clusters = (("4-7", "Cortex-A75", 2803),)
    for number, name in enumerate(("pixel-3", "pixel-8")):
        phone = synthetic.Phone(name, name, f"SERIAL{number}", clusters=clusters, others=[base], aa=1.0)
        run = tmp_path / "artefacts" / f"parts-{HOSTS[number]}-1" / "run"
        synthetic.make_run(
            run, [phone], synthetic.LAYERS[1:3], launches=6, rounds=4, caches=("rotate",), run=f"r{number}"
        )
    done = recipes.run(
        need_tool("bash"),
        steps(tmp_path, github.LAB, "collect", base.name, tmp_path / "artefacts"),
        environment,
        workspace,
    )
    codes = {step.name: step.code for step in done.steps if step.code}
    assert codes == ({f"{github.LAB} collect: Gate": 1} if code else {}), done.log
    assert "pixel-8" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "artefacts" / "harness-run" / "report.html").is_file()
