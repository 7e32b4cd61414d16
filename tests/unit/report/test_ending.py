"""The table that a run ends with: numbers of its sentences, in columns, as Markdown."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from harness.report.context import make_context
from harness.report.ending import Answer, answers_of, table
from harness.report.writer import write_report

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def answers(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    phones = [
        synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True),
        synthetic.Phone("virtual", "Virtual", "SERIAL2", emulated=True, clusters=(("0-3", "A55", 1766),)),
    ]
    folder = tmp_path_factory.mktemp("runs") / "RUN"
    synthetic.make_run(folder, phones, synthetic.LAYERS[1:8], launches=6, rounds=3)
    return answers_of(make_context(folder).sentences)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_a_row_for_each_number_of_the_sentences(answers: list[Answer]) -> None:
    head, rule, *rows = table(answers)
    assert len({len(line) for line in (head, rule, *rows)}) == 1  # it can be read as it is
    assert cells(head)[:6] == ["device", "CPUs", "cache", "face", "on", "layers"]
    assert set(rule) == set("|-: ")
    assert len(rows) == len(answers)
    first = next(cells(row) for row, answer in zip(rows, answers, strict=True) if answer.row.category == "larger")
    assert first[:2] == ["pixel-3", "4-7"] and first[6:8] == ["indirect", "im2col"]
    low, high = map(float, first[9].split(" to "))
    assert low <= float(first[8]) <= high and first[10] == "faster"
    assert {cells(row)[0] for row in rows} == {"pixel-3", "[EMULATED] virtual"}


def test_both_faces_stand_one_below_the_other(answers: list[Answer]) -> None:
    larger = [a.row.face for a in answers if (a.row.device, a.row.category) == ("pixel-3", "larger")]
    assert larger == ["published", "best"]


def test_the_same_as_numbers(answers: list[Answer]) -> None:
    value = answers[0].value
    assert value["low"] <= value["ratio"] <= value["high"]
    assert value["layers"] == answers[0].row.layers and value["emulated"] is False


def test_too_few_launches_give_no_interval(synthetic: ModuleType, tmp_path: Path) -> None:
    synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[1:2], launches=2, rounds=2)
    *_, row = table(answers_of(make_context(tmp_path / "RUN").sentences))
    assert cells(row)[-2:] == ["", "no interval"]


def test_it_stands_below_the_sentences(synthetic: ModuleType, tmp_path: Path) -> None:
    synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[1:2], launches=4, rounds=2)
    summary = write_report(tmp_path / "RUN")
    lines = summary.answer[len(summary.sentences) :]
    assert lines[0] == "" and lines[1].startswith("| device") and "" in lines[2:]
    assert [answer["ratio"] for answer in summary.value["answers"]] == [a.row.ratio.value for a in summary.answers]


def test_without_an_answer_there_is_no_table() -> None:
    assert not list(table([]))
