"""``harness run``: plan, build, push, measure on every selected device, report."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from harness.cli import complete, options
from harness.cli.command import Command, Examples
from harness.cli.options import DEFAULT_SUITE, BuildOptions, DeviceOptions, LabOptions, SuiteOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.cli.shard import ShardOptions
from harness.cli.signals import stop_on_signal
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.measure.against import parse_against
from harness.measure.context import Context
from harness.measure.fitness import read_workers
from harness.measure.other_builds import NothingToCompare
from harness.measure.request import Request
from harness.measure.run import manifest, runner
from harness.measure.run.dry_run import planned
from harness.measure.tables import check_tuned
from harness.model.condition import allowed
from harness.model.policy import load_policy, with_cache
from harness.model.suite import with_auto, with_options
from harness.model.sustained import BURST, SUSTAINED, Mode
from harness.paths import shown_path
from harness.store.rundir import RunDir

if TYPE_CHECKING:
    from harness.export.formats import Format
    from harness.hosts.front import LabRun
    from harness.model.other_build import OtherBuild
    from harness.report.writer import ReportSummary


@dataclass(frozen=True, kw_only=True)
class Run(LabOptions, ShardOptions, BuildOptions, WaitOption, DeviceOptions, SuiteOptions, Command):
    """Measures, or goes on with a run; the result is the report's opening sentences and its path."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.WRONG_RESULT: "a wrong result, which is not timed; with --against: something is slower",
        ExitCode.INFRASTRUCTURE: "a device failed or was unusable, a worker crashed, or something is left unmeasured",
        ExitCode.TOO_LITTLE_DATA: "a row of results.csv is unjudged: too few valid samples",
        ExitCode.NO_DEVICE: "no usable device: each with its remedy",
    }
    examples: ClassVar[Examples] = (
        ("harness run --device local", "the suite `quick` on this machine"),
        ("harness run paper --device all --policy thorough", "the paper's layers on every usable phone"),
        ("harness run mine.yaml --faces published,best --layers '*3x3*'", "layers of your own"),
        ("harness run --comparator xnnpack --comparator acl-winograd", "other libraries beside (docs/comparators.md)"),
        ("harness run --clusters 4-7 --threads 1,4 --dry-run", "the jobs and the time, nothing measured"),
        ("harness run --resume runs/latest", "what is missing of a run that was cut short"),
        ("harness run --device local --against HEAD~1 --confirm", "what the last commit made slower"),
        ("harness run paper --device all --shard 2/3", "the second of three parts, each on a host of its own"),
        ("harness run --scheduler tcp://127.0.0.1:8786", "on every phone of a lab's hosts (docs/hosts.md)"),
        ("harness run --quiet --json --timeout 3600 > run.json", "in a script"),
    )

    require: Annotated[int | None, typer.Option("--require", metavar="N", min=1, help="At least N devices.")] = None
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run directory, absent or empty.")] = None
    policy: options.Policy = None
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Measure what is missing of a run.", autocompletion=complete.runs),
    ] = None
    seed: options.Seed = None
    algorithms: options.Algorithms = None
    faces: options.Faces = None
    worker: options.Workers = None
    comparator: options.Comparators = None
    clusters: options.Clusters = None
    threads: options.Threads = None
    cache: options.Cache = None
    allow: options.Allow = None
    export: options.Exports = None
    tuned: Annotated[
        Path | None,
        typer.Option("--tuned", metavar="DIR", help="Measure auto too, by the tables of: harness tune --out DIR."),
    ] = None
    aa: Annotated[
        bool, typer.Option("--aa", help="Measure one variant twice, under two names: what differs there is false.")
    ] = False
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="REV|DIR|PROGRAM",
            help="Measure another build beside this checkout's, in the same rounds, and decide what is slower: a git "
            "revision, a build directory, a convbench. Repeats.",
        ),
    ] = None
    confirm: Annotated[
        bool, typer.Option("--confirm", help="With --against: measure again what is slower before it is said to be.")
    ] = False
    threshold: Annotated[
        str | None,
        typer.Option("--threshold", metavar="P%", help="With --against: from where on a difference matters."),
    ] = None
    dry: Annotated[bool, typer.Option("--dry-run", help="Print the jobs and the estimated time.")] = False

    def __call__(self) -> Outcome:
        asked, threshold = _formats(self.export or ()), options.threshold_of(self.threshold)
        if self.dry and self.stf is not None:
            raise UsageError(
                "--dry-run: a farm's device tells of its CPUs to whoever has reserved it, and a dry run reserves none",
                f"see what there is, and who has it: harness devices --stf {self.stf}",
            )
        with self.lab() as lab:
            if self.resume is not None:
                return self._resumed(self.resume, asked, threshold, lab)
            return self._started(asked, threshold, lab)

    def _started(self, asked: Sequence[Format], threshold: float | None, lab: LabRun | None) -> Outcome:
        request = self._request()
        check_tuned(request)
        read_workers(request.workers)
        context = self._context(request, lab)
        if self.dry:
            return _jobs(context)
        try:
            done = runner.start(context, self.out)
        except NothingToCompare as nothing:
            return Outcome(
                nothing.exit_code, (str(nothing),), {"run": None, "exit_code": 0, "messages": [str(nothing)]}
            )
        if not request.against:
            return finished(done, asked)
        run = RunDir(done.directory)

        def again() -> runner.RunResult:
            kept = replace(manifest.request_of(run.manifest(), self.ndk), allow=request.allow)
            return runner.resume(replace(context, request=kept), run, done.programs)

        return _beside_builds(done, again, threshold, asked)

    def _context(self, request: Request, lab: LabRun | None, otherwise: list[str] | None = None) -> Context:
        """The devices are those of the lab, or of this host; ``otherwise``: those to take where none is named."""
        if lab is not None:
            attached = lab.find(self.device or [])
            joining = lab.newcomers_of(self.device or [])
        else:
            attached = self.find(otherwise, request.allow)
            joining = self.newcomers(attached, otherwise, request.allow)
        return Context(request, attached, say, stop_on_signal, self.require, self.wait, joining, self.quiet, lab)

    def _resumed(self, folder: Path, asked: Sequence[Format], threshold: float | None, lab: LabRun | None) -> Outcome:
        given = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        if given - _BESIDE_RESUME:
            raise UsageError("--resume takes everything from the run", "leave the other options out")
        run = RunDir(folder.resolve())
        request = manifest.request_of(run.manifest(), self.ndk)
        request = replace(request, allow=allowed([*request.allow, *(self.allow or ())]))
        if threshold is not None and not request.against:
            raise UsageError("--threshold is for runs with --against", "compare two runs: harness compare BASE NEW")

        def again() -> runner.RunResult:
            where = manifest.where_devices_are(run, by_number=self.stf is not None)
            return runner.resume(self._context(request, lab, where), run)

        done = runner.finished(run) or again()
        return _beside_builds(done, again, threshold, asked) if request.against else _ended(done, request, asked)

    def _request(self) -> Request:
        suite, layers = self.read()
        suite = with_options(suite, self.algorithms, self.faces, self.worker or ())
        if self.tuned is not None:
            suite = with_auto(suite)
        if self.aa and suite.mode == SUSTAINED:
            raise UsageError(
                f"--aa: {suite.name} is a suite of mode {SUSTAINED}, whose series have no pairs of a round",
                f"leave --aa out, or take a suite of mode {BURST}",
            )
        against = self._builds(suite.mode)
        policy = self.policy or suite.policy or "default"
        request = Request(
            suite=suite.name,
            layers=layers,
            mode=suite.mode,
            policy=with_cache(load_policy(policy), self.cache).of_mode(suite.mode),
            algorithms=suite.algorithms,
            faces=suite.faces,
            seed=secrets.randbits(48) if self.seed is None else self.seed,
            toolchain=self.toolchain or "auto",
            abi=self.abi,
            ndk=self.ndk,
            cpus=options.cpus_of(self.clusters),
            threads=options.threads_of(self.threads),
            workers=suite.workers,
            comparators=options.comparators_of(self.comparator, suite.workers),
            tuned=self.tuned,
            aa=self.aa or bool(against),
            against=against,
            confirm=self.confirm,
            allow=allowed(self.allow or ()),
            suite_given=self.suite or DEFAULT_SUITE,
            policy_given=policy,
        )
        return self.part(request, is_seeded=self.seed is not None)

    def _builds(self, mode: Mode) -> tuple[OtherBuild, ...]:
        """The other builds that were asked for. Raises UsageError."""
        if not self.against and (self.confirm or self.threshold):
            option = "--confirm" if self.confirm else "--threshold"
            raise UsageError(f"{option} is about builds that --against names", "name one, as in --against HEAD~1")
        if self.against and mode == SUSTAINED:
            raise UsageError(
                f"--against: a suite of mode {SUSTAINED} has no rounds that builds could share",
                f"take a suite of mode {BURST}",
            )
        return parse_against(self.against or ())


