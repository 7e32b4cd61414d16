"""One run directory of many jobs: what is put together, what is missing, what is refused."""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.synthetic import Phone
from harness.bundle.making import make_bundle
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.farm.collect import collect
from harness.results.results import make_results
from harness.results.run import read_run
from harness.store.journal import read_lines
from harness.store.rundir import RunDir
from tests.unit.farm.jobs import CLUSTERS, LAYERS, ONE, PIXEL_8, TWO, change, collected, hostile, job, lose, zipped

pytestmark = pytest.mark.unit


def rows(run: Path) -> Counter[tuple[str, str, str]]:
    return Counter((row.key.device, row.key.layer, row.status) for row in make_results(run).rows)


def refusal(jobs: Path) -> str:
    """Why nothing was made of it: one message, exit code 2, and no folder is left."""
    with pytest.raises(HarnessError) as error:
        collected(jobs)
    assert error.value.exit_code == ExitCode.USAGE and error.value.remedy
    assert not (jobs.parent / "all").exists()
    return error.value.message


def test_shards_and_devices_are_one_run(jobs: Path) -> None:
    job(jobs / "a" / "run", ONE, 1, 2)
    zipped(job(jobs.parent / "b", ONE, 2, 2), jobs / "b.zip", "Host/$LOGS/run/", [("Host/log.txt", b"hello")])
    zipped(job(jobs.parent / "c", PIXEL_8, 1, 2), jobs / "c.zip")
    job(jobs / "d" / "deeper" / "run", PIXEL_8, 2, 2)
    done = collected(jobs)
    assert (done.code, done.missing, done.remarks) == (ExitCode.DONE, (), ())
    assert done.devices == ("pixel-3", "pixel-8")
    assert [(each["shard"], each["devices"], each["kept"]) for each in done.jobs] == [
        (1, ["pixel-3"], True), (2, ["pixel-3"], True), (1, ["pixel-8"], True), (2, ["pixel-8"], True)
    ]  # fmt: skip
    found = rows(done.directory)
    assert {(device, layer) for device, layer, _ in found} == {(d, e["name"]) for d in done.devices for e in LAYERS}
    assert {status for _, _, status in found} == {"ok", "skip"}
    manifest = RunDir(done.directory).manifest()
    assert manifest.status == "done" and manifest.model_dump()["shard"] is None
    headers = [
        line["attempt"]
        for line in read_lines(done.directory / "devices/pixel-3/records.jsonl")
        if line["type"] == "header"
    ]
    assert headers == [1, 2]


def test_bundles_are_artefacts_too(jobs: Path) -> None:
    """The same phone has one pseudonym in all bundles of one host: its shards come together."""
    for index in (1, 2):
        make_bundle(job(jobs.parent / f"run{index}", ONE, index, 2), jobs / f"{index}.zip", None)
    done = collected(jobs)
    assert (done.code, done.missing, len(done.devices)) == (ExitCode.DONE, (), 1)
    assert ONE.serial not in (done.directory / "devices" / done.devices[0] / "device.json").read_text()
    (jobs / "1.zip").write_bytes((jobs / "1.zip").read_bytes().replace(b"SHA256SUMS", b"SHA256SUNS", 1))
    with pytest.raises(UsageError, match=r"1\.zip"):
        collect(jobs, jobs.parent / "more", None, [])


def test_two_phones_of_a_model_under_one_name(jobs: Path) -> None:
    job(jobs / "a" / "run", ONE)
    job(jobs / "b" / "run", TWO)
    done = collected(jobs)
    assert done.code == ExitCode.DONE and len(set(done.devices)) == 2
    assert all(name.startswith("pixel-3-") for name in done.devices)
    assert {device for device, _, _ in rows(done.directory)} == set(done.devices)
    for name in done.devices:
        assert json.loads((done.directory / "devices" / name / "device.json").read_text())["name"] == name


def test_a_model_divides_the_shards_among_its_phones(jobs: Path) -> None:
    job(jobs / "a" / "run", ONE, 1, 2)
    job(jobs / "b" / "run", TWO, 2, 2)
    done = collected(jobs)
    assert (done.code, done.missing) == (ExitCode.DONE, ())


