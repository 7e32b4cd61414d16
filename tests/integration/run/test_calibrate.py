"""``harness calibrate`` over a virtual phone: each cluster has its noise floor, kept by the phone; nothing stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def test_each_cluster_of_a_phone(bench: Any, lab: Any) -> None:
    with lab.phone() as phone:
        suite = bench.suite("body", launches=4)
        done = bench("calibrate", suite, "--out", "run", "--json")
        assert done.code in (0, 4), done.err  # emulated: whether equals look equal is the host's matter
        (device,) = json.loads(done.out)["devices"]
        assert [(p["cluster"], p["cache"], p["pairs"]) for p in device["places"]] == [
            ("4-7", "hot", 1),
            ("0-3", "hot", 1),
        ]
        assert device["emulated"] is True
        text = Path(device["file"]).read_text()
        assert json.loads(text)["policies"]["policy"]["places"] == device["places"]
        assert phone.serial not in text and phone.serial not in done.out
        variants = {sample["variant"] for sample in bench.run.records("sample")}
        assert "indirect/aa" in variants and len(variants) == 2
        bench.is_clean(phone)
        assert bench.stay_on(phone) == "0"
        done = bench("run", suite, "--out", "later", "--algorithms", "indirect,im2col", "--clusters", "4-7")
        assert done.code == 0, done.err
        report = (bench.folder / "later" / "report.html").read_text()
        assert "Calibrated on " in report and "EMULATED" in report
