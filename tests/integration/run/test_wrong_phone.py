"""An address that another phone has by now, and a phone that has another address."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run directory."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_resume_refuses_another_phone_and_finds_the_same_one_elsewhere(bench: Any) -> None:
    with bench.lab.phone("pixel-3", properties={"ro.serialno": "8A9X0B1C2"}) as phone:
        address, port = phone.serial, phone.port
        began = bench.begin(bench.suite(launches=2, rounds=30, min_ms=20, block_budget_s=300), "--device", address)
        began.until_samples()
        began.process.send_signal(signal.SIGINT)
        assert began.end(60)[0] == 130
    measured = contents(bench.run.path)
    for model, serialno in (("galaxy-s8", "CE0117"), ("pixel-3", "8A9X0B1C3")):
        with bench.lab.phone(model, properties={"ro.serialno": serialno}, port=port) as other:
            assert other.serial == address
            refused = bench("run", "--resume", "run")
            assert refused.code == 3, refused.err
            assert "8A9X0B1C2" in refused.err and serialno in refused.err
            assert "attach the first to go on" in refused.err
            assert contents(bench.run.path) == measured
            bench.is_clean(other)
            if model == "pixel-3":  # the right one is attached as well, under another address
                resume_elsewhere(bench, address)


def resume_elsewhere(bench: Any, taken: str) -> None:
    before = bench.run.samples()
    bench.run.shorten(2)
    with bench.lab.phone("pixel-3", properties={"ro.serialno": "8A9X0B1C2"}) as phone:
        assert phone.serial != taken
        done = bench("run", "--resume", "run")
        assert done.code == 0, done.err
        assert before <= bench.run.samples()
        assert {key[0] for key in bench.run.samples()} == {"0-3", "4-7"}
        bench.run.tell_no_serial("8A9X0B1C2")