def test_a_missing_shard_is_named_and_its_rows_are_missing(jobs: Path) -> None:
    for index in (1, 3):
        job(jobs / str(index) / "run", ONE, index, 3)
    (jobs / "2").mkdir()
    done = collected(jobs)
    assert done.code == ExitCode.INFRASTRUCTURE
    assert [text for text in done.missing if "shard" in text] == ["Pixel 3: shard 2/3 never came"]
    assert [text for text in done.missing if text.startswith("2: ")] == [
        "2: no run directory in it: the job ended before it measured anything"
    ]
    found = rows(done.directory)
    assert {layer for _, layer, status in found if status == "missing"} == {LAYERS[1]["name"]}
    assert RunDir(done.directory).manifest().status == "failed"


def test_a_job_that_was_killed_is_told(jobs: Path) -> None:
    job(jobs / "a" / "run", PIXEL_8)
    lose(job(jobs / "b" / "run", ONE), 12)
    done = collected(jobs)
    assert done.code == ExitCode.INFRASTRUCTURE
    (text,) = done.missing
    assert text.startswith("pixel-3: not measured: cluster 4-7: launch 2: ")
    assert RunDir(done.directory).manifest().status == "interrupted"
    assert not read_run(done.directory).faults
    assert (done.directory / "devices/pixel-3/records.jsonl").read_bytes().endswith(b"}\n")


def test_of_a_job_that_ran_again_the_complete_one_is_kept(jobs: Path) -> None:
    lose(job(jobs / "a" / "run", ONE, started="2026-11-21T13:00:00Z"), 12)
    job(jobs / "b" / "run", ONE, started="2026-11-21T12:00:00Z")
    done = collected(jobs)
    assert (done.code, done.missing) == (ExitCode.DONE, ())
    assert done.remarks == ("pixel-3: the run is there twice, in a/run and b/run: b/run is kept, which lacks less",)
    assert [each["kept"] for each in done.jobs] == [False, True]
    assert {status for _, _, status in rows(done.directory)} == {"ok", "skip"}


def test_a_device_that_sent_nothing(jobs: Path) -> None:
    run = job(jobs / "a" / "run", ONE)
    change(run, devices=["pixel-3", "pixel-8"])
    done = collected(jobs, require=2)
    assert done.code == ExitCode.INFRASTRUCTURE
    assert done.missing == ("a/run: nothing was recorded on pixel-8", "1 of 2 devices sent something")


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"seed": 2}, "seed"),
        ({"algorithms": ["indirect"], "threads": [2]}, "algorithms, threads"),
        ({"toolchain": {"arm64-v8a": {"build_id": "f" * 40}}}, "convbench of arm64-v8a"),
        ({"workers": [{"name": "w", "program": "/x", "files": [], "sha256": {"x": "0" * 64}}]}, "workers"),
        ({"shard": {"index": 1, "count": 4, "plan": "ab" * 32, "layers": []}}, "2 and 4 shards"),
        ({"shard": {"index": 2, "count": 2, "plan": "cd" * 32, "layers": []}}, "the plan of the shards"),
    ],
)
def test_two_plans_are_refused(changes: dict[str, object], differs: str, jobs: Path) -> None:
    job(jobs / "a" / "run", ONE, 1, 2)
    change(job(jobs / "b" / "run", ONE, 2, 2), **changes)
    assert refusal(jobs) == f"a/run and b/run are of two different plans: {differs}"


def test_shards_that_have_one_job_are_refused(jobs: Path) -> None:
    job(jobs / "a" / "run", ONE, 1, 2)
    change(job(jobs / "b" / "run", ONE, 1, 2), shard={"index": 2, "count": 2, "plan": "ab" * 32, "layers": []})
    assert refusal(jobs) == "pixel-3: two shards have one job: they are no shards of one plan"


