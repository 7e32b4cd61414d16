"""A small run with secrets wherever one could stand, its bundle, and hostile zip files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.bundle.making import make_bundle
from harness.devices.phone_id import PhoneId

SERIAL, NUMBER, MARK = "R58M40ABCDE", "ce0917AB12cd", "a1b2c3d4e5f6"
SERVER, HOME = "lab-host7:5037", "/home/alice"
PHONE = PhoneId(NUMBER, "Pixel 3", "blueline", SERIAL, MARK)
NAME = f"pixel-3-{PHONE.digest[:6]}"
LEFT_OUT = "pixel-3-0a1b2c"
SECRETS = (SERIAL, NUMBER, MARK, "lab-host7", HOME, PHONE.digest, PHONE.digest[:6], LEFT_OUT[-6:])

Alter = Callable[[Path], None]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def make_secret_run(path: Path, name: str = NAME) -> Path:
    """A run that tells its phone's numbers in every file that a run has."""
    phone = synthetic.Phone(name=name, serial=SERIAL, clusters=(("4-7", "Cortex-A75", 2803),))
    synthetic.make_run(path, [phone], synthetic.LAYERS[1:2], launches=4, rounds=2)
    device = path / "devices" / name / "device.json"
    value = json.loads(device.read_text())
    more = {"serialno": NUMBER, "board": "blueline", "second_mark": MARK, "host": SERVER, "adb": f"{HOME}/adb 41"}
    value["identity"] |= more
    value["notes"] = [f"the phone {NUMBER.lower()} is warm"]
    device.write_text(json.dumps(value))
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["argv"] = ["harness", "run", "--device", SERIAL, "--adb-server", SERVER, "--out", f"{HOME}/runs/1"]
    manifest["tuned"] = {name: {"4-7": "ab" * 32}}
    state = f"measured by bob.underhill on {SERVER.partition(':')[0]}, pid 77, since 2026-11-21 12:00:00 UTC"
    manifest["unusable"] = [{"name": LEFT_OUT, "conditions": ["BUSY"], "state": state, "remedy": f"ask {NUMBER}"}]
    manifest[f"by {SERIAL}"] = {"path": f"{HOME}/suite.yaml"}
    (path / "manifest.json").write_text(json.dumps(manifest))
    folder = device.parent
    (folder / "plans").mkdir()
    (folder / "plans" / "4-7.1.plan").write_text(f"convbench-plan 2\n# {SERIAL} at {HOME}/x\n")
    (folder / "events.jsonl").write_text(
        json.dumps({"event": "orphans", "spared": [f"/data/local/tmp/harness-{NUMBER}"], "digest": PHONE.digest}) + "\n"
    )
    (folder / "settings.jsonl").write_text(json.dumps({"setting": "x", "saved": f"{SERIAL}"}) + "\n{cut " + SERIAL)
    with (folder / "records.jsonl").open("a") as records:
        records.write(
            json.dumps({"type": "state", "seq": 9999, "launch": 0, "said": {"battery": f"id {SERIAL}"}}) + "\n"
        )
    (path / "exports").mkdir()
    (path / "exports" / "junit.xml").write_text(SERIAL)
    (path / f"notes-{SERIAL}.txt").write_text(SERIAL)
    return path


@pytest.fixture
def secret_run(tmp_path: Path) -> Path:
    return make_secret_run(tmp_path / "RUN")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The bundle of a small run without a report's size: few files, few bytes."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
    run = synthetic.make_run(tmp_path / "RUN", [phone], synthetic.LAYERS[1:2], launches=4, rounds=2)
    return make_bundle(run, tmp_path / "b.zip").out
