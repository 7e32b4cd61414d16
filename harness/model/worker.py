"""A worker of somebody else: a program that speaks convbench's protocol, and the files that it needs beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from harness.errors import UsageError
from harness.model.layer import problem
from harness.model.variant import ALGORITHMS, BEST, PUBLISHED
from harness.model.wording import kind, printable, shown

NAME = re.compile(r"[A-Za-z0-9_.-]{1,31}\Z")
OURS = (*ALGORITHMS, PUBLISHED, BEST)  # names that stand for something in tables already
_FORM = "NAME=PROGRAM[,FILE...]"


class Worker(BaseModel):
    """``name``: of its rows. ``program`` and ``files`` lie side by side on a device, under their own names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    program: Path
    files: tuple[Path, ...] = ()

    @field_validator("name", mode="before")
    @classmethod
    def _usable_name(cls, value: object) -> object:
        if isinstance(value, str) and (fault := fault_of_name(value)):
            raise problem(*fault)
        return value

    @field_validator("program", mode="before")
    @classmethod
    def _named_program(cls, value: object) -> object:
        return _path(value)

    @field_validator("files", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise problem(f"{kind(value)}, where a list is needed", "Write [FILE, ...].")
        return tuple(_path(item, index) for index, item in enumerate(value))

    @model_validator(mode="after")
    def _names_apart(self) -> Worker:
        names = [path.name for path in self.every]
        for index, path in enumerate(self.files):
            if names.index(path.name) <= index:
                raise problem(
                    f"two files are called {shown(path.name)}, and both would lie in one folder",
                    "Rename one of them.",
                    "files",
                    index,
                )
        return self

    @property
    def folder(self) -> str:
        """What its folder on a device is called after."""
        return self.name

    @property
    def absence(self) -> str:
        """Why it is not there; empty: it is."""
        return ""

    @property
    def every(self) -> tuple[Path, ...]:
        """The program, then its files."""
        return (self.program, *self.files)

    def absent(self) -> tuple[tuple[str | int, ...], str] | None:
        """The first file that is not there or no file: its key and what is wrong; None where all are there."""
        places: Iterable[tuple[str | int, ...]] = (("program",), *(("files", n) for n in range(len(self.files))))
        for place, path in zip(places, self.every, strict=True):
            if what := _fault_of_file(path):
                return place, f"{printable(path)}: {what}"
        return None


def fault_of_name(name: str) -> tuple[str, str] | None:
    """What is wrong with a worker's name, and the remedy."""
    if not NAME.match(name):
        return f"{shown(name)} is not a valid name of a worker", "Use 1 to 31 letters, digits, '_', '.' and '-'."
    if name in OURS:
        return f"{shown(name)} is a name of this tool's own", f"Choose another one than {', '.join(OURS)}."
    return None


def parse_worker(text: str) -> Worker:
    """A value of ``--worker``, paths as they are from here. Raises UsageError."""
    name, equals, rest = text.partition("=")
    program, *files = rest.split(",")
    if not equals or not program or not all(files):
        raise UsageError(f"--worker {shown(text)}: not of the form {_FORM}", f"Write --worker {_FORM}.")
    if fault := fault_of_name(name):
        raise UsageError(f"--worker: {fault[0]}", fault[1])
    try:
        worker = beside(Worker(name=name, program=Path(program), files=tuple(map(Path, files))), Path())
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise UsageError(f"--worker {name}: {detail['msg']}", detail.get("ctx", {}).get("remedy", "")) from error
    if (missing := worker.absent()) is not None:
        raise UsageError(f"--worker {name}: {missing[1]}", "Correct the path.")
    return worker


def parse_workers(texts: Iterable[str], known: Iterable[Worker] = ()) -> tuple[Worker, ...]:
    """The values of ``--worker``, and before them the suite's, of which one of the same name is replaced.

    Raises UsageError.
    """
    given: dict[str, Worker] = {}
    for text in texts:
        worker = parse_worker(text)
        if worker.name in given:
            raise UsageError(f"--worker: {shown(worker.name)} is given twice", "Give one another name.")
        given[worker.name] = worker
    return tuple(({worker.name: worker for worker in known} | given).values())


def beside(worker: Worker, folder: Path) -> Worker:
    """The worker with its paths taken from that folder."""
    places = {"program": folder / worker.program.expanduser()}
    return worker.model_copy(update={**places, "files": tuple(folder / file.expanduser() for file in worker.files)})


def _path(value: object, *place: int) -> Any:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise problem(f"{kind(value)}, where a path is needed", "Write a path.", *place)
    if not value or "\0" in value:
        raise problem(f"{shown(value)} is no path", "Write a path.", *place)
    return Path(value)


def _fault_of_file(path: Path) -> str:
    try:
        if path.is_dir():
            return "is a folder, not a file"
        if not path.exists():
            return "there is no such file"
        if not path.is_file():
            return "is no file"
        with path.open("rb"):
            return "" if str(path.absolute()).isprintable() else "its path holds characters that cannot be shown"
    except (OSError, ValueError) as error:
        return f"cannot be read: {(isinstance(error, OSError) and error.strerror) or error}"