def test_a_manifest_that_is_cut_is_a_missing_job(jobs: Path) -> None:
    job(jobs / "a" / "run", ONE)
    run = job(jobs / "b" / "run", PIXEL_8)
    (run / "manifest.json").write_bytes((run / "manifest.json").read_bytes()[:100])
    done = collected(jobs)
    assert done.missing == ("b/run: its manifest.json is cut short or damaged",)
    assert done.devices == ("pixel-3",)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({}, "b.zip: its manifest.json is damaged: schema: "),
        ([], "b.zip: its manifest.json is damaged: the file: "),
        ({"schema": 1}, "b.zip: it is a run directory of version 1: harness 0.1 reads it"),
        ({"seed": "x"}, "b.zip: its manifest.json is damaged: seed: "),
        ({"devices": ["../x"]}, "b.zip: '../x' is no device name"),
        ({"suite": {"name": "../../x", "layers": []}}, "b.zip: its manifest.json is damaged: suite.name"),
        ({"suite": {"name": "x"}}, "b.zip: manifest.json is damaged: 'layers'"),
        ({"shard": {"index": 3, "count": 2, "plan": "ab" * 32, "layers": []}}, "b.zip: its manifest.json is damaged: "),
    ],
)
def test_a_manifest_that_is_none_is_a_missing_job(manifest: object, words: str, jobs: Path) -> None:
    """The message names the artefact, not the folder that it was unpacked in."""
    job(jobs / "a" / "run", ONE)
    run = job(jobs.parent / "b", PIXEL_8)
    if isinstance(manifest, dict) and manifest:
        change(run, **manifest)
    else:
        (run / "manifest.json").write_text(json.dumps(manifest))
    zipped(run, jobs / "b.zip")
    done = collected(jobs)
    assert (done.code, done.devices) == (ExitCode.INFRASTRUCTURE, ("pixel-3",))
    (told,) = done.missing
    assert told.startswith(words) and "harness-collect-" not in told


@pytest.mark.parametrize("attempt", ["Infinity", "1.5", "true", "0", "9" * 400])
def test_an_attempt_that_is_no_number(attempt: str, jobs: Path) -> None:
    job(jobs / "a" / "run", ONE, 1, 2)
    records = job(jobs / "b" / "run", ONE, 2, 2) / "devices/pixel-3/records.jsonl"
    records.write_bytes(records.read_bytes().replace(b'"attempt": 1,', f'"attempt": {attempt},'.encode()))
    assert f'"attempt": {attempt},' in records.read_text()
    done = collected(jobs)
    assert done.devices == ("pixel-3",) and rows(done.directory)


