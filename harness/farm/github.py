"""GitHub Actions: a workflow for a lab of one's own, and one for Android emulators on hosted runners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.farm import steps, workflow
from harness.farm.work import Lab, Quota, Work, new_folder

LAB, EMULATOR = "harness-lab.yml", "harness-emulator.yml"
API_LEVELS = (30, 34)
QUOTA = Quota("GitHub", 256)  # of a matrix

# The commits of these tags. A tag can be moved, a commit cannot.
_CHECKOUT = ("actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1")
_PYTHON = ("actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0")
_CACHE = ("actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5")
_UPLOAD = ("actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0")
_DOWNLOAD = ("actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1")
_EMULATOR = ("reactivecircus/android-emulator-runner@e89f39f1abbbd05b1113a29cf4db69e7540cae5a", "v2.37.0")
PINNED = dict((_CHECKOUT, _PYTHON, _CACHE, _UPLOAD, _DOWNLOAD, _EMULATOR))

LOCKS = "hashFiles('requirements/*.txt', 'pyproject.toml', 'native/**', 'ndk/**')"
_BASE = "${{ github.event.pull_request.base.sha || github.event.before }}"
_OF_THIS_REPOSITORY = (
    "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository"
)
ALWAYS = {"if": "${{ !cancelled() }}"}
_KVM = """\
echo 'KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"' | sudo tee /etc/udev/rules.d/99-kvm.rules
sudo udevadm control --reload-rules
sudo udevadm trigger --name-match=kvm"""


def write_workflows(work: Work, out: Path, runners: Lab) -> list[Path]:
    """Writes both files into ``out``, absent or empty: they belong into .github/workflows/.

    Raises UsageError, InfrastructureError.
    """
    work.check()
    runners.check(work, QUOTA)
    new_folder(out)
    return [
        workflow.write(out / LAB, "Made by `harness farm github`. Phones of a lab.", lab(work, runners), PINNED),
        workflow.write(
            out / EMULATOR, "Made by `harness farm github`. Correctness on emulators.", emulator(work), PINNED
        ),
    ]


def lab(work: Work, runners: Lab) -> dict[str, Any]:
    """Phones on runners of one's own: shards measure, one job puts them together and is the gate."""
    jobs = runners.jobs(work)
    part = "${{ matrix.host }}-${{ matrix.shard }}" if runners.hosts else "${{ matrix.shard }}"
    measured = [
        *prepared(jobs, on_own_host=True),
        {"name": "Measure", "run": steps.measure(work)},
        {**ALWAYS, **kept(f"parts-{part}", f"{steps.PARTS}/{part}")},
    ]
    matrix = {
        **({"host": list(runners.hosts)} if runners.hosts else {}),
        "shard": list(range(1, work.shards + 1)),
    }
    together = [
        *prepared(),
        {"uses": _DOWNLOAD[0], "with": {"pattern": "parts-*", "path": steps.PARTS}},
        {"name": "Collect", "run": steps.collect(jobs)},
        {**ALWAYS, "name": "Summary", "run": f'cat {steps.WHOLE}/summary.md >> "$GITHUB_STEP_SUMMARY"'},
        {**ALWAYS, "name": "Gate", "run": steps.gate()},
        {**ALWAYS, **kept("harness-run", steps.WHOLE)},
    ]
    return {
        "name": "harness lab",
        "on": {"pull_request": None, "push": {"branches": ["main"]}, "workflow_dispatch": None},
        "permissions": {"contents": "read"},
        "env": {"BASE": _BASE, "SEED": "${{ github.run_id }}"},
        "jobs": {
            "measure": {
                "if": f"${{{{ {_OF_THIS_REPOSITORY} }}}}",  # a fork's code never runs on hosts of one's own
                "runs-on": [*runners.labels, *(["${{ matrix.host }}"] if runners.hosts else [])],
                "timeout-minutes": 360,
                "strategy": {"fail-fast": False, "matrix": matrix},
                "env": {"SHARD": "${{ matrix.shard }}", "PART": part},
                "steps": measured,
            },
            "collect": {
                "needs": "measure",
                "if": "${{ !cancelled() && needs.measure.result != 'skipped' }}",
                "runs-on": "ubuntu-latest",
                "timeout-minutes": 30,
                "steps": together,
            },
        },
    }


def emulator(work: Work) -> dict[str, Any]:
    """Android emulators on hosted runners: whether every result is right, no times."""
    verified = [
        *prepared(len(API_LEVELS)),
        {"name": "Build", "run": f"{steps.HARNESS} build --abi {steps.EMULATED}"},
        {"name": "Let the emulator use KVM", "run": _KVM},
        {
            "name": "Verify",
            "uses": _EMULATOR[0],
            "with": {
                "api-level": "${{ matrix.api-level }}",
                "arch": "x86_64",
                "target": "google_apis",
                "script": steps.verify(work),  # one line: each is a shell of its own
            },
        },
        {**ALWAYS, "name": "Summary", "run": f'cat {steps.VERIFIED} >> "$GITHUB_STEP_SUMMARY"'},
        {**ALWAYS, **kept("verify-${{ matrix.api-level }}", steps.VERIFIED)},
    ]
    return {
        "name": "harness emulators",
        "on": {"pull_request": None, "push": {"branches": ["main"]}, "workflow_dispatch": None},
        "permissions": {"contents": "read"},
        "jobs": {
            "verify": {
                "runs-on": "ubuntu-latest",
                "timeout-minutes": 60,
                "strategy": {"fail-fast": False, "matrix": {"api-level": list(API_LEVELS)}},
                "steps": verified,
            }
        },
    }


def prepared(jobs: int = 1, *, on_own_host: bool = False) -> list[dict[str, Any]]:
    """A checkout with the harness installed. ``jobs``: that begin together.

    ``on_own_host``: with the history, for the base that is measured against, and by the host's own Python: setup-python
    has none for most systems that are not the hosted runners'.
    """
    return [
        *([{"name": "Start apart", "run": steps.start_apart(jobs)}] if jobs > 1 else []),
        {
            "uses": _CHECKOUT[0],
            "with": {"persist-credentials": False, **({"fetch-depth": 0} if on_own_host else {})},
        },
        *([] if on_own_host else [{"uses": _PYTHON[0], "with": {"python-version": "3.12"}}]),
        {
            "uses": _CACHE[0],
            "with": {
                "path": "\n".join(steps.CACHED),
                "key": f"harness-${{{{ runner.os }}}}-${{{{ runner.arch }}}}-${{{{ {LOCKS} }}}}",
                "restore-keys": "harness-${{ runner.os }}-${{ runner.arch }}-",
            },
        },
        {"name": "Set up", "run": steps.SETUP, "env": {"PIP_CACHE_DIR": "${{ github.workspace }}/.cache/pip"}},
    ]


def kept(name: str, path: str) -> dict[str, Any]:
    """A step that keeps what lies at a path as an artefact of that name."""
    return {"uses": _UPLOAD[0], "with": {"name": name, "path": path, "if-no-files-found": "warn"}}
