"""Eight phones, another fault on each of five: three are measured whole, and the five are told apart."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from harness.lab import manager, rehearsal
from harness.lab.manager import PhoneHandle

pytestmark = [pytest.mark.integration, pytest.mark.faults]

MODELS = ("pixel-3", "pixel-3", "pixel-3", "pixel-3", "pixel-3", "galaxy-s8", "pixel-2-xl", "pixel-8")
# By the phone's place: the fault, and what is said of that phone.
FAULTS = {
    0: ("push=denied", "Permission denied"),
    1: ("work-folder=absent", "No such file|not there|absent"),
    2: ("disk=full", "[Nn]o space"),
    3: ("state=unauthorized", "unauthorized"),
    4: ("shell=v1", "shell v2"),
}


@pytest.fixture(scope="module")
def phones(lab: Any) -> Iterator[list[PhoneHandle]]:
    with lab.active():
        made = manager.up(MODELS, say=lambda _: None)
        for place, (fault, _) in FAULTS.items():
            rehearsal.put_on(made[place], fault)
        yield made
        manager.down([phone.serial for phone in made])


def test_five_faults_among_eight_phones(bench: Any, phones: list[PhoneHandle]) -> None:
    done = bench("run", bench.suite(launches=1), "--device", "all", "--out", "run", "--json")
    assert done.code == 3, done.err
    answer = json.loads(done.out)
    names = {
        json.loads(file.read_text())["identity"]["serial"]: file.parent.name
        for file in bench.run.path.glob("devices/*/device.json")
    }
    refused = {each["serial"]: f"{each['state']} {each['remedy']}" for each in answer["unusable"]}
    kept = {each["name"]: each for each in bench.run.manifest["unusable"]}
    report = html.unescape((bench.run.path / "report.html").read_text())
    summary = (bench.run.path / "summary.md").read_text().replace("\\", "")
    for place, phone in enumerate(phones):
        name = names.get(phone.serial, "")
        if place not in FAULTS:
            assert answer["samples"][name] and name in report, (place, answer)
            continue
        fault, words = FAULTS[place]
        if phone.serial in refused:
            said = refused[phone.serial]
            (name,) = (each for each in kept if each.endswith(sha256(phone.serial.encode()).hexdigest()[:6]))
        else:
            said = "\n".join(message for message in answer["messages"] if message.startswith(f"{name}: "))
        assert not answer["samples"].get(name), (fault, answer)
        assert re.search(words, said), (fault, said)
        for page in (report, summary):
            assert re.search(rf"{re.escape(name)}\b.{{0,600}}?(?:{words})", page, re.DOTALL | re.IGNORECASE), (
                fault,
                name,
                page,
            )
