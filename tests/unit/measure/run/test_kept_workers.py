"""The workers of a run: in its manifest, and unchanged when it goes on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.measure.run.kept_workers import check_unchanged, kept, workers_of
from harness.model.worker import Worker
from harness.store.manifest import Manifest

pytestmark = pytest.mark.unit


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    for name in ("program", "lib.so"):
        (tmp_path / name).write_text(name)
    return Worker(name="x", program=tmp_path / "program", files=(tmp_path / "lib.so",))


def manifest_of(*workers: Worker) -> Manifest:
    made = Manifest(
        version=2, run="r", status="interrupted", started="", argv=[], suite={}, policy={}, algorithms=["auto"],
        clusters=None, seed=1, devices=["local"], abi=None, toolchain_asked="auto", toolchain={}, workers=kept(workers),
    )  # fmt: skip
    return Manifest.model_validate_json(made.model_dump_json(by_alias=True))


def test_the_manifest_names_them_with_the_hash_of_each_file(worker: Worker) -> None:
    manifest = manifest_of(worker)
    assert manifest.workers[0].sha256 == {name: sha256(name.encode()).hexdigest() for name in ("program", "lib.so")}
    assert workers_of(manifest) == (worker,)
    check_unchanged(manifest)


@pytest.mark.parametrize("name", ["program", "lib.so"])
def test_a_changed_file_is_named(worker: Worker, name: str) -> None:
    manifest = manifest_of(worker)
    file = worker.program.with_name(name)
    file.write_text("another")
    with pytest.raises(UsageError, match=f"worker x: {file} is not the file that was measured") as caught:
        check_unchanged(manifest)
    assert sha256(name.encode()).hexdigest() in caught.value.remedy
    file.unlink()
    with pytest.raises(UsageError, match=f"worker x: {file}: No such file"):
        check_unchanged(manifest)


def test_a_relative_path_is_kept_whole(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = manifest_of(Worker(name="x", program=Path("program")))
    monkeypatch.chdir("/")
    assert workers_of(manifest)[0].program == worker.program
    check_unchanged(manifest)
