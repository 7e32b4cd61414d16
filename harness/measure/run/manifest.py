"""manifest.json: what was asked, with what, on which host; enough to resume the run."""

from __future__ import annotations

import json
import platform
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness import __version__
from harness.devices.base import LOCAL, format_cpus
from harness.devices.local import own_cpus
from harness.devices.phone_id import PhoneId
from harness.digest import sha256_or_none
from harness.errors import UsageError
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run.kept_workers import comparators_of, kept, kept_comparators, workers_of
from harness.model.condition import allowed
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.sustained import BURST, SUSTAINED, Mode, mode_problem
from harness.paths import data_root, in_checkout
from harness.store.journal import utc_now
from harness.store.manifest import LeftOut, Manifest
from harness.store.rundir import RunDir
from harness.toolchain.git import GitFailed, git

_PACKAGES = ("adbutils", "cmake", "numpy", "pydantic", "scipy", "ziglang")


def new_run_id(suite: str, folder: str = "") -> str:
    """A name that no other run has, on any host: it names the run's folder on the devices.

    ``folder``: that of ./runs that was made for it, so that both are called the same.
    """
    name = folder or f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}-{suite}"
    return f"{name}-{secrets.token_hex(2)}"


def new(
    request: Request,
    names: list[str],
    programs: Programs,
    argv: list[str],
    tuned: dict[str, dict[str, str]],
    unusable: Sequence[LeftOut] = (),
    folder: str = "",
) -> Manifest:
    """The manifest of a run that begins now. ``tuned``: SHA-256 of tables by device and cluster.

    ``folder``: what the run is called after; empty where the user named one.
    """
    host = {
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": format_cpus(sorted(own_cpus())),
    }
    versions = {package: _version(package) for package in _PACKAGES}
    return Manifest(
        version=2,
        run=new_run_id(request.suite, folder),
        status="running",
        started=utc_now(),
        # A path may hold bytes that are no text.
        argv=["harness", *(argument.encode("utf-8", "replace").decode() for argument in argv[1:])],
        given=_given(request),
        suite={
            "name": request.suite,
            "mode": request.mode,
            "layers": [layer.model_dump(mode="json") for layer in request.layers],
        },
        policy=request.policy.model_dump(mode="json"),
        algorithms=list(request.algorithms),
        faces=list(request.faces),
        clusters=None if request.cpus is None else list(request.cpus),
        threads=list(request.threads),
        seed=request.seed,
        devices=names,
        unusable=list(unusable),
        abi=request.abi,
        ndk=None if request.ndk is None else str(request.ndk.resolve()),
        toolchain_asked=request.toolchain,
        toolchain={
            abi: {
                **built.info,
                "toolchain": built.toolchain,
                "build_id": built.build_id,
                "sha256": sha256_or_none(built.path),
            }
            for abi, built in programs.by_abi.items()
        },
        tuned=tuned,
        workers=kept(request.workers),
        comparators=kept_comparators(request.comparators),
        against=list(request.against),
        confirm=request.confirm,
        allow=list(request.allow),
        aa=request.aa,
        calibration=request.calibration,
        shard=request.shard,
        **{
            "git": _git(),
            "host": host,
            "versions": {"harness": __version__, "python": platform.python_version(), **versions},
        },
    )


def _version(package: str) -> str | None:
    """None where it is not installed: the host of a farm has no compilers."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _given(request: Request) -> dict[str, str]:
    """How the user named what a command to repeat it has to name; bytes of a path that are no text are replaced."""
    given = {"suite": request.suite_given, "policy": request.policy_given, "tuned": str(request.tuned or "")}
    return {what: name.encode("utf-8", "replace").decode() for what, name in given.items() if name}


def request_of(manifest: Manifest, ndk: Path | None) -> Request:
    """The request that a manifest tells of; ``ndk`` replaces its NDK. Raises UsageError where it is damaged."""
    try:
        return Request(
            suite=str(manifest.suite["name"]),
            mode=_mode(manifest.suite.get("mode", BURST)),
            layers=tuple(Layer.model_validate_json(json.dumps(layer)) for layer in manifest.suite["layers"]),
            policy=Policy.model_validate_json(json.dumps(manifest.policy)),
            algorithms=tuple(manifest.algorithms),
            seed=manifest.seed,
            faces=tuple(manifest.faces),
            toolchain=manifest.toolchain_asked,
            abi=manifest.abi,
            ndk=ndk or (None if manifest.ndk is None else Path(manifest.ndk)),
            cpus=None if manifest.clusters is None else tuple(manifest.clusters),
            threads=tuple(manifest.threads),
            workers=workers_of(manifest),
            comparators=comparators_of(manifest),
            against=tuple(manifest.against),
            confirm=manifest.confirm,
            allow=allowed(manifest.allow),
            aa=manifest.aa,
            calibration=manifest.calibration,
            shard=manifest.shard,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"manifest.json is damaged: {first['msg']}", "start a new run") from error
    except (KeyError, TypeError) as error:
        raise UsageError(f"manifest.json is damaged: {error}", "start a new run") from error


def _mode(value: object) -> Mode:
    if (wrong := mode_problem(value)) is not None:
        raise UsageError(f"manifest.json is damaged: {wrong[0]}", "start a new run")
    return SUSTAINED if value == SUSTAINED else BURST


def owners(run: RunDir) -> dict[str, PhoneId | None]:
    """Which device each folder of the run belongs to, by its device.json; None where it has none yet.

    Raises UsageError where one is damaged.
    """
    found: dict[str, PhoneId | None] = {}
    for name in run.manifest().devices:
        file = run.device(name).identity
        try:
            found[name] = PhoneId.read(file)
        except FileNotFoundError:
            found[name] = None
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{file}: it does not tell which device this is ({error})", "put it back, or start a new run"
            ) from error
    return found


def where_devices_are(run: RunDir, *, by_number: bool = False) -> list[str]:
    """Values of --device that cover the devices of a run: ``local``, ``all``, or both.

    ``by_number``: its phones by their serial numbers, for a farm of which not all that are free are meant.
    """
    names = run.manifest().devices
    here = [LOCAL] * (LOCAL in names)
    if by_number:
        return here + [
            phone.serialno or phone.address for name, phone in owners(run).items() if phone and name != LOCAL
        ]
    return here + ["all"] * any(name != LOCAL for name in names)


def _git() -> dict[str, Any] | None:
    """Commit of the checkout that runs, and whether it is changed, None where git does not tell that.

    None for an installed tool, or without git.
    """
    if not in_checkout():
        return None
    try:
        commit = git(data_root(), "rev-parse", "HEAD").decode().strip()
    except GitFailed:
        return None
    try:
        return {"commit": commit, "dirty": bool(git(data_root(), "status", "--porcelain", "--untracked-files=no"))}
    except GitFailed:
        return {"commit": commit, "dirty": None}
