"""Entries: one for each row, with a name of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.compare.comparison import compare_runs
from harness.export.compared import of_comparison
from harness.export.subject import LONGEST_NAME, OUTCOMES, Entry, about_run, named, of_run
from harness.export.text import name_of, plain
from harness.results.results import Results, make_results

pytestmark = pytest.mark.unit


def test_each_row_is_an_entry_under_a_name_of_its_own(results: Results) -> None:
    subject = of_run(results)
    assert len(subject.entries) == len(results.rows)
    assert len({entry.full_name for entry in subject.entries}) == len(results.rows)
    assert {entry.status for entry in subject.entries} == set(OUTCOMES)
    row = next(row for row in results.rows if row.key.layer == "conv2_3x3" and row.algorithm == "im2col")
    entry = subject.entries[row.number - 1]
    assert entry.full_name == "pixel-3/conv2_3x3/im2col/neon_8x8/rotate/cpus:4-7"
    assert (entry.status, entry.outcome, entry.time) == ("ok", "passed", row.time)
    assert entry.words == "ok; 8 valid samples, 4 tainted (PREEMPTED 4)"
    other = next(e for e in subject.entries if e.layer == "conv2_3x3" and e.columns["algorithm"] == "indirect")
    assert "12 valid samples; 1." in other.words and other.words.endswith("times as fast as im2col")


def test_only_times_that_can_be_believed_are_measured(results: Results) -> None:
    subject = of_run(results)
    assert {entry.status for entry in subject.measured} == {"ok"}
    assert len(subject.measured) == Counter(row.status for row in results.rows)["ok"]


def test_one_device_alone(two_phones: Path) -> None:
    results = make_results(two_phones)
    subject = of_run(results, "virtual")
    assert {entry.device for entry in subject.entries} == {"virtual"}
    assert len(subject.entries) == len(list(subject.table.rows)) == len(results.rows) // 2
    assert {row["device"] for row in subject.means.rows} == {"virtual"}


def test_two_builds_are_told_apart_and_what_cannot_be_told_apart_is_counted(results: Results) -> None:
    entry = of_run(results).entries[0]
    other = replace(entry, build="fedcba987654")
    names = [each.name for each in named([entry, other, other])]
    short = named([entry])[0].name
    assert names == [f"{short}/build:{entry.build}", f"{short}/build:fedcba987654", f"{short}/build:fedcba987654/2"]


def test_builds_of_against_have_names_that_last_from_commit_to_commit(results: Results) -> None:
    entry = of_run(results).entries[0]
    others = [replace(entry, build=f"{n}" * 12, against=name) for n, name in enumerate(("HEAD~1", "/b"), start=1)]
    short = named([entry])[0].name
    assert [each.name for each in named([entry, *others])] == [short, f"{short}/against:HEAD~1", f"{short}/against:/b"]


def test_threads_stand_in_a_name_where_there_are_several(results: Results) -> None:
    entry = of_run(results).entries[0]
    assert named([replace(entry, threads=4)])[0].name == f"{named([entry])[0].name}/threads:4"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b\x1b[31m", "a?b?[31m"),
        ("\ud800x", "?x"),
        ("tab\there", "tab\there"),
        ("ü ± €", "ü ± €"),
        ("\uffff", "?"),
    ],
    ids=["controls", "surrogate", "tab", "beyond-ascii", "no-character"],
)
def test_texts_are_made_fit(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_names_are_on_one_line_and_not_too_long() -> None:
    assert name_of("a\nb", "", "c", longest=99) == "a b/c"
    assert len(name_of("x" * 2000, longest=LONGEST_NAME)) == LONGEST_NAME


@pytest.mark.parametrize(
    "manifest", [{}, {"suite": "no object", "versions": 7, "run": None, "git": []}], ids=["empty", "garbage"]
)
def test_a_manifest_that_tells_nothing(manifest: dict[str, object]) -> None:
    about = about_run(manifest, "folder")
    assert about.pop("run") == "folder"
    assert set(about.values()) == {""}


def test_an_entry_is_known_by_its_device(results: Results) -> None:
    entry: Entry = of_run(results).entries[0]
    assert entry.place == ("pixel-3", "4-7", "rotate")


def test_means_of_several_numbers_of_threads_are_told_apart(results: Results, tmp_path: Path) -> None:
    assert "threads" not in of_run(results).means.columns
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), threads=(1, 4))
    for seed, name in enumerate(("base", "new")):
        truth = synthetic.Truth({"larger": 1.3 + seed}, spread=0.0)
        synthetic.make_run(
            tmp_path / name, [replace(phone, truth=truth)], synthetic.LAYERS[1:2], 4, 2, ["hot"], seed, f"run-{name}"
        )
    means = of_run(make_results(tmp_path / "new")).means
    assert means.columns[:4] == ("device", "cluster", "threads", "cache")
    assert {row["threads"] for row in means.rows} == {"1", "4"}
    changed = of_comparison(compare_runs(tmp_path / "base", tmp_path / "new")).means
    assert changed.columns[:4] == ("decision", "device", "cluster", "threads")
    assert [(row["decision"], row["threads"]) for row in changed.rows] == [("slower", "1"), ("slower", "4")]
