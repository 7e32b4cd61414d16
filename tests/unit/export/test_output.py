"""Where exports go: whole files, devices, a job's summary; what cannot be written is said and leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.export import output
from harness.export.formats import FORMATS, formats_of, subjects_of
from harness.export.output import append_summary, encoded, write_file, write_into
from harness.results.results import make_results

pytestmark = pytest.mark.unit


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_parts_are_joined_and_what_is_no_utf8_is_marked() -> None:
    parts = [*["x" * 1000] * 200, "\ud800±"]
    chunks = list(encoded(parts))
    assert b"".join(chunks) == b"x" * 200_000 + "?±".encode()
    assert 2 <= len(chunks) <= 5


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "new" / "out.json"
    write_file(file, ["a", "b"])
    assert file.read_text() == "ab"

    def failing() -> Iterator[str]:
        yield "c" * 200_000
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        write_file(file, failing())
    assert file.read_text() == "ab" and names(file.parent) == ["out.json"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    write_file(tmp_path / "link", ["a"])
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there").read_text() == "a"


def test_a_device_is_written_to_and_stays_one() -> None:
    write_file(Path("/dev/null"), ["a"])
    assert Path("/dev/null").is_char_device()


def test_a_pipe_without_a_path_is_written_to() -> None:
    """As --out /dev/stdout of a piped command, and --out >(command)."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as pipe:
        try:
            write_file(Path(f"/dev/fd/{writer}"), ["a", "b"])
        finally:
            os.close(writer)
        assert pipe.read() == "ab"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("folder", UsageError, "it is a folder"),
        ("file/below", UsageError, "part of its path is no folder"),
        ("/proc/nothing", UsageError, "cannot write it"),
        ("/dev/full", InfrastructureError, "No space left on device"),
    ],
    ids=["folder", "below-a-file", "proc", "full-disk"],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, kind: type[HarnessError], words: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(kind, match=words) as error:
        write_file(tmp_path / name, ["a"])
    assert error.value.remedy and "--out" in error.value.message
    assert names(tmp_path) == ["file", "folder"]


def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: object) -> None:
        raise InfrastructureError("cannot write", "free") from OSError(28, "No space left on device")

    monkeypatch.setattr(output, "write_atomically", full)
    with pytest.raises(InfrastructureError, match=r"--out .*No space left"):
        write_file(tmp_path / "out", ["a"])


def test_a_summary_is_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(output.SUMMARY_VARIABLE, raising=False)
    assert append_summary(["a"]) is None
    monkeypatch.setenv(output.SUMMARY_VARIABLE, str(tmp_path / "summary"))
    append_summary(["a"])
    assert append_summary(["b"]) == tmp_path / "summary"
    assert (tmp_path / "summary").read_text() == "ab"
    monkeypatch.setenv(output.SUMMARY_VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match="GITHUB_STEP_SUMMARY"):
        append_summary(["c"])


def test_a_run_gets_a_file_for_each_format_and_device(two_phones: Path, tmp_path: Path) -> None:
    results = make_results(two_phones)
    written = [path for each in FORMATS.values() for path in write_into(tmp_path, subjects_of(results, each), each)]
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "exports/bmf.pixel-3.json",
        "exports/bmf.virtual.json",
        "exports/csv.csv",
        "exports/gbench.json",
        "exports/github-action.json",
        "exports/junit.xml",
        "exports/markdown.md",
        "exports/parquet.parquet",
    ]
    assert all(path.stat().st_size > 100 for path in written)


def test_no_export_holds_a_serial_number(two_phones: Path) -> None:
    results = make_results(two_phones)
    for each in FORMATS.values():
        data = b"".join(part for subject in subjects_of(results, each) for part in encoded(each.text(subject)))
        assert b"8A9X0SERIAL" not in data and b"EMULATOR99" not in data and len(data) > 100, each.name


def test_formats_are_asked_for_by_name_and_each_once() -> None:
    assert [each.name for each in formats_of(["junit", "csv", "junit"], "--export")] == ["junit", "csv"]
    with pytest.raises(UsageError, match="--export xml: no such format") as error:
        formats_of(["junit", "xml"], "--export")
    assert error.value.remedy == "one of: bmf, csv, gbench, github-action, junit, markdown, parquet"
