"""What a bundle tells, and what it does not."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from harness.bundle.making import make_bundle
from harness.bundle.opening import opened
from harness.compare.comparison import compare_runs
from harness.errors import InfrastructureError, UsageError
from harness.results.results import make_results
from harness.store import pseudonym_key
from tests.unit.bundle.conftest import LEFT_OUT, NAME, NUMBER, SECRETS, SERIAL, make_secret_run

pytestmark = pytest.mark.unit


def content(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_no_number_host_or_home_is_anywhere_in_it(secret_run: Path, tmp_path: Path) -> None:
    files = content(make_bundle(secret_run, tmp_path / "b.zip").out)
    for name, data in files.items():
        text = f"{name}\n{data.decode()}".lower()
        assert [secret for secret in SECRETS if secret.lower() in text] == [], name
        assert "bob.underhill" not in text, name
    folder = next(name for name in files if name.endswith("records.jsonl")).split("/")[1]
    assert folder.startswith("pixel-3-") and folder != NAME
    assert set(files) == {
        "SHA256SUMS", "bundle.json", "manifest.json", "plan.jsonl", "report.html", "summary.md", "results.csv",
        "categories.csv", "verdicts.csv",
        *(f"devices/{folder}/{name}" for name in
          ("device.json", "records.jsonl", "events.jsonl", "settings.jsonl", "plans/4-7.1.plan")),
    }  # fmt: skip
    manifest = json.loads(files["manifest.json"])
    assert manifest["devices"] == [folder] and list(manifest["tuned"]) == [folder]
    assert manifest["argv"][-1] == "~/runs/1"
    assert manifest["unusable"][0]["name"].startswith("pixel-3-") and LEFT_OUT not in str(manifest)
    assert json.loads(files["plan.jsonl"].splitlines()[0])["device"] == folder


def test_plans_of_names_that_no_bundle_has_are_left_out(secret_run: Path, tmp_path: Path) -> None:
    for name in ("-x.plan", "é.plan", ".4-7.1.plan"):
        (secret_run / "devices" / NAME / "plans" / name).write_text("x")
    with opened(make_bundle(secret_run, tmp_path / "b.zip").out) as run:
        assert [path.name for path in run.path.glob("devices/*/plans/*")] == ["4-7.1.plan"]


def test_a_bundle_of_a_run_that_was_cut_short_names_no_folder_of_this_host(secret_run: Path, tmp_path: Path) -> None:
    manifest = json.loads((secret_run / "manifest.json").read_text())
    (secret_run / "manifest.json").write_text(json.dumps(manifest | {"status": "interrupted"}))
    with (secret_run / "plan.jsonl").open("a") as plan:
        job = {"device": NAME, "cluster": "4-7", "launch": 0, "layer": "conv1", "variants": ["naive"]}
        plan.write(json.dumps(job) + "\n")
    files = content(make_bundle(secret_run, tmp_path / "b.zip").out)
    for name in ("report.html", "summary.md"):
        text = files[name].decode()
        assert "To go on takes the run directory" in text and "--resume /" not in text and "harness-bundle-" not in text


def test_the_scheduler_of_a_lab_is_not_told(secret_run: Path, tmp_path: Path) -> None:
    manifest = json.loads((secret_run / "manifest.json").read_text())
    manifest["scheduler"] = {"address": "tls://dask.secret-lab.org:8786", "certificates": "/home/somebody/users"}
    manifest["argv"] += ["--scheduler", "tls://dask.secret-lab.org:8786"]
    (secret_run / "manifest.json").write_text(json.dumps(manifest))
    data = content(make_bundle(secret_run, tmp_path / "b.zip").out)["manifest.json"]
    assert b"secret-lab" not in data and json.loads(data)["scheduler"] is None


def test_its_numbers_are_those_of_the_run(secret_run: Path, tmp_path: Path) -> None:
    made = make_bundle(secret_run, tmp_path / "b.zip")
    with opened(made.out) as run:
        ours = [{**row.columns, "device": ""} for row in make_results(secret_run).rows]
        theirs = [{**row.columns, "device": ""} for row in make_results(run.path).rows]
    assert ours == theirs and len(ours) == 6


def test_the_same_run_gives_the_same_bytes(secret_run: Path, tmp_path: Path) -> None:
    first = make_bundle(secret_run, tmp_path / "1.zip").out.read_bytes()
    copy = shutil.copytree(secret_run, tmp_path / "elsewhere" / "COPY")
    assert make_bundle(copy, tmp_path / "2.zip").out.read_bytes() == first


def _later(run: Path) -> Path:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"run": "later"}))
    return run


def test_two_bundles_of_one_phone_are_of_one_phone_and_so_is_its_run_directory(tmp_path: Path) -> None:
    runs = [make_secret_run(tmp_path / "base"), _later(make_secret_run(tmp_path / "new"))]
    bundles = [make_bundle(run, tmp_path / f"{run.name}.zip").out for run in runs]
    with opened(bundles[0]) as base, opened(bundles[1]) as new:
        assert compare_runs(base.path, new.path).allowed == []
        assert compare_runs(runs[0], new.path).allowed == []
        assert compare_runs(base.path, runs[1]).allowed == []


def test_another_phone_is_another_one_in_bundles_too(tmp_path: Path) -> None:
    runs = [make_secret_run(tmp_path / "base", "pixel-3"), _later(make_secret_run(tmp_path / "new", "pixel-3"))]
    device = runs[1] / "devices" / "pixel-3" / "device.json"
    device.write_text(device.read_text().replace(NUMBER, "ce0917AB12ce"))
    bundles = [make_bundle(run, tmp_path / f"{run.name}.zip").out for run in runs]
    with (
        opened(bundles[0]) as base,
        opened(bundles[1]) as new,
        pytest.raises(UsageError, match="PHONE: pixel-3: another phone"),
    ):
        compare_runs(base.path, new.path)


def test_pseudonyms_of_two_keys_tell_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_secret_run(tmp_path / "base", "pixel-3")
    first = make_bundle(run, tmp_path / "1.zip").out
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other-user"))
    second = make_bundle(_later(run), tmp_path / "2.zip").out
    assert pseudonyms_of(first).isdisjoint(pseudonyms_of(second))
    with (
        opened(first) as base,
        opened(second) as new,
        pytest.raises(UsageError, match="PHONE: pixel-3: known by pseudonyms of two keys"),
    ):
        compare_runs(base.path, new.path)


def pseudonyms_of(bundle: Path) -> set[str]:
    """The words of it that stand for numbers."""
    files = content(bundle)
    device = json.loads(next(data for name, data in files.items() if name.endswith("device.json")))["identity"]
    return {device[name] for name in ("serial", "serialno", "second_mark", "pseudonyms")}


def test_the_key_is_of_this_user_alone_and_kept(secret_run: Path, tmp_path: Path) -> None:
    key = pseudonym_key.made_key()
    file = tmp_path / "state" / "harness" / "pseudonyms.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert pseudonym_key.made_key() == key == pseudonym_key.known_key()
    file.write_text("not hex\n")
    with pytest.raises(UsageError, match="no key of pseudonyms"):
        make_bundle(secret_run, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("status", ["interrupted", "running", "failed"])
def test_a_half_finished_run_keeps_its_mark(status: str, secret_run: Path, tmp_path: Path) -> None:
    manifest = json.loads((secret_run / "manifest.json").read_text())
    (secret_run / "manifest.json").write_text(json.dumps(manifest | {"status": status}))
    made = make_bundle(secret_run, tmp_path / "b.zip")
    assert list(made.remarks) == [f"the run is {status}: what it lacks is not in the bundle, which says so"]
    with opened(made.out) as run:
        assert run.remarks == (f"{made.out}: the run is {status}",)
        assert make_results(run.path).run.manifest["status"] == status


def test_digests_of_the_programs_are_told(secret_run: Path, tmp_path: Path) -> None:
    manifest = json.loads((secret_run / "manifest.json").read_text())
    manifest["toolchain"]["arm64-v8a"]["sha256"] = "cd" * 32
    manifest["workers"] = [{"name": "xnn", "program": "p", "files": [], "sha256": {"p": "ef" * 32}}]
    program = {"build_id": "b" * 40, "sha256": "12" * 32}
    manifest["against"] = [
        {"name": "/home/alice/b", "kind": "folder", "source": "/home/alice/b", "programs": {"arm64-v8a": program}}
    ]
    (secret_run / "manifest.json").write_text(json.dumps(manifest))
    about = json.loads(content(make_bundle(secret_run, tmp_path / "b.zip").out)["bundle.json"])
    assert about["programs"] == {"arm64-v8a": {"build_id": "0123456789ab" + "0" * 28, "sha256": "cd" * 32}}
    assert about["against"] == {"~/b": {"arm64-v8a": program}}
    assert about["workers"] == {"xnn": {"p": "ef" * 32}}


def test_a_number_that_would_stay_ends_it(secret_run: Path, tmp_path: Path) -> None:
    """In an encoding that nothing replaces: here a line that is no JSON and no UTF-8 around it."""
    plan = secret_run / "devices" / NAME / "plans" / f"{SERIAL}.1.plan"
    plan.write_text("convbench-plan 2\n")
    with pytest.raises(InfrastructureError, match="would still tell a phone's number"):
        make_bundle(secret_run, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_what_is_no_run_directory_is_refused(secret_run: Path, bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a bundle is made of a run directory"):
        make_bundle(bundle, None)
    with pytest.raises(UsageError, match="is no run directory"):
        make_bundle(tmp_path, None)
    lock = FileLock(secret_run / ".lock")
    with lock, pytest.raises(UsageError, match="is being written by a harness run"):
        make_bundle(secret_run, None)
    (secret_run / "devices" / NAME / "device.json").write_text("{")
    with pytest.raises(UsageError, match=r"device.json: it is damaged, and nothing else tells which numbers"):
        make_bundle(secret_run, None)
