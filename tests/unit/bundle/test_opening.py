"""Bundles that are changed, damaged, or made to do harm: one message each, exit 2, nothing written, nothing left."""

from __future__ import annotations

import json
import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.bundle import archive, entries, layout
from harness.bundle.archive import write_archive
from harness.bundle.opening import opened
from harness.errors import UsageError
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit

RECORDS = "devices/pixel-3/records.jsonl"
FILES = {
    "bundle.json": json.dumps({"bundle": 1, "run": "20261121-120000-quick", "status": "done"}).encode(),
    "manifest.json": b'{"schema": 2}\n',
    RECORDS: b'{"type":"end"}\n' * 40,
}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what is unpacked goes."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def pack(path: Path, files: dict[str, bytes] = FILES, listed: dict[str, bytes] | None = None) -> Path:
    """A bundle of these files; ``listed``: those that SHA256SUMS is made of, where they are others."""
    folder = path.with_suffix(".folder")
    sums = {name: layout.digest_of(data) for name, data in (listed or files).items() if name not in layout.UNLISTED}
    whole = {"SHA256SUMS": layout.sums_text(sums), **files}
    for name, data in whole.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    write_archive(path, folder, list(whole))
    return path


def refusal(path: Path, scratch: Path, allowed: Path | None = None) -> str:
    """The message that opening it ends with; nothing is left of it."""
    with pytest.raises(UsageError) as error, opened(path, allowed):
        pytest.fail("it was opened")
    assert error.value.exit_code == ExitCode.USAGE
    assert str(path) in error.value.message and error.value.remedy
    assert list(scratch.iterdir()) == []
    return error.value.message


def test_it_is_a_run_directory_while_it_is_open(tmp_path: Path, scratch: Path) -> None:
    with opened(pack(tmp_path / "b.zip")) as run:
        assert run.is_bundle and run.path.name == "20261121-120000-quick" and run.remarks == ()
        assert (run.path / RECORDS).read_bytes() == FILES[RECORDS]
        (folder,) = scratch.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert run.derived(None) == Path("b-report") and run.derived(Path("x")) == Path("x")
    assert list(scratch.iterdir()) == []


def test_a_run_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path) as run:
        assert (run.path, run.is_bundle, run.derived(None)) == (tmp_path, False, tmp_path)


