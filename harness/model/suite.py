"""A suite: the layers, algorithms and faces to measure, and the policy to measure them with."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from harness.errors import UsageError
from harness.model import catalog
from harness.model.layer import Layer, check_name, problem
from harness.model.policy import list_policies, policy_path
from harness.model.source import Source, load, validate
from harness.model.sustained import BURST, Mode, mode_problem
from harness.model.variant import (
    ALGORITHMS,
    AUTO,
    BEST,
    CHOSEN,
    PUBLISHED,
    WITH_ORDERS,
    WITH_SCHEDULES,
    Face,
    parse_asked,
)
from harness.model.wording import kind, shown, suggestion
from harness.model.worker import Worker, beside, parse_workers

_AT_BEST = tuple(f"{name}/{CHOSEN}" for name in WITH_SCHEDULES)
_KNOWN_ALGORITHMS = (*ALGORITHMS, *_AT_BEST, *(f"{name}/default+pixels" for name in WITH_ORDERS))  # in hints
DEFAULT_ALGORITHMS: tuple[str, ...] = ("im2col", "indirect", "direct")
FACES: tuple[str, ...] = get_args(Face)
DEFAULT_FACES: tuple[str, ...] = (PUBLISHED,)


class Suite(BaseModel):
    """What to measure. ``policy`` is the name or path of a policy, None where the suite names none."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    mode: Mode = BURST
    policy: str | None = None
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    faces: tuple[str, ...] = DEFAULT_FACES
    workers: tuple[Worker, ...] = ()
    layers: tuple[Layer, ...]

    @field_validator("algorithms", "faces", "workers", "layers", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class _SuiteFile(BaseModel):
    """The keys of a suite's YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    suite: str
    mode: Mode = BURST
    policy: str | None = None
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    faces: tuple[str, ...] = DEFAULT_FACES
    workers: tuple[Worker, ...] = ()
    layers: tuple[Layer, ...]

    @field_validator("suite")
    @classmethod
    def _named(cls, value: str) -> str:
        return check_name(value)

    @field_validator("mode", mode="before")
    @classmethod
    def _known_mode(cls, value: object) -> object:
        if (wrong := mode_problem(value)) is not None:
            raise problem(*wrong)
        return value

    @field_validator("algorithms", mode="before")
    @classmethod
    def _known_algorithms(cls, value: object) -> tuple[object, ...]:
        return _names(value, "algorithm", _KNOWN_ALGORITHMS, DEFAULT_ALGORITHMS, _is_algorithm)

    @field_validator("faces", mode="before")
    @classmethod
    def _known_faces(cls, value: object) -> tuple[object, ...]:
        return _names(value, "face", FACES, DEFAULT_FACES)

    @field_validator("workers", mode="before")
    @classmethod
    def _listed_workers(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("layers", mode="before")
    @classmethod
    def _some_layers(cls, value: object) -> object:
        if isinstance(value, list) and not value:
            raise problem("the list is empty", "Add at least one layer: - {name: ..., h: ..., w: ..., ...}.")
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _policy_name(self) -> _SuiteFile:
        if self.policy is not None and not catalog.is_path(self.policy) and self.policy not in list_policies():
            raise problem(f"unknown policy {shown(self.policy)}", suggestion(self.policy, list_policies()), "policy")
        return self


def _is_algorithm(name: str) -> bool:
    return parse_asked(name) is not None


def _names(
    value: object,
    what: str,
    known: Sequence[str],
    default: Sequence[str],
    is_known: Callable[[str], bool] | None = None,  # where ``known`` names some of them only
) -> tuple[object, ...]:
    """A list of known names, each once; raises what pydantic turns into a message with the key."""
    if not isinstance(value, list | tuple):
        raise problem(f"{kind(value)}, where a list is needed", f"Write [{', '.join(default)}].")
    for index, name in enumerate(value):
        if not isinstance(name, str):
            raise problem(f"{kind(name)}, where a text is needed", suggestion("", known), index)
        if not (is_known(name) if is_known else name in known):
            raise problem(f"unknown {what} {shown(name)}", suggestion(name, known), index)
        if name in value[:index]:
            raise problem(f"{shown(name)} is given twice", "Remove one of the two.", index)
    if not value:
        raise problem("the list is empty", f"Write [{', '.join(default)}], or leave the key out.")
    return tuple(value)


def load_suite(name_or_path: str) -> Suite:
    """A shipped suite by name, or one from a YAML file. Raises UsageError with file, line and key."""
    source = load(catalog.find("suites", "suite", name_or_path))
    _unique_names(source, "layers", "layer")
    _unique_names(source, "workers", "worker")
    read = validate(_SuiteFile, source)
    policy = None if read.policy is None else policy_path(read.policy, source.path)
    return Suite(
        name=read.suite,
        mode=read.mode,
        policy=policy,
        algorithms=read.algorithms,
        faces=read.faces,
        workers=_found(read.workers, source),
        layers=read.layers,
    )


def _found(workers: Sequence[Worker], source: Source) -> tuple[Worker, ...]:
    """The workers with their paths from the suite's own folder. Raises UsageError where a file is not there."""
    found = tuple(beside(worker, source.path.parent) for worker in workers)
    for index, worker in enumerate(found):
        if (absent := worker.absent()) is not None:
            raise source.error(("workers", index, *absent[0]), absent[1], "Correct the path, as it is from the suite.")
    return found


def list_suites() -> list[str]:
    """Names of the shipped suites."""
    return catalog.names("suites")


def parse_algorithms(text: str) -> tuple[str, ...]:
    """The value of ``--algorithms A,B``. Raises UsageError for an unknown, empty or repeated name."""
    return _parsed(text, "--algorithms", "algorithm", _KNOWN_ALGORITHMS, _is_algorithm)


def parse_faces(text: str) -> tuple[str, ...]:
    """The value of ``--faces A,B``. Raises UsageError for an unknown, empty or repeated name."""
    return _parsed(text, "--faces", "face", FACES)


def with_options(suite: Suite, algorithms: str | None, faces: str | None, workers: Iterable[str] = ()) -> Suite:
    """The suite with the values of ``--algorithms`` and ``--faces`` in place of its own; None: not given.

    ``--faces`` alone also decides over single schedules among the suite's algorithms; ``--worker`` adds workers to the
    suite's. Raises UsageError.
    """
    suite = suite.model_copy(update={"workers": parse_workers(workers, suite.workers)})
    named = suite.algorithms if algorithms is None else parse_algorithms(algorithms)
    if faces is None:
        return suite.model_copy(update={"algorithms": named})
    if algorithms is None:
        plain = (asked for name in named if (asked := parse_asked(name)) is not None and asked.is_default)
        named = tuple(asked.name for asked in plain) or DEFAULT_ALGORITHMS
    return suite.model_copy(update={"algorithms": named, "faces": parse_faces(faces)})


def with_auto(suite: Suite) -> Suite:
    """The suite with ``auto`` among what is measured, which tuned tables are for."""
    if AUTO in suite.algorithms or BEST in suite.faces:
        return suite
    return suite.model_copy(update={"algorithms": (*suite.algorithms, AUTO)})


def _parsed(
    text: str, option: str, what: str, known: Sequence[str], is_known: Callable[[str], bool] | None = None
) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for index, name in enumerate(names):
        if not (is_known(name) if is_known else name in known):
            raise UsageError(f"{option}: unknown {what} {shown(name)}", suggestion(name, known))
        if name in names[:index]:
            raise UsageError(f"{option}: {shown(name)} is given twice", "Remove one of the two.")
    return names


def select_layers(layers: Sequence[Layer], glob: str) -> tuple[Layer, ...]:
    """The layers whose name matches the value of ``--layers``. Raises UsageError where none does."""
    found = tuple(layer for layer in layers if fnmatch.fnmatchcase(layer.name, glob))
    if not found:
        raise UsageError(
            f"--layers: no layer matches {shown(glob)}", suggestion(glob, (layer.name for layer in layers))
        )
    return found


def _unique_names(source: Source, key: str, noun: str) -> None:
    """Duplicate names in a list are told with both lines, before anything that follows from them."""
    items = source.values.get(key)
    first: dict[str, int] = {}
    for index, item in enumerate(items if isinstance(items, list) else ()):
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and name in first:
            line = source.line((key, first[name], "name"))
            place = (key, index, "name")
            raise source.error(
                place, f"duplicate {noun} name {shown(name)}, first in line {line}", "Give one another name."
            )
        if isinstance(name, str):
            first[name] = index
