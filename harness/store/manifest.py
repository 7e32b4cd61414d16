"""manifest.json of a run directory, as a typed value, and its versions."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.model.other_build import OtherBuild
from harness.model.shard import Shard
from harness.paths import shown_path

VERSION = 2
_READ_BY = {1: "harness 0.1"}  # older versions


class KeptWorker(BaseModel):
    """A worker of somebody else, with the SHA-256 of its program and files by their names."""

    model_config = ConfigDict(frozen=True)

    name: str
    program: str
    files: list[str]
    sha256: dict[str, str]


class KeptCompared(KeptWorker):
    """A comparator on devices of one ABI; ``lack``: why it is not there, and has no program then."""

    home: str
    lack: str = ""


class KeptComparator(BaseModel):
    """A comparator, by ABI."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    licence: str
    by_abi: dict[str, KeptCompared]


class LeftOut(BaseModel):
    """A device that was meant and is not measured."""

    model_config = ConfigDict(frozen=True)

    name: str  # like a device's folder; no serial number
    conditions: list[str]  # their names
    state: str  # in words
    remedy: str


class KeptScheduler(BaseModel):
    """How the hosts of a lab are reached (harness.hosts)."""

    model_config = ConfigDict(frozen=True)

    address: str = Field(pattern=r"^(tcp|tls)://[A-Za-z0-9._:\[\]-]{1,260}$")
    certificates: str | None = None  # the folder of --certificates

    @property
    def host(self) -> str:
        """Of its address."""
        return self.address.partition("://")[2].rpartition(":")[0].strip("[]")

    @staticmethod
    def of(value: object) -> KeptScheduler | None:
        """From a manifest's JSON; None where it says nothing of one."""
        try:
            return None if value is None else KeptScheduler.model_validate(value)
        except ValidationError:
            return None


class Manifest(BaseModel):
    """What was asked, with what, on which host, and how it ended; enough to resume the run."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    version: Literal[2] = Field(alias="schema")
    run: str = Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")  # names the run's folder on the devices
    status: Literal["running", "done", "interrupted", "failed"]
    started: str
    finished: str | None = None
    exit_code: int | None = None
    argv: list[str]
    given: dict[str, str] = {}  # suite, policy and tuned as the user named them: a name, or a path
    suite: dict[str, Any]  # name, mode, layers
    policy: dict[str, Any]
    algorithms: list[str]
    faces: list[str] = ["published"]
    clusters: list[int] | None
    threads: list[int] = [1]
    seed: int
    devices: list[str]
    unusable: list[LeftOut] = []  # beside them
    portable: list[str] = []  # those of them in whose place any other phone of the model would have done
    scheduler: KeptScheduler | None = None  # whose hosts measured last; None: this one
    abi: str | None
    ndk: str | None = None
    toolchain_asked: str
    toolchain: dict[str, dict[str, Any]]  # by ABI
    tuned: dict[str, dict[str, str]] = {}  # SHA-256 of the table by device and cluster
    workers: list[KeptWorker] = []
    comparators: list[KeptComparator] = []
    against: list[OtherBuild] = []  # other builds of the library, in the same rounds
    confirm: bool = False  # what is slower is measured again before it is said to be
    allow: list[str] = []  # conditions that did not stop it
    aa: bool = False  # an A/A pair was asked for
    calibration: bool = False  # of harness calibrate: what it finds is kept, also by --resume
    shard: Shard | None = None  # None: the run is whole
    seconds: dict[str, float] = {}  # by phase

    @staticmethod
    def reader_of(value: object) -> str | None:
        """Which version of the tool reads a manifest's JSON; None where this one does, and where it is damaged."""
        version = value.get("schema") if isinstance(value, dict) else None
        if type(version) is not int or version == VERSION:
            return None
        return _READ_BY.get(version, "a newer harness" if version > VERSION else "no harness")

    def build_id(self, abi: str) -> str | None:
        """The build id of the program that measured, by ABI."""
        value = self.toolchain.get(abi, {}).get("build_id")
        return None if value is None else str(value)


def resume_command(path: Path, scheduler: KeptScheduler | None) -> str:
    """What goes on with a run. ``path``: its folder; ``scheduler``: of the hosts that measured it."""
    argv = ["harness", "run", "--resume", shown_path(path)]
    if scheduler is not None:
        argv += ["--scheduler", scheduler.address]
        if scheduler.certificates is not None:
            argv += ["--certificates", shown_path(Path(scheduler.certificates))]
    return shlex.join(argv)