def test_what_is_unpacked_goes_also_where_its_reader_fails(tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(KeyboardInterrupt), opened(pack(tmp_path / "b.zip")):
        raise KeyboardInterrupt
    assert list(scratch.iterdir()) == []


def test_no_byte_can_be_changed(tmp_path: Path, scratch: Path) -> None:
    """Of heads, names, content, checksums, directory and end; but for the end mark of a packed stream."""
    small = FILES | {RECORDS: b'{"type":"end"}\n'}
    data = pack(tmp_path / "b.zip", small).read_bytes()
    changed = tmp_path / "changed.zip"
    taken = []
    for place in range(len(data)):
        changed.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            with opened(changed) as run:
                assert all((run.path / name).read_bytes() == small[name] for name in small)
            taken.append(place)
        except UsageError as error:
            assert str(changed) in error.message
    with zipfile.ZipFile(tmp_path / "b.zip") as whole:
        ends = [info.header_offset + 30 + len(info.filename) + info.compress_size for info in whole.infolist()]
    assert all(any(end - 2 <= place < end for end in ends) for place in taken) and len(taken) <= 2 * len(ends)


def test_it_cannot_be_cut_or_grow(tmp_path: Path, scratch: Path) -> None:
    data = pack(tmp_path / "b.zip").read_bytes()
    other = tmp_path / "other.zip"
    for cut in (0, 1, 21, 22, 100, len(data) // 2, len(data) - 23, len(data) - 1):
        other.write_bytes(data[:cut])
        assert "is no bundle, or is cut short" in refusal(other, scratch)
    other.write_bytes(b"#!/bin/sh\n" + data)
    assert "was changed, or does not stand where it should" in refusal(other, scratch)
    other.write_bytes(data + b"x")
    assert "is no bundle, or is cut short" in refusal(other, scratch)


def test_a_changed_file_is_named(tmp_path: Path, scratch: Path) -> None:
    """Packed anew by somebody who had no mind to change the sums."""
    changed = pack(tmp_path / "b.zip", FILES | {RECORDS: b"{}\n"}, FILES)
    assert f"{RECORDS} was changed: its SHA-256 is not that of SHA256SUMS" in refusal(changed, scratch)


def test_missing_and_surplus_files_are_named(tmp_path: Path, scratch: Path) -> None:
    surplus = pack(tmp_path / "surplus.zip", FILES | {"extra.txt": b"x"}, FILES)
    assert "extra.txt is surplus: SHA256SUMS does not have it" in refusal(surplus, scratch)
    missing = pack(tmp_path / "missing.zip", {name: FILES[name] for name in FILES if name != RECORDS}, FILES)
    assert f"{RECORDS} is missing" in refusal(missing, scratch)
    for name in ("bundle.json", "SHA256SUMS"):
        left = {"SHA256SUMS": b"", **FILES}
        del left[name]
        folder = tmp_path / f"without-{name}"
        for each, data in left.items():
            (folder / each).parent.mkdir(parents=True, exist_ok=True)
            (folder / each).write_bytes(data)
        write_archive(tmp_path / f"{name}.zip", folder, list(left))
        assert f"is no bundle: {name} is missing" in refusal(tmp_path / f"{name}.zip", scratch)


def test_another_version_is_told(tmp_path: Path, scratch: Path) -> None:
    later = FILES | {"bundle.json": b'{"bundle": 2, "more": 1}'}
    assert "is a bundle of version 2, this reads version 1" in refusal(pack(tmp_path / "b.zip", later), scratch)


@pytest.mark.parametrize(
    "about",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"bundle": "1"}', id="version"),
        pytest.param(b'{"bundle": 1}', id="no-run"),
        pytest.param(b'{"bundle": 1, "run": "../x"}', id="path"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_damaged_head_is_told(about: bytes, tmp_path: Path, scratch: Path) -> None:
    damaged = pack(tmp_path / "b.zip", FILES | {"bundle.json": about})
    assert "bundle.json is damaged" in refusal(damaged, scratch)


def test_sums_are_taken_in_one_form_only(tmp_path: Path, scratch: Path) -> None:
    sums = layout.sums_text({name: layout.digest_of(data) for name, data in FILES.items()})
    for number, text in enumerate((sums + b"\n", sums[:-1], sums.replace(b"  ", b" *"), sums + sums[:80], b"\xff")):
        damaged = pack(tmp_path / f"{number}.zip", FILES | {"SHA256SUMS": text})
        assert "SHA256SUMS" in refusal(damaged, scratch)


Spoil = Callable[[zipfile.ZipInfo], None]


def raw(path: Path, entries: list[tuple[str, bytes]], spoil: Spoil = lambda _: None) -> Path:
    """A zip file of another writer."""
    with zipfile.ZipFile(path, "w") as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of duplicate names
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            spoil(info)
            made.writestr(info, data)
    return path


OURS = list(FILES.items())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil", "its path leads out of the archive"),
        ("a/../../evil", "its path leads out of the archive"),
        ("..", "its path leads out of the archive"),
        ("..\\evil", "its path leads out of the archive"),
        ("/etc/passwd", "its path does not begin in the archive"),
        ("\\\\host\\share", "its path does not begin in the archive"),
        ("C:/evil", "its path does not begin in the archive"),
        ("devices/", "it is a folder by itself"),
        ("a//b", "its name has characters"),
        ("./a", "its name has characters"),
        ("a/.hidden", "its name has characters"),
        ("a\x1b[2J", "its name has characters"),
        ("a b", "its name has characters"),
        ("ä", "its name has characters"),
        ("a" * 400, "its name is too long"),
        ("-rf", "its name has characters"),
    ],
)
def test_names_that_leave_it_or_are_odd(name: str, why: str, tmp_path: Path, scratch: Path) -> None:
    assert why in refusal(raw(tmp_path / "b.zip", [*OURS, (name, b"x")]), scratch)
    assert not (tmp_path / "evil").exists() and not Path("/tmp/evil").exists()


def test_a_name_that_ends_at_a_zero(tmp_path: Path, scratch: Path) -> None:
    """zipfile gives the name before the zero; others give all of it."""
    path = raw(tmp_path / "b.zip", [*OURS, ("a-b.txt", b"x")])
    path.write_bytes(path.read_bytes().replace(b"a-b.txt", b"a\0b.txt"))
    assert "its name has characters" in refusal(path, scratch)


@pytest.mark.parametrize(
    ("kind", "why"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "no plain file"), (stat.S_IFDIR, "no plain file")]
)
def test_links_and_the_like(kind: int, why: str, tmp_path: Path, scratch: Path) -> None:
    def spoil(info: zipfile.ZipInfo) -> None:
        if info.filename == "link":
            info.external_attr = (kind | 0o777) << 16

    assert f"link: it is {why}" in refusal(raw(tmp_path / "b.zip", [*OURS, ("link", b"/etc/passwd")], spoil), scratch)