def _beside_builds(
    done: runner.RunResult, again: Callable[[], runner.RunResult], threshold: float | None, asked: Sequence[Format]
) -> Outcome:
    """The outcome of a run with other builds."""
    from harness.cli.against import beside_builds  # noqa: PLC0415  slow to load, not while measuring

    return beside_builds(done, lambda result: finished(result, asked), again, threshold, asked)


def _ended(done: runner.RunResult, request: Request, asked: Sequence[Format]) -> Outcome:
    """The outcome of a resumed run; what a calibration finds is kept."""
    outcome = finished(done, asked)
    if not request.calibration:
        return outcome
    from harness.cli.calibrated import calibrated  # noqa: PLC0415  not for other runs

    return calibrated(outcome, done, request)


_BESIDE_RESUME = {
    "resume",
    "device",
    "adb_server",
    "stf",
    "stf_token",
    "require",
    "ndk",
    "allow",
    "as_json",
    "quiet",
    "timeout",
    "wait",
    "export",
    "threshold",
    "scheduler",
    "certificates",
}


def _jobs(context: Context) -> Outcome:
    """The jobs of a dry run, and how long they take at most by device."""
    jobs, seconds = planned(context)
    lines = [
        f"{job['device']} CPUs {job['cluster']} launch {job['launch'] + 1} {job['layer']}: {', '.join(job['variants'])}"
        f"{_on(job['threads'])}{_of(job.get('builds', ()))}"
        for job in jobs
    ]
    lines += [
        f"{name}: at most about {_duration(s)} of measuring, without waits for a cool device"
        for name, s in seconds.items()
    ]
    value = {
        "jobs": [{**job, "seed": str(job["seed"])} for job in jobs],  # it may be no number of JavaScript
        "seconds": {name: round(s, 1) for name, s in seconds.items()},
    }
    return Outcome(lines=tuple(lines), value=value)


