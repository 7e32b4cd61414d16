"""The records' types: no number that cannot be."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.store import records, system_records

pytestmark = pytest.mark.unit

MODELS = [
    value
    for module in (records, system_records)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
]
FREE = {"Check.error_over_bound", "Check.max_error"}  # from above: a wrong output may be any number


def numbers(annotation: Any, metadata: list[Any]) -> list[list[Any]]:
    """The constraints of each number that a field of this type may hold."""
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
    if annotation in (int, float):
        return [[part for each in metadata for part in (each.metadata if isinstance(each, FieldInfo) else [each])]]
    if get_origin(annotation) in (Union, UnionType, dict, tuple):
        inner = (each for each in get_args(annotation) if each not in (NoneType, Ellipsis))
        return [found for each in inner for found in numbers(each, [])]
    return []


def test_every_number_has_bounds() -> None:
    seen = 0
    for model in MODELS:
        for name, field in model.model_fields.items():
            for constraints in numbers(field.annotation, field.metadata):
                seen += 1
                kinds = {type(constraint) for constraint in constraints}
                wanted = {Ge} if f"{model.__name__}.{name}" in FREE else {Ge, Le}
                assert wanted <= kinds, f"{model.__name__}.{name}"
    assert seen > 70


@pytest.mark.parametrize(("name", "value"), [("waited_s", -1), ("waited_s", 1e300), ("from", 1e300), ("launch", -1)])
def test_a_record_with_a_number_that_cannot_be_is_none(name: str, value: float) -> None:
    gate = {"type": "gate", "seq": 3, "launch": 0, "status": "passed", "from": 31.5, "waited_s": 2.0}
    records.parse_record(json.dumps(gate))
    with pytest.raises(ValidationError, match=name):
        records.parse_record(json.dumps({**gate, name: value}))
