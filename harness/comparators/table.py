"""The libraries to compare with: configs/comparators/, one file each. Packages are named by version and SHA-256."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.errors import UsageError
from harness.model import source
from harness.model.abi import PHONE_ABIS
from harness.model.wording import shown, suggestion
from harness.model.worker import NAME
from harness.paths import data_root
from harness.toolchain.toolchain import HOST

ABIS = (HOST, *PHONE_ABIS)
LOADERS = {"aarch64": "ld-linux-aarch64.so.1", "x86_64": "ld-linux-x86-64.so.2"}  # of glibc, by machine
_MACHINES = {"arm64-v8a": "aarch64", "x86_64": "x86_64"}  # of phones whose glibc programs can be had
_DEBIAN = {"aarch64": "arm64", "x86_64": "amd64"}
_PLACES = ("include", "lib", "licences")  # where files of a package go
Machine = Literal["aarch64", "x86_64"]


class Package(BaseModel):
    """One file of a registry. ``take``: what of it is unpacked, by the place that it gets; folders end in ``/``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    apt: str = Field(default="", pattern=r"^[a-z0-9.+-]*$")
    pip: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9.+~:-]+$")
    suite: str = Field(default="", pattern=r"^[a-z-]*$")  # of Debian
    architecture: str = ""  # where it is one for all machines
    python: str = ""  # of a wheel
    platform: str = ""
    sha256: dict[Machine, str]
    take: dict[str, str]

    @model_validator(mode="after")
    def _of_one_kind(self) -> Package:
        if bool(self.apt) == bool(self.pip) or bool(self.apt) != bool(self.suite):
            raise ValueError("a package is one of apt with its suite, or of pip")
        return self

    @field_validator("sha256")
    @classmethod
    def _hex(cls, value: dict[Machine, str]) -> dict[Machine, str]:
        if any(len(each) != 64 or set(each) - set("0123456789abcdef") for each in value.values()):
            raise ValueError("a SHA-256 is 64 hex digits")
        return value

    @field_validator("take")
    @classmethod
    def _inside(cls, value: dict[str, str]) -> dict[str, str]:
        for place, path in value.items():
            for each in (place, path):
                if each.startswith("/") or ".." in PurePosixPath(each).parts:
                    raise ValueError(f"{each} leads out of its folder")
            if place.partition("/")[0] not in _PLACES or place.endswith("/") != path.endswith("/"):
                raise ValueError(f"{place}: not a file or folder in {', '.join(_PLACES)}")
        return value

    @property
    def name(self) -> str:
        """As its registry has it."""
        return self.apt or self.pip

    def debian(self, machine: Machine) -> str:
        """The architecture as Debian calls it."""
        return self.architecture or _DEBIAN[machine]

    def taken(self, machine: Machine) -> dict[str, str]:
        """``take`` for a machine."""
        words = {"machine": machine, "loader": LOADERS[machine]}
        return {place.format(**words): path.format(**words) for place, path in self.take.items()}


class Library(BaseModel):
    """A library: its packages, how a worker is built with it, and the names that its rows may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    library: str
    title: str
    version: str
    licence: str
    counts: str  # what of its memory is told, and by what
    names: dict[str, str]  # of comparators, with what each computes by
    sources: tuple[str, ...] = ()  # below native/workers
    language: Literal["c", "c++", "python"] = "c"
    links: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # archives that a build directory of the user's may have
    pushed_bytes: dict[Machine, int] = {}  # about: program and files
    packages: tuple[Package, ...] = ()
    wheels: tuple[str, ...] = ()  # of Python: names in requirements/peers.txt
    adapters: dict[str, str] = {}  # of Python: by name, what native/workers/adapters calls it

    @field_validator("names")
    @classmethod
    def _usable(cls, value: dict[str, str]) -> dict[str, str]:
        if not value or not all(NAME.match(name) for name in value):
            raise ValueError("names are those of workers, one at least")
        return value

    @field_validator("sources", "links", "own", "packages", "wheels", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _whole(self) -> Library:
        if self.language == "python":
            if not self.wheels or self.adapters.keys() != self.names.keys():
                raise ValueError("a library of Python has wheels, and an adapter for each name")
        elif not (self.sources and self.packages and self.pushed_bytes):
            raise ValueError("a library of C or C++ has sources, packages and pushed_bytes")
        elif any(self.pushed_bytes.keys() - package.sha256.keys() for package in self.packages):
            raise ValueError("each package has a SHA-256 for each machine of pushed_bytes")
        return self

    @property
    def is_python(self) -> bool:
        """Whether it is called from Python, in an environment of its own."""
        return self.language == "python"

    @property
    def is_static(self) -> bool:
        """Whether its program needs nothing of a device; else it brings glibc along."""
        return self.language == "c++"

    def machine(self, abi: str) -> Machine | None:
        """Whose packages serve an ABI; None: there are none."""
        found = platform.machine() if abi == HOST else _MACHINES.get(abi, "")
        if self.is_python:
            return "x86_64" if abi == HOST and found == "x86_64" else None
        return next((each for each in self.pushed_bytes if each == found), None)

    @property
    def abis(self) -> tuple[str, ...]:
        """Those that it can be had for, from here."""
        return tuple(abi for abi in ABIS if self.machine(abi) is not None)


@dataclass(frozen=True)
class Named:
    """A comparator: a name and the library that it is of."""

    name: str
    library: Library


@cache
def libraries() -> tuple[Library, ...]:
    """All of them. Raises UsageError where a file is damaged."""
    files = sorted((data_root() / "configs" / "comparators").glob("*.yaml"))
    return tuple(source.validate(Library, source.load(file)) for file in files)


def every() -> Iterator[Named]:
    """All comparators, those of a library together."""
    for library in libraries():
        yield from (Named(name, library) for name in library.names)


def named(name: str, what: str) -> Named:
    """One of them. Raises UsageError with what ``what`` names."""
    known = {each.name: each for each in every()}
    if name not in known:
        raise UsageError(
            f"{what}: no comparator {shown(name)}", f"{suggestion(name, list(known))} See: harness comparators list"
        )
    return known[name]


def libraries_of(names: Sequence[str], what: str) -> tuple[Library, ...]:
    """The libraries of comparators, or of libraries so named; each once. Raises UsageError."""
    known = {library.library: library for library in libraries()}
    found = [known[name] if name in known else named(name, what).library for name in names]
    return tuple({library.library: library for library in found}.values())
