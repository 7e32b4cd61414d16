"""``harness tune`` over a virtual phone: a table of each cluster comes home, a run takes it there, nothing stays."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

pytestmark = pytest.mark.integration

ONE = ("--algorithms", "auto", "--clusters", "4-7", "--layers", "body")


def test_a_table_of_each_cluster(bench: Any, lab: Any) -> None:
    with lab.phone() as phone:
        done = bench("tune", bench.suite("body", "point"), "--out", "tables", "--budget", "0.2", "--json")
        assert done.code == 0, done.err
        (device,) = json.loads(done.out)["devices"]
        folder = bench.folder / "tables" / "pixel-3"
        assert sorted(file.name for file in folder.glob("*.tuned")) == ["0-3.tuned", "4-7.tuned"]
        for file in folder.glob("*.tuned"):
            lines = file.read_text().splitlines()
            assert lines[0].startswith("indirectconv-tuned 2 ") and " arm64:" in lines[0]
            assert len(lines) == 4 and lines[3].startswith("end 2 ")
        found = {(layer["cluster"], layer["layer"]) for layer in device["layers"]}
        assert found == {(cluster, layer) for cluster in ("0-3", "4-7") for layer in ("body", "point")}
        steps = [json.loads(line)["step"] for line in (folder / "settings.jsonl").read_text().splitlines()]
        assert "changed" in steps
        assert bench.stay_on(phone) == "0"
        bench.is_clean(phone)
        done = bench("run", "mine.yaml", *ONE, "--tuned", "tables", "--out", "run")
        assert done.code == 0, done.err
        expected = sha256((folder / "4-7.tuned").read_bytes()).hexdigest()
        assert [worker["table"] for worker in bench.run.records("worker")] == [{"sha256": expected, "refused": ""}]
        assert {layer["chosen_by"] for layer in bench.run.records("layer")} == {"table"}
        bench.is_clean(phone)
        again = bench("tune", bench.suite("body"), "--out", "tables", "--clusters", "900")
        assert again.code == 2 and "no usable cluster" in again.err
