"""What is left of a run, in words."""

from __future__ import annotations

import pytest

from harness.measure.run.leftover import words
from harness.plan.jobs import Job

pytestmark = pytest.mark.unit


def jobs(*places: tuple[int, str]) -> list[Job]:
    return [Job(launch, layer, 0, 1, (0,)) for launch, layer in places]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (jobs((0, "b"), (0, "a"), (1, "a"), (1, "b")), "launches 1 to 2: all 2 layers"),
        (jobs((3, "b")), "launch 4: b"),
        (jobs((0, "a"), (2, "a"), (3, "b"), (3, "a")), "launches 1, 3: a; launch 4: all 2 layers"),
    ],
)
def test_words(left: list[Job], said: str) -> None:
    assert words(left, ["a", "b"]) == said


def test_one_layer_has_a_name_and_many_are_cut() -> None:
    assert words(jobs((0, "a")), ["a"]) == "launch 1: a"
    names = [f"l{number}" for number in range(12)]
    assert words(jobs(*((0, name) for name in names[:10])), names).endswith("l6, l7 and 2 more")
