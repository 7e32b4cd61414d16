"""Eight phones, another fault on each of five: three are measured whole, and the five are told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
    clean = sorted(name for name, samples in answer["samples"].items() if samples)
    assert len(clean) == 3, answer
    messages = [message for message in answer["messages"] if not any(message.startswith(name) for name in clean)]
    report = (bench.run.path / "report.html").read_text()
    said = "\n".join([*messages, done.err])
    for fault, words in FAULTS.values():
        assert re.search(words, said), (fault, said)
    for name in clean:
        assert name in report
