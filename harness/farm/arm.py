"""GitHub Actions: this machine (`local`) on hosted runners with real arm64 cores, Linux and macOS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.farm import github, steps, workflow
from harness.farm.work import Work

FILE = "harness-arm64.yml"
RUNNERS = ("ubuntu-24.04-arm", "macos-14", "macos-15")
_RUN = "runs/arm64"


def write_workflow(work: Work, out: Path) -> Path:
    """Writes the file into a folder that is there."""
    return workflow.write(
        out / FILE, "Made by `harness farm github`. arm64 cores of hosted runners.", local(work), github.PINNED
    )


def local(work: Work) -> dict[str, Any]:
    """The suite on each runner by itself. They are virtual machines that others' work shares: no gate goes by them."""
    measured = [
        *github.prepared(len(RUNNERS)),
        {"name": "Conditions", "run": f"{steps.HARNESS} doctor --device local"},
        {"name": "Measure", "run": f"{steps.HARNESS} run {' '.join(work.options())} --device local --out {_RUN}"},
        {**github.ALWAYS, "name": "Summary", "run": f'cat {_RUN}/summary.md >> "$GITHUB_STEP_SUMMARY"'},
        {**github.ALWAYS, **github.kept("arm64-${{ matrix.runner }}", _RUN)},
    ]
    return {
        "name": "harness arm64",
        "on": {"push": {"branches": ["main"]}, "workflow_dispatch": None},
        "permissions": {"contents": "read"},
        "jobs": {
            "measure": {
                "runs-on": "${{ matrix.runner }}",
                "timeout-minutes": 60,
                "strategy": {"fail-fast": False, "matrix": {"runner": list(RUNNERS)}},
                "steps": measured,
            }
        },
    }