def test_what_failed_leaves_no_folder(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise InfrastructureError("the disk is full", "free some space")

    job(jobs / "a" / "run", ONE)
    monkeypatch.setattr("harness.farm.merging.write_phone", fails)
    with pytest.raises(InfrastructureError, match="the disk is full"):
        collected(jobs)
    assert not (jobs.parent / "all").exists()


def test_what_was_collected_before_is_passed_over(jobs: Path) -> None:
    """The same command twice, in the folder of the artefacts."""
    job(jobs / "a" / "run", ONE)
    collect(jobs, jobs / "runs" / "1", None, [])
    done = collect(jobs, jobs / "runs" / "2", None, [])
    assert (done.code, done.devices, len(done.jobs)) == (ExitCode.DONE, ("pixel-3",), 1)
    assert done.remarks == ("runs/1: it is what was collected before, and no job's run: passed over",)


def test_this_machine_of_two_runs_is_two_machines(jobs: Path) -> None:
    """They have one product name and board, and no number. The same run twice is one."""
    machine = Phone("local", "Virtual Machine", "", clusters=CLUSTERS)
    for name in "abc":
        run = job(jobs / name / "run", machine, 1 + (name == "b"), 2)
        file = run / "devices/local/device.json"
        value = json.loads(file.read_text())
        value["identity"] |= {"serial": "local", "serialno": "", "kind": "local"}
        file.write_text(json.dumps(value))
    manifest = jobs / "c" / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"run-c"', '"run-a"'))
    done = collected(jobs)
    assert (done.code, done.missing, len(done.devices), len(set(done.devices))) == (ExitCode.DONE, (), 2, 2)
    assert [each["devices"][0] for each in done.jobs] == [done.devices[0], done.devices[1], done.devices[0]]
    assert len(done.remarks) == 1 and "is the same run" in done.remarks[0]


def test_of_many_missing_shards_a_few_are_named(jobs: Path) -> None:
    change(
        job(jobs / "a" / "run", ONE, 1, 3),
        shard={"index": 1, "count": 1000, "plan": "ab" * 32, "layers": [LAYERS[0]["name"]]},
    )
    (told,) = (text for text in collected(jobs).missing if "shard" in text)
    assert told.endswith("8/1000, 9/1000 and 991 more never came")


def test_what_lies_beside_a_run_is_none_of_it(jobs: Path) -> None:
    """Names that nobody unpacks, folders that are too deep, files of lines that are alike."""
    event = b'{"event":"told","messages":["the same"]}\n'
    run = job(jobs.parent / "a", ONE)
    (run / "devices/pixel-3/events.jsonl").write_bytes(event * 50_000)
    zipped(run, jobs / "a.zip", "run/", [("C:/x", b"x"), (f"run/{'n/' * 200}x", b"x")])
    deep = job(jobs / "b" / "run", PIXEL_8).parent / "node_modules" / "/".join("n" * 12)
    deep.mkdir(parents=True)
    done = collected(jobs)
    assert (done.code, done.devices) == (ExitCode.DONE, ("pixel-3", "pixel-8"))
    assert done.remarks == (
        f"b: not looked into, for it is more than 12 folders deep: {deep.relative_to(jobs).as_posix()}",
    )


def test_more_runs_than_a_job_leaves(jobs: Path) -> None:
    with zipfile.ZipFile(jobs / "a.zip", "w") as archive:
        for number in range(65):
            archive.writestr(f"{number}/manifest.json", "{}")
            archive.writestr(f"{number}/plan.jsonl", "")
    assert refusal(jobs) == "a.zip: it has 65 run directories, the most is 64"


def test_a_zip_file_that_is_cut_is_a_missing_job(jobs: Path) -> None:
    job(jobs / "a" / "run", ONE)
    file = zipped(job(jobs.parent / "b", PIXEL_8), jobs / "b.zip")
    file.write_bytes(file.read_bytes()[:-100])
    done = collected(jobs)
    assert (done.code, done.missing) == (ExitCode.INFRASTRUCTURE, ("b.zip: it is no zip file, or is cut short",))


def test_links_are_refused(jobs: Path) -> None:
    run = job(jobs / "a" / "run", ONE)
    (jobs / "a" / "latest").symlink_to("run")  # not a part of a run: passed over
    assert collected(jobs).code == ExitCode.DONE
    for path in (jobs.parent / "all").rglob("*"):
        assert not path.is_symlink()
    records = run / "devices/pixel-3/records.jsonl"
    records.rename(jobs.parent / "elsewhere")
    records.symlink_to(jobs.parent / "elsewhere")
    with pytest.raises(UsageError, match=r"a/run: devices/pixel-3/records\.jsonl is a link"):
        collect(jobs, jobs.parent / "more", None, [])
    records.unlink()
    os.mkfifo(records)
    with pytest.raises(UsageError, match=r"records\.jsonl is no plain file"):
        collect(jobs, jobs.parent / "more", None, [])
    (jobs / "0").symlink_to("a")
    with pytest.raises(UsageError, match="0 is a link"):
        collect(jobs, jobs.parent / "more", None, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil", "its path leads out of the archive"),
        ("run/../../evil", "its path leads out of the archive"),
        ("/etc/passwd", "its path does not begin in the archive"),
        ("run/plan.jsonl", "it is there more than once"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_do_harm(name: str, words: str, jobs: Path) -> None:
    hostile(jobs / "a.zip", lambda _: None, name)
    assert words in refusal(jobs)
    assert sorted(path.name for path in jobs.parent.iterdir()) == ["jobs"]


def test_links_and_bombs_in_a_zip_file(jobs: Path) -> None:
    records = "run/devices/pixel-3/records.jsonl"
    hostile(jobs / "a.zip", lambda info: setattr(info, "external_attr", 0o120777 << 16), records, b"/etc/passwd")
    assert refusal(jobs) == f"a.zip: {records}: it is a link"
    hostile(jobs / "a.zip", lambda _: None, records, bytes(33 << 20))
    assert "it would have more than 100 times the size that it has in the archive" in refusal(jobs)


def test_no_artefact_arrived(jobs: Path) -> None:
    with pytest.raises(InfrastructureError, match="no artefact arrived"):
        collected(jobs)


def test_folders_that_are_none_of_it(jobs: Path) -> None:
    (jobs / "log.txt").write_text("hello")
    assert "has neither folders nor zip files" in refusal(jobs)
    job(jobs, ONE)
    assert "is one run directory" in refusal(jobs)
    with pytest.raises(UsageError, match="No such file"):
        collect(jobs / "nope", None, None, [])


def test_nothing_at_all_was_measured(jobs: Path) -> None:
    (jobs / "a").mkdir()
    with pytest.raises(InfrastructureError, match="nothing was measured: a: no run directory"):
        collected(jobs)
    assert not (jobs.parent / "all").exists()
