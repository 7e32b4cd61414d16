"""The evidence of a sample: what the C program tells (evidence.inc.h of native/bench) is what the record has."""

from __future__ import annotations

import re
from typing import get_args, get_type_hints

import pytest

from harness.model.counters import WORDS, CounterError
from harness.paths import data_root
from harness.store.records import Addresses, Sample

pytestmark = pytest.mark.unit

# What a sample is about and who took it; all the rest is evidence.
IDENTITY = (
    *("layer", "variant", "asked", "algorithm", "method", "kernel", "schedule"),
    *("face", "element", "layout", "threads", "build", "cache"),
)
PLACE = ("type", "seq", "launch", "round", "position", "pid", "addresses")

# Kinds of the C side, and what a value of them may be in the schema.
KINDS = {
    **dict.fromkeys(("u64", "count", "i64"), "int"),
    **{"f64": "float", "f64_or_null": "float | None", "f64_if_told": "float | None", "bool": "bool"},
    **{"f64_if_turned": "float | None", "i64_if_counted": "int | None", "f64_if_counted": "float | None"},
}


def listed() -> str:
    return (data_root() / "native/bench/wire/evidence.inc.h").read_text()


def test_the_fields_are_the_record_s() -> None:
    names = re.findall(r"^EVIDENCE\((\w+), \w+\)", listed(), re.MULTILINE)
    assert names == [name for name in Sample.model_fields if name not in (*IDENTITY, *PLACE)]


def test_the_addresses_are_the_record_s() -> None:
    names = re.findall(r"^EVIDENCE_ADDRESS\((\w+)\)", listed(), re.MULTILINE)
    assert names == list(Addresses.model_fields)


def test_the_kinds_are_the_record_s() -> None:
    kinds = dict(re.findall(r"^EVIDENCE\((\w+), (\w+)\)", listed(), re.MULTILINE))
    assert set(kinds.values()) <= KINDS.keys()
    hints = get_type_hints(Sample)  # without the numbers' bounds
    for name, kind in kinds.items():
        has = [each.__name__ for each in get_args(hints[name]) or (hints[name],)]
        assert " | ".join(has).replace("NoneType", "None") in (KINDS[kind], f"{KINDS[kind]} | None"), name


def test_the_errors_of_counters_are_numbered_alike() -> None:
    text = (data_root() / "native/bench/wire/counter_errors.inc.h").read_text()
    told = re.findall(r'^COUNTER_ERROR\((\w+), "(\w*)"\)', text, re.MULTILINE)
    assert told == [(error.name, error.word) for error in CounterError]
    assert set(WORDS) == set(CounterError) - {CounterError.OK}
