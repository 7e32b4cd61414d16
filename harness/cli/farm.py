"""``harness farm``: recipes for device farms and CI services, and one run directory of what their jobs bring back."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from harness.cli import complete, options
from harness.cli.command import Command, Examples
from harness.cli.options import DEFAULT_SUITE, BuildOptions
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.exit_codes import ExitCode, worst
from harness.farm import arm, aws
from harness.farm.collect import collect
from harness.farm.github import write_workflows
from harness.farm.gitlab import write_jobs
from harness.farm.work import Lab, Work
from harness.model.abi import DEFAULT_ABI
from harness.paths import shown_path
from harness.report.writer import write_report
from harness.toolchain.builder import build

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="For the recipe's files: absent or empty.")]


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """What the jobs measure."""

    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE",
            help="A suite's name, or the path of a YAML file.",
            autocompletion=complete.suites,
        ),
    ] = DEFAULT_SUITE
    policy: options.Policy = None
    shards: Annotated[
        int, typer.Option("--shards", metavar="N", min=1, help="Into how many jobs the layers are divided.")
    ] = 1

    def work(self) -> Work:
        """The options as a value."""
        return Work(self.suite, self.policy, self.shards)


@dataclass(frozen=True, kw_only=True)
class Aws(WorkOptions, BuildOptions, Command):
    """Writes a test package and test specs for AWS Device Farm's custom environment (docs/farms.md).

    The package has the harness as wheels and convbench as it was built here: its host needs no network.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "wheels could not be had, convbench not be built, or the package is too large"
    }
    examples: ClassVar[Examples] = (
        ("harness farm aws paper --out aws", "harness-package.zip, testspec.yml and start.sh"),
        ("harness farm aws paper --shards 4 --minutes 60 --out aws", "four jobs for each device, an hour each"),
    )

    out: Out
    seed: options.Seed = None
    minutes: Annotated[
        int,
        typer.Option(
            "--minutes",
            metavar="M",
            min=2 * aws.MARGIN_MINUTES,
            max=aws.MOST_MINUTES,
            help="The job's timeout, as it is scheduled; measuring ends 10 minutes before.",
        ),
    ] = aws.MOST_MINUTES
    wheel: Annotated[
        Path | None, typer.Option("--wheel", metavar="FILE", help="The harness's wheel, where it is not a checkout.")
    ] = None

    def __call__(self) -> Outcome:
        work = self.work()
        aws.check(work, self.wheel)
        built = build(self.abi or DEFAULT_ABI, self.toolchain or "zig", self.ndk, say)
        seed = secrets.randbits(48) if self.seed is None else self.seed
        made = aws.make_package(work, self.out, built, seed, self.minutes, self.wheel, say)
        value = {
            "package": str(made.package.resolve()),
            "bytes": made.size,
            "test_specs": [str(spec.resolve()) for spec in made.specs],
            "start": str(made.start.resolve()),
            "wheels": list(made.wheels),
            "build_id": built.build_id,
            "seed": str(seed),
        }
        lines = (f"{shown_path(made.package)}  {made.size / 1e6:.1f} MB", *map(shown_path, (*made.specs, made.start)))
        return Outcome(lines=lines, value=value)


@dataclass(frozen=True, kw_only=True)
class RunnerOptions:
    """On whose runners."""

    runs_on: Annotated[
        list[str] | None,
        typer.Option("--runs-on", metavar="LABEL", help="A label (tag) that all runners of the lab have. Repeats."),
    ] = None
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="LABEL",
            help="A label (tag) that one host of the lab has alone; each host measures every shard on its phones. "
            "Repeats. Without it: one host, or hosts with phones of the same models.",
        ),
    ] = None

    def lab(self, *otherwise: str) -> Lab:
        """``otherwise``: the labels where none is named."""
        return Lab(self.runs_on or otherwise, self.host or ())


@dataclass(frozen=True, kw_only=True)
class Github(WorkOptions, RunnerOptions, Command):
    """Writes workflows for GitHub Actions: a lab of your own with a gate; hosted runners' emulators and arm64 cores.

    They belong into .github/workflows/ of a repository with this tool's checkout (docs/farms.md).
    """

    examples: ClassVar[Examples] = (
        (
            "harness farm github paper --shards 2 --out workflows",
            "harness-lab.yml, harness-emulator.yml and harness-arm64.yml",
        ),
        ("harness farm github --runs-on self-hosted --runs-on pixels --out w", "runners that have both labels"),
        ("harness farm github --host bench-1 --host bench-2 --out w", "every phone of two hosts"),
    )

    out: Out

    def __call__(self) -> Outcome:
        files = write_workflows(self.work(), self.out, self.lab("self-hosted", "android"))
        return _written([*files, arm.write_workflow(self.work(), self.out)])


@dataclass(frozen=True, kw_only=True)
class Gitlab(WorkOptions, RunnerOptions, Command):
    """Writes jobs for GitLab CI: a lab of your own with a gate, and an emulator on a runner with KVM.

    .gitlab-ci.yml includes the file (docs/farms.md).
    """

    examples: ClassVar[Examples] = (
        ("harness farm gitlab paper --shards 2 --out ci", "harness.gitlab-ci.yml"),
        ("harness farm gitlab --runs-on pixels --out ci", "runners with that tag"),
        ("harness farm gitlab --host bench-1 --host bench-2 --out ci", "every phone of two hosts"),
    )

    out: Out

    def __call__(self) -> Outcome:
        return _written(write_jobs(self.work(), self.out, self.lab("android")))


def _written(files: Sequence[Path]) -> Outcome:
    return Outcome(lines=tuple(map(shown_path, files)), value={"files": [str(file.resolve()) for file in files]})


@dataclass(frozen=True, kw_only=True)
class Collect(Command):
    """Makes one run directory of many jobs' artefacts: shards and devices of one plan, as folders, zip files, bundles.

    Each entry of DIR is what one job left. The artefacts stay as they are.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.WRONG_RESULT: "a job had a wrong result",
        ExitCode.INFRASTRUCTURE: "a shard, a job or a device is missing, or failed; the rest is in the run",
        ExitCode.TOO_LITTLE_DATA: "a row of results.csv is unjudged: too few valid samples",
    }
    examples: ClassVar[Examples] = (
        ("harness farm collect artefacts", "./runs/<UTC time>-<suite>/ and its report"),
        ("harness farm collect artefacts --out all --require 5", "exit code 3 where fewer devices sent something"),
    )

    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the artefacts.")]
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="The run directory, absent or empty.")] = None
    require: Annotated[int | None, typer.Option("--require", metavar="N", min=1, help="At least N devices.")] = None
    jobs: Annotated[int | None, typer.Option("--jobs", metavar="N", min=1, help="Artefacts of at least N jobs.")] = None

    def __call__(self) -> Outcome:
        done = collect(self.folder, self.out, self.require, sys.argv[1:], self.jobs)
        for told in (*done.remarks, *done.missing):
            say(told)
        summary = write_report(done.directory)
        code = worst([done.code, summary.code])
        value: dict[str, Any] = {
            "run": str(done.directory),
            "report": str(summary.report.resolve()),
            "devices": list(done.devices),
            "jobs": [dict(job) for job in done.jobs],
            "missing": list(done.missing),
            "remarks": list(done.remarks),
            "rows": dict(summary.statuses),
        }
        lines = (*summary.answer, *summary.told, f"report: {shown_path(summary.report)}")
        return Outcome(code, lines, value)


COMMAND = {"aws": Aws, "github": Github, "gitlab": Gitlab, "collect": Collect}
