"""Workers of somebody else: their names, their files, on the command line and in a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.model.suite import load_suite, with_options
from harness.model.variant import Asked
from harness.model.worker import OURS, parse_worker, parse_workers

pytestmark = pytest.mark.unit

LAYERS = "layers:\n  - {name: a, h: 8, w: 8, kh: 3, kw: 3, cin: 4, cout: 8}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program, a library beside it, and another of the same name in a folder."""
    for name in ("program", "lib.so", "other/lib.so"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def suite(folder: Path, workers: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(f"suite: mine\nworkers:\n{workers}{LAYERS}")
    return file


def test_an_option_names_program_and_files(folder: Path) -> None:
    worker = parse_worker(f"x.y_1-z={folder}/program,{folder}/lib.so")
    assert (worker.name, worker.program, worker.files) == ("x.y_1-z", folder / "program", (folder / "lib.so",))
    assert worker.every == (folder / "program", folder / "lib.so")
    assert parse_worker(f"x={folder}/program").files == ()


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 32, "ä", *OURS])
def test_a_name_that_is_ours_or_none_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_worker(f"{name}={folder}/program")
    assert "--worker" in caught.value.message and f"'{name[:32]}'" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["x", "x=", "x=program,", "x=,program"])
def test_an_option_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"NAME=PROGRAM\[,FILE\.\.\.\]"):
        parse_worker(text)


def test_what_is_not_there_is_named(folder: Path) -> None:
    for text, what in (("nowhere", "nowhere: there is no such file"), ("other", "other: is a folder, not a file"),
                       (f"program,{folder}/none", "none: there is no such file")):  # fmt: skip
        with pytest.raises(UsageError, match=f"--worker x: .*{what}"):
            parse_worker(f"x={folder}/{text}")


def test_a_path_that_cannot_be_shown_is_refused(folder: Path) -> None:
    (folder / "a\nb").write_text("x")
    with pytest.raises(UsageError, match=r"a\\nb: its path holds characters that cannot be shown"):
        parse_worker(f"x={folder}/a\nb")


def test_files_that_would_lie_upon_each_other_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"two files are called 'lib\.so'"):
        parse_worker(f"x={folder}/program,{folder}/lib.so,{folder}/other/lib.so")


def test_a_name_twice_on_the_command_line_is_refused_and_one_of_the_suite_replaced(folder: Path) -> None:
    one, two = f"x={folder}/program", f"x={folder}/lib.so"
    with pytest.raises(UsageError, match="'x' is given twice"):
        parse_workers([one, two])
    found = parse_workers([two, f"y={folder}/program"], [parse_worker(one)])
    assert [(worker.name, worker.program.name) for worker in found] == [("x", "lib.so"), ("y", "program")]


def test_a_suite_names_workers_from_its_own_folder(folder: Path) -> None:
    file = suite(folder, "  - {name: x, program: program, files: [other/lib.so]}\n  - {name: y, program: ./program}\n")
    read = load_suite(str(file))
    assert [worker.name for worker in read.workers] == ["x", "y"]
    assert read.workers[0].every == (folder / "program", folder / "other" / "lib.so")
    more = with_options(read, None, None, [f"z={folder}/program"])
    assert [worker.name for worker in more.workers] == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("workers", "named"),
    [
        ("  - {name: im2col, program: program}\n", ["mine.yaml:3", "workers[0].name", "'im2col'"]),
        ("  - {name: a b, program: program}\n", ["mine.yaml:3", "workers[0].name", "'a b'"]),
        ("  - {name: x}\n", ["mine.yaml:3", "program"]),
        ("  - {name: x, program: 3}\n", ["mine.yaml:3", "workers[0].program", "the number 3"]),
        ("  - {name: x, program: nowhere}\n", ["mine.yaml:3", "workers[0].program", "nowhere: there is no such file"]),
        ("  - {name: x, program: program, files: [lib.so, none]}\n", ["mine.yaml:3", "workers[0].files[1]", "none"]),
        ("  - {name: x, program: program, files: lib.so}\n", ["mine.yaml:3", "workers[0].files", "a list"]),
        ("  - {name: x, program: program, flies: []}\n", ["mine.yaml:3", "flies", "files"]),
        (
            "  - {name: x, program: program}\n  - {name: x, program: program}\n",
            ["mine.yaml:4", "duplicate worker name 'x', first in line 3"],
        ),
        (
            "  - {name: x, program: program, files: [lib.so, other/lib.so]}\n",
            ["mine.yaml:3", "workers[0].files[1]", "two files are called 'lib.so'"],
        ),
        ("  x: program\n", ["mine.yaml:2", "workers: a mapping, where a list is needed"]),
    ],
)
def test_a_suite_that_names_wrong_workers_is_refused(folder: Path, workers: str, named: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        load_suite(str(suite(folder, workers)))
    for word in named:
        assert word in str(caught.value)


def test_a_worker_is_of_face_best() -> None:
    assert (Asked("xnn").face, Asked("xnn").name) == ("best", "xnn")
