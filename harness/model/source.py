"""YAML files as plain values that remember their lines, so that every error names file, line and key.

Scalars follow YAML 1.2: ``yes`` and ``012`` are text; ``true``, ``12``, ``0x1f``, ``1e6`` and ``-.inf`` are values.
Aliases, tags and merge keys are refused, so a small file cannot expand into a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import UsageError
from harness.model.wording import Key, key_path, kind, printable, shown, suggestion

MAX_BYTES = 1 << 20
MAX_DEPTH = 16

Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2, without aliases, and with bounded nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (overrides a class attribute)
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        peek: Any = self.peek_event
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=peek().start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = peek().start_mark
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(?:(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
        [*"-+.0123456789"],
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first)


@dataclass(frozen=True)
class Source:
    """One YAML file: its top-level mapping and the line of every key and value in it."""

    path: Path
    values: dict[str, Any]
    lines: Mapping[tuple[Key, ...], int] = field(repr=False)

    def line(self, place: Iterable[Key]) -> int:
        """The 1-based line of a key or list entry; of the nearest thing around it where it is absent."""
        keys = tuple(place)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def error(self, place: Iterable[Key], problem: str, remedy: str = "") -> UsageError:
        """A UsageError that names file, line and key."""
        keys = tuple(place)
        where = f"{printable(self.path)}:{self.line(keys)}: "
        return UsageError(where + (f"{key_path(keys)}: {problem}" if keys else problem), remedy)


def load(path: Path) -> Source:
    """Reads a YAML file whose top level is a mapping.

    Raises UsageError for a file that cannot be read, is over 1 MB, is not UTF-8 or YAML, uses aliases or tags, or
    gives a key twice.
    """
    text = _read(path)
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise UsageError(
            f"{printable(path)}:{line}: not valid YAML: {shown(problem, quote=False)}", "Correct that line."
        ) from error
    except yaml.YAMLError as error:  # a character that YAML forbids
        problem = str(getattr(error, "reason", "")) or "special characters are not allowed"
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        raise UsageError(f"{printable(path)}:{line}: not valid YAML: {problem}", "Remove that character.") from error
    if root is None:
        raise UsageError(
            f"{printable(path)}:1: the file is empty", "See the shipped files under configs/ for the keys it needs."
        )
    lines: dict[tuple[Key, ...], int] = {}
    value = _value(root, (), path, lines)
    if not isinstance(value, dict):
        raise UsageError(
            f"{printable(path)}:{lines[()]}: the top level is {kind(value)}, not a mapping", "Write `key: value` lines."
        )
    return Source(path, value, lines)


def validate(
    model: type[Model], source: Source, place: tuple[Key, ...] = (), extra: Mapping[str, Any] | None = None
) -> Model:
    """The source's values as ``model``. Raises UsageError for the first thing wrong, with its line."""
    try:
        return model.model_validate({**source.values, **(extra or {})})
    except ValidationError as error:
        # Unknown keys first: a misspelt key also shows as a missing one, and the former names the line to correct.
        details = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
        raise _told(details[0], source, place, model) from error


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise UsageError(f"{printable(path)}: is a folder, not a YAML file", "Name a file in it.")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(
            f"{printable(path)}: cannot be read: {reason}", "Check the path and its permissions."
        ) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{printable(path)}: larger than {MAX_BYTES} bytes", "Split it into several files.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{printable(path)}:{line}: not UTF-8 text", "Save the file as UTF-8.") from error


def _value(node: yaml.Node, place: tuple[Key, ...], path: Path, lines: dict[tuple[Key, ...], int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(place, line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, path, lines)
    if isinstance(node, yaml.SequenceNode):
        _plain(node, "seq", path)
        return [_value(child, (*place, index), path, lines) for index, child in enumerate(node.value)]
    return _scalar(node, path)


def _mapping(
    node: yaml.MappingNode, place: tuple[Key, ...], path: Path, lines: dict[tuple[Key, ...], int]
) -> dict[str, Any]:
    _plain(node, "map", path)
    result: dict[str, Any] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        key = _scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise UsageError(
                f"{printable(path)}:{line}: a key must be a word", "Put quotes around it if it is meant as one."
            )
        here = (*place, key)
        if key in result:
            raise UsageError(
                f"{printable(path)}:{line}: {key_path(here)}: duplicate key, first given in line {lines[here]}",
                "Remove one of the two.",
            )
        lines[here] = line
        result[key] = _value(child, here, path, lines)
    return result


def _scalar(node: yaml.Node, path: Path) -> str | int | float | bool | None:
    tag = node.tag.removeprefix("tag:yaml.org,2002:")
    text: str = node.value
    if tag == "str":
        return text
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    try:
        if tag == "int":
            return int(text, 16) if text.lower().startswith("0x") else int(text)
        if tag == "float":
            return float(re.sub(r"\.(?=[iInN])", "", text))
    except ValueError as error:  # an integer of thousands of digits, or a forced tag
        raise UsageError(
            f"{printable(path)}:{node.start_mark.line + 1}: not a number: {shown(text)}", "Correct the number."
        ) from error
    raise UsageError(
        f"{printable(path)}:{node.start_mark.line + 1}: the tag {shown(node.tag)} is not allowed", "Remove the tag."
    )


def _plain(node: yaml.Node, tag: str, path: Path) -> None:
    if node.tag != f"tag:yaml.org,2002:{tag}":
        raise UsageError(
            f"{printable(path)}:{node.start_mark.line + 1}: the tag {shown(node.tag)} is not allowed", "Remove the tag."
        )


def _told(detail: ErrorDetails, source: Source, place: tuple[Key, ...], model: type[BaseModel]) -> UsageError:
    keys = (*place, *detail["loc"])
    context = detail.get("ctx", {})
    if "keys" in context:
        keys = (*keys, *context["keys"])
    kind_of_error = detail["type"]
    if kind_of_error == "extra_forbidden":
        known = _fields_at(model, detail["loc"][:-1])
        return source.error(keys, "unknown key", suggestion(str(keys[-1]), known))
    if kind_of_error == "missing":
        return source.error(keys[:-1], f"the key '{keys[-1]}' is missing", f"Add `{keys[-1]}: ...`.")
    if "remedy" in context:
        return source.error(keys, detail["msg"], context["remedy"])
    wanted = _WANTED.get(kind_of_error)
    if wanted:
        return source.error(keys, f"{kind(detail['input'])}, where {wanted} is needed", f"Write {wanted}.")
    message = detail["msg"].removeprefix("Input ").removeprefix("should ")
    return source.error(keys, f"{shown(detail['input'])} must {message}", "Correct the value.")


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _fields_at(model: type[BaseModel], place: tuple[Key, ...]) -> list[str]:
    """The keys that the model behind ``place`` knows."""
    current: type[BaseModel] = model
    for key in place:
        if isinstance(key, str) and key in current.model_fields:
            found = _model_in(current.model_fields[key].annotation)
            current = found or current
    return [*current.model_fields, *getattr(current, "EXTRA_KEYS", ())]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found:
            return found
    return None