def test_a_name_twice(tmp_path: Path, scratch: Path) -> None:
    twice = raw(tmp_path / "b.zip", [*OURS, ("manifest.json", b"{}")])
    assert "manifest.json: it is there more than once" in refusal(twice, scratch)


def test_a_file_that_is_a_folder_too(tmp_path: Path, scratch: Path) -> None:
    assert "devices: it is both a file and a folder" in refusal(
        raw(tmp_path / "b.zip", [*OURS, ("devices", b"x")]), scratch
    )


def test_encrypted_entries(tmp_path: Path, scratch: Path) -> None:
    path = raw(tmp_path / "b.zip", OURS)
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\1\2")
    data[place + 8] |= 1
    path.write_bytes(data)
    assert f"{RECORDS}: it is encrypted" in refusal(path, scratch)


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing(way: int, tmp_path: Path, scratch: Path) -> None:
    def spoil(info: zipfile.ZipInfo) -> None:
        info.compress_type = way

    assert "packed in a way that is not read" in refusal(raw(tmp_path / "b.zip", OURS, spoil), scratch)


def test_a_bomb_by_its_ratio(tmp_path: Path, scratch: Path) -> None:
    bomb = raw(tmp_path / "b.zip", [*OURS, ("zeros", bytes(2 << 20))])
    assert "zeros: it would have more than 100 times the size" in refusal(bomb, scratch)


def test_what_packs_better_than_that_is_stored(tmp_path: Path) -> None:
    with opened(pack(tmp_path / "b.zip", FILES | {"zeros": bytes(2 << 20)})) as run:
        assert (run.path / "zeros").stat().st_size == 2 << 20


def declare(path: Path, size: int) -> Path:
    """Lets the last file say that it has so many bytes."""
    data = bytearray(path.read_bytes())
    data[(place := data.rindex(b"PK\1\2")) + 24 : place + 28] = struct.pack("<L", size)
    path.write_bytes(data)
    return path


def test_too_large_by_what_it_says(tmp_path: Path, scratch: Path) -> None:
    assert "it would have 2048 MiB, the most is 1024 MiB" in refusal(
        declare(raw(tmp_path / "b.zip", OURS), 2 << 30), scratch
    )


def test_too_large_in_all(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pack(tmp_path / "b.zip", FILES | {f"f{n}": bytes([n]) * 300_000 for n in range(4)})
    monkeypatch.setattr(entries, "MOST_BYTES", 1 << 20)
    assert "its files would have 1 MiB, the most is 1 MiB" in refusal(made, scratch)


def test_a_lie_about_a_size(tmp_path: Path, scratch: Path) -> None:
    """Larger than it says it is: no more is read than that."""
    assert "its head was changed" in refusal(declare(pack(tmp_path / "b.zip"), 10), scratch)


def test_too_many_files(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pack(tmp_path / "b.zip")
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    assert "it says that it has 4 files, the most is 3" in refusal(made, scratch)
    with pytest.raises(UsageError, match="4 files are too many for a bundle"):
        pack(tmp_path / "c.zip")


def test_files_that_share_their_bytes(tmp_path: Path, scratch: Path) -> None:
    """As in bombs whose entries overlap."""
    path = raw(tmp_path / "b.zip", [*OURS, ("x", b"same"), ("y", b"same")])
    data = bytearray(path.read_bytes())
    last = data.rindex(b"PK\1\2")
    before = data.rindex(b"PK\1\2", 0, last)
    data[last + 42 : last + 46] = data[before + 42 : before + 46]
    path.write_bytes(data)
    assert "was changed, or does not stand where it should" in refusal(path, scratch)


def test_a_zip_of_somebody_else(tmp_path: Path, scratch: Path) -> None:
    assert "was changed, or does not stand where it should" in refusal(raw(tmp_path / "b.zip", OURS), scratch)
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w"):
        pass
    assert "is no bundle: bundle.json is missing" in refusal(empty, scratch)


def test_too_large_a_file_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILE", 500)
    with pytest.raises(UsageError, match=f"{RECORDS} is too large for a bundle"):
        pack(tmp_path / "b.zip")


@pytest.mark.parametrize("name", ["-x.plan", "devices/-y/records.jsonl", "é.plan", "a/../b"])
def test_what_no_reader_takes_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"characters that no file|leads out of"):
        write_archive(tmp_path / "b.zip", tmp_path, [name])
    assert not (tmp_path / "b.zip").exists()
