"""What a plan may ask for, by its name."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.variant import ALGORITHMS, AUTO, BEST, PUBLISHED, Asked, Variant, copied, copy_name, parse_asked
from harness.store import records

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "asked", "face"),
    [
        ("indirect", Asked("indirect"), PUBLISHED),
        ("naive", Asked("naive"), PUBLISHED),
        ("auto", Asked(AUTO), BEST),
        ("fft", Asked("fft"), BEST),
        ("fft/avx512_6x64", Asked("fft", "avx512_6x64"), BEST),
        ("fft/neon_6x16+t32", Asked("fft", "neon_6x16+t32"), BEST),
        ("im2col/best", Asked("im2col", "best"), BEST),
        ("im2col/default+block32+ahead", Asked("im2col", "default+block32+ahead"), BEST),
        ("im2col/default+pixels", Asked("im2col", "default+pixels"), PUBLISHED),
        ("direct/avx2_6x16", Asked("direct", "avx2_6x16"), PUBLISHED),
        ("indirect/default+regions+block8", Asked("indirect", "default+regions+block8"), BEST),
        ("indirect/neon_8x8+taps", Asked("indirect", "neon_8x8+taps"), BEST),
    ],
)
def test_a_name_and_what_it_asks_for(name: str, asked: Asked, face: str) -> None:
    assert parse_asked(name) == asked
    assert (asked.name, asked.face) == (name, face)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "im2row",
        "auto/best",
        "naive/best",
        "im2col/",
        "im2col/+pixels",
        "im2col/default+best",
        "im2col/best+pixels",
        "im2col/default+block0",
        "im2col/k+taps+taps",
        "im2col/k+pixle",
        "im2col/a b",
        "fft/k+t032",
        "/",
    ],
)
def test_what_is_none(name: str) -> None:
    assert parse_asked(name) is None


@pytest.mark.parametrize("name", ["indirect", "im2col/best", "auto"])
def test_a_copy_tells_what_it_is_one_of(name: str) -> None:
    assert copied(copy_name(name)) == name
    assert copied(name) == ""


@given(st.sampled_from(ALGORITHMS), st.text(alphabet="abk_068+/ \n", max_size=12))
def test_a_name_comes_back_or_is_refused(algorithm: str, schedule: str) -> None:
    name = f"{algorithm}/{schedule}"
    asked = parse_asked(name)
    assert asked is None or asked.name == name


def test_records_have_every_field_of_a_variant() -> None:
    called = {"name": "variant", "type": "element"}
    for record in (records.Layer, records.Check, records.Sample, records.Skip, records.Error):
        assert {called.get(field.name, field.name) for field in fields(Variant)} <= set(record.model_fields)
