"""What front end and hosts say to each other: values that are checked on both sides, never code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness import __version__
from harness.devices.base import Cluster, Identity, Topology
from harness.devices.base import Unusable as _Unusable
from harness.errors import InfrastructureError
from harness.measure.fitness import Read
from harness.measure.needs import Needs
from harness.model.worker import Worker
from harness.store.manifest import Manifest

VERSION = 1
DIGEST = r"^[0-9a-f]{64}$"
PHONE = r"^[0-9a-f]{16}$"  # PhoneId.digest
_DEVICE = r"^[a-z0-9-]{1,60}$"
M = TypeVar("M", bound=BaseModel)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Phone(_Value):
    """A phone that a host offers."""

    digest: str = Field(pattern=PHONE)
    identity: dict[str, Any]
    clusters: list[dict[str, Any]] = Field(max_length=4096)
    allowed: list[int] = Field(max_length=4096)
    offline: list[int] = Field(max_length=4096)
    notes: list[str] = Field(max_length=100)
    linkers: list[str] = Field(max_length=8)  # of its loaders of dynamic programs: linker, linker64

    @staticmethod
    def of(digest: str, identity: Identity, topology: Topology, linkers: Sequence[str]) -> Phone:
        """``identity`` and ``topology`` as its host has read them."""
        values = json.loads(json.dumps([identity.__dict__, [cluster.__dict__ for cluster in topology.clusters]]))
        return Phone(
            digest=digest,
            identity=values[0],
            clusters=values[1],
            allowed=list(topology.allowed),
            offline=list(topology.offline),
            notes=list(topology.notes),
            linkers=list(linkers),
        )

    def read_identity(self, host: str) -> Identity:
        """``host``: which lab host says so; two of them may have an adb server at one address."""
        value = dict(self.identity)
        value["abis"] = _items(value.get("abis", ()))
        value["host"] = f"{host} {value.get('host', '')}"
        return _made(Identity, value)

    def read_topology(self) -> Topology:
        """Its clusters."""
        clusters = [_made(Cluster, {**each, "cpus": _items(each.get("cpus", ()))}) for each in self.clusters]
        return Topology(tuple(clusters), tuple(self.allowed), tuple(self.notes), tuple(self.offline))


class Useless(_Value):
    """A phone that a host cannot use, and what to do about it."""

    serial: str
    state: str
    remedy: str
    conditions: list[str] = Field(min_length=1)
    host: str = ""
    model: str = ""

    def read(self, host: str) -> _Unusable:
        """``host``: which lab host says so."""
        where = f"{host} {self.host}"
        return _Unusable(self.serial, self.state, self.remedy, tuple(self.conditions), where, self.model)


class Offer(_Value):
    """What a host has, and how its phones are."""

    name: str = Field(max_length=80)
    harness: str
    phones: list[Phone]
    unusable: list[Useless]


class WorkerFile(_Value):
    """A file of a worker, by its path at the front end, and what it needs of a device."""

    path: str = Field(max_length=4096)
    needs: Needs


class WorkerFiles(_Value):
    """A worker's program, then its other files."""

    name: str = Field(max_length=40)
    files: list[WorkerFile] = Field(min_length=1, max_length=1000)


class WorkerQuestion(_Value):
    """Whether phones of a host can run workers."""

    phones: list[Annotated[str, Field(pattern=PHONE)]]
    workers: list[WorkerFiles] = Field(max_length=100)

    @staticmethod
    def of(phones: Sequence[str], files: Read) -> WorkerQuestion:
        """``files``: of harness.measure.fitness.read_workers."""
        workers = [
            WorkerFiles(name=w.name, files=[WorkerFile(path=str(path), needs=needs) for path, needs in its])
            for w, its in files
        ]
        return WorkerQuestion(phones=list(phones), workers=workers)

    def read(self) -> Read:
        """As it was read at the front end."""
        return [
            (
                Worker(name=w.name, program=Path(w.files[0].path), files=tuple(Path(f.path) for f in w.files[1:])),
                [(Path(f.path), f.needs) for f in w.files],
            )
            for w in self.workers
        ]


class Lack(_Value):
    """Why a phone cannot run a worker."""

    message: str = Field(max_length=10_000)
    remedy: str = Field(max_length=2000)


class Lacks(_Value):
    """By their digests, the phones that cannot."""

    phones: dict[str, Lack]


class Job(_Value):
    """One device's part of a run: all that a host needs, beside what is on record of the device so far.

    The manifest is the request; programs and other files in it are meant by their SHA-256.
    """

    version: Literal[1] = 1  # VERSION
    harness: str = __version__
    manifest: Manifest
    device: str = Field(pattern=_DEVICE)
    phone: str = Field(pattern=PHONE)
    abi: str = Field(max_length=40)
    wait_s: float = Field(ge=0, le=1e8)


class Answer(_Value):
    """What a device gave, beside its folder."""

    outcome: dict[str, Any]
    stopped: bool  # the host was told to end before all was measured
    folder: str  # of the run on the host, which messages may name


def read(kind: type[M], text: object, whose: str) -> M:
    """A value that somebody sent as JSON. Raises InfrastructureError where it is none of that kind."""
    try:
        if not isinstance(text, str | bytes):
            raise TypeError(f"it is a {type(text).__name__}")
        return kind.model_validate_json(text)
    except (ValidationError, TypeError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise InfrastructureError(
            f"{whose}: no {kind.__name__} of this harness ({what[:200]})",
            "have the same version of the harness on every host and here",
        ) from error


def _items(value: object) -> object:
    """A list of JSON as the tuple that it was."""
    return tuple(value) if isinstance(value, list | tuple) else value


D = TypeVar("D")
_TYPES: Mapping[str, type] = {"str": str, "int": int, "bool": bool, "tuple": tuple}


def _made(kind: type[D], value: Mapping[str, Any]) -> D:
    """A dataclass of strings, numbers and tuples, with each field of the type that it should have."""
    try:
        made = kind(**value)
        for name, default in kind.__annotations__.items():
            word, _, inner = str(default).partition("[")
            wanted, found = _TYPES[word], getattr(made, name)
            of_it = _TYPES.get(inner.partition(",")[0], object)
            if not isinstance(found, wanted) or (
                isinstance(found, tuple) and not all(isinstance(e, of_it) for e in found)
            ):
                raise TypeError(f"{name} is no {default}")
    except TypeError as error:
        raise InfrastructureError(f"a host tells of a phone what is not to be understood ({error})") from error
    return made
