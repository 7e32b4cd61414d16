"""Tuned tables of a run: found by device and cluster, kept in the run directory, not changed by anybody on resume."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.devices.base import Cluster, Device, Topology
from harness.errors import DeviceError, UsageError
from harness.measure.request import Request
from harness.measure.tables import check_kept, check_tuned, find_tables, keep_tables, kept_table
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store.manifest import Manifest
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit


class Phone:
    def topology(self) -> Topology:
        return Topology((Cluster((0, 1)), Cluster((2, 3))), (0, 1, 2, 3))


class Gone:
    def topology(self) -> Topology:
        raise DeviceError("gone", "attach it")


PHONE, GONE = ("pixel-3", cast(Device, Phone())), ("pixel-8", cast(Device, Gone()))


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """One with --tuned, the folder having a table of one cluster of two."""
    folder = tmp_path / "tables"
    (folder / "pixel-3").mkdir(parents=True)
    (folder / "pixel-3" / "2-3.tuned").write_bytes(b"table")
    return Request("smoke", load_suite("smoke").layers, load_policy("smoke"), ("auto",), 1, tuned=folder)


def run_of(path: Path, tuned: dict[str, dict[str, str]]) -> RunDir:
    run = RunDir(path)
    run.path.mkdir()
    run.write_manifest(
        Manifest(
            version=2, run="r", status="interrupted", started="", argv=[], suite={}, policy={}, algorithms=["auto"],
            clusters=None, seed=1, devices=["pixel-3"], abi=None, toolchain_asked="auto", toolchain={}, tuned=tuned,
        )
    )  # fmt: skip
    return run


def test_found_by_device_and_cluster(request_: Request) -> None:
    said: list[str] = []
    assert find_tables(request_, [PHONE, GONE], said.append) == {"pixel-3": {"2-3": b"table"}}
    assert len(said) == 1 and "no pixel-3/0-1.tuned: there `auto` goes by the model" in said[0]
    assert find_tables(replace(request_, tuned=None), [PHONE], said.append) == {}
    assert find_tables(replace(request_, cpus=(2, 3)), [PHONE], said.append) == {"pixel-3": {"2-3": b"table"}}
    assert len(said) == 1


@pytest.mark.parametrize(
    ("devices", "cpus", "named"),
    [
        ([PHONE], (0, 1), "it lacks pixel-3/0-1.tuned"),
        ([("pixel-4", PHONE[1])], None, "pixel-4/0-1.tuned, pixel-4/2-3.tuned"),
        ([GONE], None, "no table for any cluster"),
    ],
)
def test_no_table_for_anything_measured(request_: Request, devices: Any, cpus: Any, named: str) -> None:
    with pytest.raises(UsageError) as error:
        find_tables(replace(request_, cpus=cpus), devices, pytest.fail)
    assert named in str(error.value) and "harness tune --out" in str(error.value)


def test_a_table_that_cannot_be_read(request_: Request) -> None:
    assert request_.tuned
    (request_.tuned / "pixel-3" / "0-1.tuned").mkdir()
    with pytest.raises(UsageError, match=r"0-1\.tuned: Is a directory"):
        find_tables(request_, [PHONE], pytest.fail)


def test_a_table_of_version_1(request_: Request) -> None:
    assert request_.tuned
    file = request_.tuned / "pixel-3" / "0-1.tuned"
    file.write_text("indirectconv-tuned 1 0.1.0 x86:y\nend 0 0123456789abcdef\n")
    with pytest.raises(UsageError) as error:
        find_tables(request_, [PHONE], pytest.fail)
    assert str(error.value) == (
        f"--tuned: {file}: a tuned table of version 1: version 0.1 of this tool reads it, tune again with this one"
    )


@pytest.mark.parametrize("text", ["indirectconv-tuned 2 0.2.0 x86:y\nend 0 0123456789abcdef\n", "1 1", ""])
def test_others_are_left_to_the_library(request_: Request, text: str) -> None:
    assert request_.tuned
    (request_.tuned / "pixel-3" / "0-1.tuned").write_text(text)
    found = find_tables(request_, [PHONE], pytest.fail)
    assert found["pixel-3"]["0-1"] == text.encode()


def test_options_that_can_have_no_effect(request_: Request, tmp_path: Path) -> None:
    check_tuned(request_)
    check_tuned(replace(request_, tuned=None))
    (tmp_path / "file").touch()
    for changes, named in (
        ({"tuned": tmp_path / "nowhere"}, "nowhere: there is no such folder"),
        ({"tuned": tmp_path / "file"}, "file: is no folder"),
    ):
        with pytest.raises(UsageError) as error:
            check_tuned(replace(request_, **cast(Any, changes)))
        assert named in str(error.value)


def test_kept_as_they_were(tmp_path: Path) -> None:
    tables = {"pixel-3": {"2-3": b"table"}}
    hashes = keep_tables(run_of(tmp_path / "new", {}), tables)
    assert hashes == {"pixel-3": {"2-3": sha256(b"table").hexdigest()}}
    run = run_of(tmp_path / "run", hashes)
    keep_tables(run, tables)
    file = kept_table(run, "pixel-3", "2-3")
    assert file and file.read_bytes() == b"table"
    assert kept_table(run, "pixel-3", "0-1") is kept_table(run, "pixel-8", "2-3") is None
    check_kept(run)
    file.write_bytes(b"other")
    with pytest.raises(UsageError, match="is not the table that was used"):
        check_kept(run)
    file.unlink()
    with pytest.raises(UsageError, match=f"No such file.*\n.*{hashes['pixel-3']['2-3']}"):
        check_kept(run)


def test_a_run_without_tables_has_none(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", keep_tables(cast(RunDir, SimpleNamespace()), {}))
    check_kept(run)
    assert kept_table(run, "pixel-3", "2-3") is None
