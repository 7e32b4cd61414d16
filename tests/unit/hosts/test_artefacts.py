"""What comes back of a device is taken whole, or refused by name; what is on record is never lost by it."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.bundle.layout import digest_of, sums_text
from harness.errors import DeviceError
from harness.hosts.artefacts import Part, packed, part_of, take
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

NAME = "pixel-3"
PLAN = b'{"device":"pixel-3","cluster":"0-3","launch":0,"layer":"body"}\n'


def device_json(serialno: str = "8A9X01") -> bytes:
    return json.dumps({"identity": {"serial": "S1", "serialno": serialno, "model": "Pixel 3"}}).encode()


def host_run(folder: Path, **files: bytes) -> RunDir:
    """What a host has of the device; keys with ``_`` for ``.`` and ``__`` for ``/``."""
    run = RunDir(folder)
    run.device(NAME).path.mkdir(parents=True)
    for key, data in {"device_json": device_json(), "records_jsonl": b'{"seq":0}\n', **files}.items():
        (run.device(NAME).path / key.replace("_", ".")).write_bytes(data)
    (folder / "plan.jsonl").write_bytes(PLAN)
    return run


def archive(change: Callable[[zipfile.ZipFile], None], **files: bytes) -> bytes:
    """A zip file that nobody of ours has made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
        change(made)
    return out.getvalue()


def test_a_device_is_taken_whole_and_continued(tmp_path: Path) -> None:
    there, here = host_run(tmp_path / "host"), RunDir(tmp_path / "run")
    (here.path / "devices").mkdir(parents=True)
    (here.path / "plan.jsonl").write_bytes(b'{"device":"other","launch":0}\n')
    take(here, NAME, packed(part_of(there, NAME)), "it")
    assert here.device(NAME).records.read_bytes() == b'{"seq":0}\n'
    with there.device(NAME).records.open("ab") as file:
        file.write(b'{"seq":1}\n')
    take(here, NAME, packed(part_of(there, NAME)), "it")
    assert here.device(NAME).records.read_bytes() == b'{"seq":0}\n{"seq":1}\n'
    assert (here.path / "plan.jsonl").read_bytes() == b'{"device":"other","launch":0}\n' + PLAN
    assert sorted(path.name for path in here.device(NAME).path.iterdir()) == ["device.json", "records.jsonl"]


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"records_jsonl": b'{"seq":5}\n'}, "records.jsonl does not continue what is on record"),
        ({"records_jsonl": b'{"seq":0}\n{"se'}, "records.jsonl ends within a line"),
        ({"device_json": device_json("8A9X02")}, "are of another phone"),
    ],
)
def test_what_does_not_continue_is_refused(tmp_path: Path, files: dict[str, bytes], what: str) -> None:
    here = host_run(tmp_path / "run")
    there = host_run(tmp_path / "host", **files)
    with pytest.raises(DeviceError, match=what):
        take(here, NAME, packed(part_of(there, NAME)), "it")
    assert here.device(NAME).records.read_bytes() == b'{"seq":0}\n'


def test_a_plan_of_another_device_is_refused(tmp_path: Path) -> None:
    there, here = host_run(tmp_path / "host"), RunDir(tmp_path / "run")
    here.path.mkdir()
    plan = PLAN + b'{"device":"other","launch":0}\n'
    with pytest.raises(DeviceError, match=r"plan\.jsonl is damaged, or of another device"):
        take(here, NAME, packed(part_of(there, NAME, plan)), "it")
    assert not here.device(NAME).path.exists()


def with_link(made: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo("records.jsonl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    made.writestr(link, "/etc/passwd")


def with_bomb(made: zipfile.ZipFile) -> None:
    bomb = zipfile.ZipInfo("records.jsonl")
    bomb.external_attr, bomb.compress_type = (stat.S_IFREG | 0o644) << 16, zipfile.ZIP_DEFLATED
    made.writestr(bomb, b"0" * (8 << 20))


def nothing(made: zipfile.ZipFile) -> None:
    pass


HARMFUL: dict[str, tuple[object, str]] = {
    "nothing": (None, "no artefacts came back"),
    "empty": (b"", "is no bundle, or is cut short"),
    "above": (archive(nothing, **{"../../x": b""}), "leads out of the archive"),
    "absolute": (archive(nothing, **{"/etc/x": b""}), "does not begin in the archive"),
    "link": (archive(with_link), "it is a link"),
    "bomb": (archive(with_bomb), "more than 100 times the size"),
}


@pytest.mark.parametrize(("data", "what"), HARMFUL.values(), ids=HARMFUL.keys())
def test_harmful_artefacts_are_refused_by_name(tmp_path: Path, data: object, what: str) -> None:
    here = RunDir(tmp_path / "run")
    with pytest.raises(DeviceError, match=f"it: .*({what})"):
        take(here, NAME, data, "it")
    assert not here.device(NAME).path.exists()
    assert list(tmp_path.iterdir()) in ([here.path], [])


def test_files_that_no_device_has_and_missing_ones_are_refused(tmp_path: Path) -> None:
    here = RunDir(tmp_path / "run")
    file = tmp_path / "file"
    file.write_bytes(b"#!/bin/sh")
    with pytest.raises(DeviceError, match=r"run\.sh is no file of a device"):
        take(here, NAME, packed(Part({"run.sh": file})), "it")

    def whole(names: dict[str, bytes], sums: dict[str, bytes]) -> bytes:
        from harness.bundle.archive import write_archive

        folder = tmp_path / "made"
        folder.mkdir(exist_ok=True)
        text = sums_text({name: digest_of(data) for name, data in sums.items()})
        for name, data in {**names, "SHA256SUMS": text}.items():
            (folder / name).write_bytes(data)
        write_archive(tmp_path / "out", folder, [*names, "SHA256SUMS"])
        return (tmp_path / "out").read_bytes()

    plan, records = {"plan.jsonl": b""}, {"records.jsonl": b"{}\n"}
    for names, sums, what in (
        (plan, {**plan, **records}, "incomplete: records.jsonl is missing"),
        ({**plan, **records}, plan, "records.jsonl is surplus"),
        (records, records, "incomplete: plan.jsonl is missing"),
        ({**plan, **records}, {**plan, "records.jsonl": b"{}"}, "records.jsonl was changed"),
    ):
        with pytest.raises(DeviceError, match=what):
            take(here, NAME, whole(names, sums), "it")
    assert not here.device(NAME).path.exists()


@pytest.mark.parametrize("files", [{}, {"records_jsonl": b""}], ids=["nothing", "no device.json"])
def test_a_host_that_failed_early_takes_nothing_away(tmp_path: Path, files: dict[str, bytes]) -> None:
    here = host_run(tmp_path / "run", records_jsonl=b"")
    there = host_run(tmp_path / "host", **files)
    (there.device(NAME).path / "device.json").unlink()
    if not files:
        (there.device(NAME).path / "records.jsonl").unlink()
    take(here, NAME, packed(part_of(there, NAME)), "it")
    assert here.device(NAME).identity.read_bytes() == device_json()  # still that phone's
