"""``harness run``: plan, build, push, measure on every selected device, report."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli import options
from harness.cli.say import result, result_json, say, shown_path
from harness.cli.signals import stop_on_signal
from harness.devices import discovery
from harness.errors import ExitCode, HarnessError, UsageError
from harness.measure import dry_run, manifest, runner
from harness.measure.request import Request
from harness.measure.tables import check_tuned
from harness.model.policy import load_policy
from harness.model.suite import load_suite, select_layers, with_options
from harness.store.rundir import RunDir


def command(
    suite: options.Suite = None,
    device: options.Devices = None,
    require: Annotated[int | None, typer.Option("--require", metavar="N", min=1, help="At least N devices.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run directory, absent or empty.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME|FILE", help="Instead of the suite's policy.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Measure what is missing of a run.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", min=0, max=2**63 - 1, help="Of the order.")] = None,
    toolchain: options.Toolchain = None,
    ndk: options.Ndk = None,
    abi: options.Abi = None,
    adb_server: options.Servers = None,
    layers: options.Layers = None,
    algorithms: options.Algorithms = None,
    faces: options.Faces = None,
    clusters: options.Clusters = None,
    tuned: Annotated[
        Path | None, typer.Option("--tuned", metavar="DIR", help="auto goes by the tables of: harness tune --out DIR.")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print the jobs and the estimated time.")] = False,
    as_json: options.Json = False,
) -> ExitCode:
    """Measure a suite on every attached phone (or --device local: this machine) and write a report."""
    if resume is not None:
        given = (out, policy, seed, toolchain, abi, layers, algorithms, faces, clusters, tuned, dry or None)
        if any(value is not None for value in given) or suite is not None:
            raise UsageError("--resume takes everything from the run", "leave the other options out")
        run = RunDir(resume.resolve())
        manifest.request_of(run.manifest(), ndk)
        if (complete := runner.finished(run)) is not None:
            return _finish(complete, as_json)
        attached = discovery.find(device or manifest.where_devices_are(run), adb_server or [])
        return _finish(runner.resume(run, attached, ndk, require, stop_on_signal, say), as_json)
    request = _request(suite or "quick", policy, algorithms, faces, layers, clusters, seed, toolchain, ndk, abi, tuned)
    check_tuned(request)
    attached = discovery.find(device or [], adb_server or [])
    if dry:
        jobs, seconds = dry_run.planned(request, runner.usable(attached, require, say), say)
        return _show(jobs, seconds, as_json)
    return _finish(runner.start(request, attached, out, require, stop_on_signal, say), as_json)


def _request(
    suite: str,
    policy: str | None,
    algorithms: str | None,
    faces: str | None,
    layers: str | None,
    clusters: str | None,
    seed: int | None,
    toolchain: str | None,
    ndk: Path | None,
    abi: str | None,
    tuned: Path | None,
) -> Request:
    read = with_options(load_suite(suite), algorithms, faces)
    return Request(
        suite=read.name,
        layers=read.layers if layers is None else select_layers(read.layers, layers),
        policy=load_policy(policy or read.policy or "default"),
        algorithms=read.algorithms,
        faces=read.faces,
        seed=secrets.randbits(48) if seed is None else seed,
        toolchain=toolchain or "auto",
        abi=abi,
        ndk=ndk,
        cpus=options.cpus_of(clusters),
        tuned=tuned,
    )


def _show(jobs: list[dict[str, Any]], seconds: dict[str, float], as_json: bool) -> ExitCode:
    """The jobs of a dry run, and how long they take at most by device."""
    if as_json:
        result_json({"jobs": jobs, "seconds": {name: round(s, 1) for name, s in seconds.items()}})
        return ExitCode.DONE
    for job in jobs:
        variants = ", ".join(job["variants"])
        result(f"{job['device']} CPUs {job['cluster']} launch {job['launch'] + 1} {job['layer']}: {variants}")
    for name, s in seconds.items():
        result(f"{name}: at most about {_duration(s)} of measuring, without waits for a cool device")
    return ExitCode.DONE


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _finish(done: runner.RunResult, as_json: bool) -> ExitCode:
    from harness.report.writer import ReportSummary, write_report  # noqa: PLC0415  slow to load, not while measuring

    began = time.monotonic()
    code = done.code
    summary: ReportSummary | None = None
    try:
        if done.touched or not (done.directory / "report.html").exists():
            summary = write_report(done.directory)
    except HarnessError as error:
        done.messages.append(str(error))
        code = code or error.exit_code
    phases = {**_bootstrap_seconds(), **done.seconds, "report": time.monotonic() - began}
    for message in done.messages:
        say(message)
    if done.something_is_missing:
        say(f"to go on: harness run --resume {shown_path(done.directory)}")
    if as_json:
        result_json(
            {
                "run": str(done.directory),
                "exit_code": int(code),
                "report": str(done.directory / "report.html"),
                "sentences": [] if summary is None else list(summary.sentences),
                "samples": {outcome.name: outcome.samples for outcome in done.outcomes},
                "messages": done.messages,
                "seconds": {phase: round(s, 2) for phase, s in phases.items()},
            }
        )
        return code
    for line in summary.answer if summary else ():
        result(line)
    result("phases: " + ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in phases.items()))
    result(f"report: {shown_path(done.directory / 'report.html')}")
    return code


def _bootstrap_seconds() -> dict[str, float]:
    """Seconds of download and installation, where `make run` has just done them."""
    file = os.environ.get("HARNESS_BOOTSTRAP", "")
    try:
        value = json.loads(Path(file).read_bytes()) if file else {}
        return {phase: float(value[f"{phase}_s"]) for phase in ("download", "install") if f"{phase}_s" in value}
    except (OSError, ValueError, TypeError):
        return {}
