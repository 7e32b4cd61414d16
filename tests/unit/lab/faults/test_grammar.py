"""Faults as they are written: every kind's default and values, times, and what is refused."""

import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.lab.faults import FAULTS, form, parse
from harness.lab.faults.grammar import When, split

pytestmark = pytest.mark.unit

SECONDS = st.integers(1, 86400).map(float)
TEXT = st.text(st.characters(min_codepoint=32, exclude_characters="@,"), min_size=1, max_size=20)
BEGINNING: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"in": SECONDS}),
    st.fixed_dictionaries({"at": TEXT}),
    st.fixed_dictionaries({"after": st.integers(1, 1 << 40)}),
)
REST = st.fixed_dictionaries({}, optional={"for": SECONDS, "on": TEXT, "times": st.integers(1, 1000)})
NAME = st.from_regex(r"[a-z0-9-]+", fullmatch=True)
VALUE = st.one_of(st.none(), st.text(st.characters(min_codepoint=32), max_size=30))


@given(name=NAME, value=VALUE, begin=BEGINNING, rest=REST, order=st.randoms(use_true_random=False))
def test_what_is_written_is_read(
    name: str, value: str | None, begin: dict[str, Any], rest: dict[str, Any], order: Random
) -> None:
    parts = [f"{key}:{value}" for key, value in {**begin, **rest}.items()]
    order.shuffle(parts)
    when = When(
        begin.get("in", 0.0),
        begin.get("at", ""),
        begin.get("after", 0),
        rest.get("for", 0.0),
        rest.get("on", ""),
        rest.get("times", 0),
    )
    if not parts and value and "@" in value:
        return  # what stands behind the last @ is a time
    words = split(name + ("" if value is None else f"={value}") + (f"@{','.join(parts)}" if parts else ""))
    assert (words.name, words.value, words.when) == (name, value, when)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_remedy(text: str) -> None:
    for wild in (text, f"cut@{text}", f"zone={text}", f"hang@on:{text}", f"property={text}", f"deny={text}"):
        try:
            fault = parse(wild)
        except UsageError as error:
            assert error.remedy
        else:
            assert fault.name in FAULTS
            assert "\n" not in str(fault.value)


@pytest.mark.parametrize("name", FAULTS)
def test_every_kind_has_help_and_a_form(name: str) -> None:
    kind = FAULTS[name]
    assert kind.help.endswith(".")
    assert form(name).startswith(name)
    if kind.value.default is None:
        with pytest.raises(UsageError, match=f"needs a value: {re.escape(form(name))}"):
            parse(name)
    else:
        assert parse(name).name == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nosuch", "no fault is called 'nosuch'"),
        ("battery=101", "'101' is no value of battery: a whole number from 0 to 100"),
        ("cut@for:3", "over at once"),
        ("battery@times:3", "times:N is for"),
        ("battery@on:df", "on:TEXT is for"),
        ("cut@in:1,at:df", "in and at exclude each other"),
        ("cut@in:1,in:2", "'in:2' is no time of its own"),
        ("cut@soon:1", "unknown: soon"),
        ("cut@in:nan", "'nan' is no number"),
        ("cut=3", "it takes no value"),
        ("", "begins with its name"),
        ("deny=/etc/passwd", "a path below /sys or /data"),
        ("deny=/data/../etc", "a path below /sys or /data"),
        ("property=a/b:1", "NAME:VALUE"),
        ("cores=x", "no value of cores"),
        ("stranger=../../x", "there is android-emulator, galaxy-s8"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert said in caught.value.message + caught.value.remedy