def _on(threads: Sequence[int]) -> str:
    """On how many threads, where that is not one alone: ``; on 1 and 4 threads``."""
    return "" if list(threads) == [1] else f"; on {' and '.join(map(str, threads))} threads"


def _of(builds: Sequence[str]) -> str:
    """Of which builds, where there are several: ``; each of checkout and HEAD~1``."""
    return f"; each of {' and '.join(builds)}" if builds else ""


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


# What --json has of a report (ReportSummary.value) where none was made.
_UNTOLD: dict[str, Any] = {
    **{key: [] for key in ("sentences", "answers", "waiting", "aa", "workers")},
    **dict.fromkeys(("cut_short", "judged", "precision"), ""),
}


def finished(done: runner.RunResult, asked: Sequence[Format] = ()) -> Outcome:
    """Writes the report, and what it was asked to export; what is printed of the run."""
    from harness.report.writer import write_report  # noqa: PLC0415  slow to load, not while measuring

    began = time.monotonic()
    code = done.code
    summary: ReportSummary | None = None
    report: Path | None = done.directory / "report.html"
    try:
        if done.touched or not (done.directory / "report.html").exists():
            summary = write_report(done.directory)
            code = worst([code, summary.code])
            runner.note_code(done, code)
    except HarnessError as error:
        report = None  # what lies there, if anything, is an older one
        done.messages.append(str(error))
        code = worst([code, error.exit_code])
    exports: list[Path] = []
    try:
        _export(done, asked, exports)
    except HarnessError as error:
        done.messages.append(f"{error}\n  then: harness export {quote(shown_path(done.directory))} --format F")
        code = worst([code, error.exit_code])
    phases = {**_bootstrap_seconds(), **done.seconds, "report": time.monotonic() - began}
    for message in done.messages:
        say(message)
    if done.something_is_missing:
        say(f"to go on: {RunDir(done.directory).resume_command()}")
    value: dict[str, Any] = {
        "run": str(done.directory),
        "exit_code": int(code),
        "report": None if report is None else str(report),
        "exports": list(map(str, exports)),
        **(summary.value if summary else _UNTOLD),
        "seed": done.seed,
        "timed_out": done.timed_out,
        "samples": {outcome.name: outcome.samples for outcome in done.outcomes},
        "conditions": {
            outcome.name: [condition.as_json() for condition in outcome.conditions] for outcome in done.outcomes
        },
        "unusable": [asdict(phone) for phone in done.unusable],
        "messages": done.messages,
        "seconds": {phase: round(s, 2) for phase, s in phases.items()},
    }
    lines = (
        *((*summary.answer, *summary.told) if summary else ()),
        "phases: " + ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in phases.items()),
        *(f"export: {shown_path(path)}" for path in exports),
        "report: not written" if report is None else f"report: {shown_path(report)}",
    )
    return Outcome(code, lines, value)


def _formats(names: Sequence[str]) -> Sequence[Format]:
    """The formats of --export. Raises UsageError."""
    if not names:
        return ()
    from harness.export.formats import formats_of  # noqa: PLC0415  slow to load, and seldom asked for

    return formats_of(names, "--export")


def _export(done: runner.RunResult, asked: Sequence[Format], written: list[Path]) -> None:
    """Writes those formats into the run directory; ``written`` gets each file, whatever fails later.

    A sustained run has none, which is said. Raises HarnessError.
    """
    if not asked:
        return
    from harness.export.formats import subjects_of  # noqa: PLC0415  slow to load, not while measuring
    from harness.export.output import write_into  # noqa: PLC0415
    from harness.export.subject import NO_SERIES  # noqa: PLC0415
    from harness.results.results import make_results  # noqa: PLC0415

    results = make_results(done.directory)
    if results.run.mode == SUSTAINED:
        done.messages.append(NO_SERIES)
        return
    for each in asked:
        for path in write_into(done.directory, subjects_of(results, each), each):
            written.append(path)


def _bootstrap_seconds() -> dict[str, float]:
    """Seconds of download and installation, where `make run` has just done them."""
    file = os.environ.get("HARNESS_BOOTSTRAP", "")
    try:
        value = json.loads(Path(file).read_bytes()) if file else {}
        return {phase: float(value[f"{phase}_s"]) for phase in ("download", "install") if f"{phase}_s" in value}
    except (OSError, ValueError, TypeError):
        return {}


COMMAND = Run
