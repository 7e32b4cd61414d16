"""GitLab CI: jobs for a lab of one's own, and for an Android emulator on a runner with KVM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.farm import steps, workflow
from harness.farm.work import Lab, Quota, Work, new_folder

FILE = "harness.gitlab-ci.yml"
API_LEVEL = 34
QUOTA = Quota("GitLab", 200)  # of `parallel`

_BOOTED_S = 600
_HEADLESS = "-no-window -no-audio -no-snapshot -gpu swiftshader_indirect"
_IMAGE = "python:3.12"  # with git and make; runners of a lab that start no containers pass over it
_NOT_THE_JOBS_FAULT = ["api_failure", "runner_system_failure", "scheduler_failure", "data_integrity_failure"]
# sdkmanager closes its input early, of which `yes` dies.
_ACCEPTED = (
    'accepted() ( set +o pipefail; yes | sdkmanager --install "$IMAGE" emulator platform-tools > sdkmanager.log )'
)
# A fork's code never runs on hosts of one's own, not even where a member starts its pipeline in this project.
_RULES = [
    {"if": "$CI_PIPELINE_SOURCE == 'merge_request_event' && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"},
    {"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"},
]


def write_jobs(work: Work, out: Path, runners: Lab) -> list[Path]:
    """Writes the file into ``out``, absent or empty: .gitlab-ci.yml includes it.

    Raises UsageError, InfrastructureError.
    """
    work.check()
    runners.check(work, QUOTA)
    new_folder(out)
    return [workflow.write(out / FILE, "Made by `harness farm gitlab`.", jobs(work, runners))]


def jobs(work: Work, runners: Lab) -> dict[str, Any]:
    """Shards measure, one job puts them together, one is the gate; one verifies on an emulator."""
    count = runners.jobs(work)
    return {
        "stages": ["measure", "collect", "gate"],
        ".harness": {
            "variables": {
                "GIT_DEPTH": "0",
                "PIP_CACHE_DIR": "$CI_PROJECT_DIR/.cache/pip",
                "SEED": "$CI_PIPELINE_ID",
            },
            "cache": {"key": {"files": ["requirements/run.txt", "pyproject.toml"]}, "paths": list(steps.CACHED)},
            "before_script": [
                'BASE="${CI_MERGE_REQUEST_DIFF_BASE_SHA:-$CI_COMMIT_BEFORE_SHA}"',
                'SHARD="${SHARD:-${CI_NODE_INDEX:-1}}"',
                'PART="${LAB_HOST:+$LAB_HOST-}$SHARD"',
                steps.SETUP,
            ],
            "retry": {"max": 2, "when": _NOT_THE_JOBS_FAULT},
            "rules": _RULES,
        },
        "harness measure": {
            "extends": ".harness",
            "stage": "measure",
            "tags": [*runners.labels, *(["$LAB_HOST"] if runners.hosts else [])],
            "timeout": "6 hours",
            **_parallel(work, runners),
            "script": [*([steps.start_apart(count)] if count > 1 else []), steps.measure(work)],
            "artifacts": {
                "when": "always",
                "paths": [f"{steps.PARTS}/"],
                "reports": {"junit": f"{steps.PARTS}/*/run/exports/*.xml"},
            },
        },
        "harness collect": {
            "extends": ".harness",
            "stage": "collect",
            "image": _IMAGE,
            "dependencies": ["harness measure"],
            "when": "always",
            "script": [steps.collect(count)],
            "artifacts": {"when": "always", "expose_as": "harness report", "paths": [f"{steps.WHOLE}/"]},
        },
        "harness gate": {
            "extends": ".harness",
            "stage": "gate",
            "image": _IMAGE,
            "needs": ["harness collect"],
            "when": "always",
            "script": [steps.gate()],
        },
        "harness emulator": {
            "extends": ".harness",
            "stage": "measure",
            "tags": ["kvm", "android-sdk"],
            "timeout": "1 hour",
            "variables": {"IMAGE": f"system-images;android-{API_LEVEL};google_apis;x86_64"},
            "script": [
                f"{steps.HARNESS} build --abi {steps.EMULATED}",
                _ACCEPTED,
                "retry accepted",
                'echo no | avdmanager create avd --force --name harness --package "$IMAGE"',
                f"emulator -avd harness {_HEADLESS} > emulator.log 2>&1 &",
                f"timeout {_BOOTED_S} adb wait-for-device shell "
                "'until [ \"$(getprop sys.boot_completed)\" = 1 ]; do sleep 1; done'",
                steps.verify(work),
            ],
            "after_script": [f"cat {steps.VERIFIED}"],
            "artifacts": {"when": "always", "paths": [steps.VERIFIED, "emulator.log"]},
        },
    }


def _parallel(work: Work, runners: Lab) -> dict[str, Any]:
    """CI_NODE_INDEX counts shards; of several hosts each has all of them, and both stand in the environment."""
    if runners.hosts:
        shards = [str(shard) for shard in range(1, work.shards + 1)]
        return {"parallel": {"matrix": [{"LAB_HOST": list(runners.hosts), "SHARD": shards}]}}
    return {"parallel": work.shards} if work.shards > 1 else {}
