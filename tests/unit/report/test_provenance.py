"""Provenance of a run by tuned tables: which table, why it was not taken, and what chose on which layer."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from harness.report.provenance import built_with, device_details
from harness.report.writer import write_report
from harness.results.run import read_run
from tests.variants import fields

pytestmark = pytest.mark.unit

WORKER = {
    "type": "worker", "launch": 0, "build": "b", "pid": 7, "cpus": "4", "clock": {"available": False},
    "peak": {"isa": "neon", "ok": False},
}  # fmt: skip
BYTES = {f"{kind}_bytes": 0 for kind in ("input", "output", "weights", "pointer", "matrix", "padding", "object")}
LAYER = {
    "type": "layer", "launch": 0, **fields("auto/direct_x", "auto", algorithm="direct", face="best"),
    "build": "b", "create_ns": 1, "reshape_ns": 1, **BYTES,
}  # fmt: skip


def details(run: Path, *found: dict[str, object]) -> list[tuple[str, str]]:
    """Those of the last run of convbench, with further records."""
    file = next(run.glob("devices/*/records.jsonl"))
    with file.open("a") as end:
        for number, record in enumerate(found, start=100_000):
            end.write(json.dumps({"seq": number, **record}) + "\n")
    (device,) = read_run(run).devices
    return device_details(device).attempts[-1].details


def test_the_table_and_what_chose(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=2, rounds=1)
    assert not [name for name, _ in details(run) if "table" in name or "auto" in name]
    by = [{**LAYER, "layer": name, "chosen_by": way} for name, way in (("a", "table"), ("b", "model"), ("c", "table"))]
    shown = details(run, {**WORKER, "table": {"sha256": "ab" * 32, "refused": ""}}, *by, *by)
    assert [pair for pair in shown if "table" in pair[0] or "auto" in pair[0]] == [
        ("tuned table, SHA-256", "ab" * 32),
        ("auto went by the table on", "a, c"),
        ("auto went by the model on", "b"),
    ]
    write_report(run)
    assert "ab" * 32 in (run / "report.html").read_text()


def test_a_refused_table(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=2, rounds=1)
    refused = {**WORKER, "table": {"sha256": "ab" * 32, "refused": "of another <CPU>"}}
    unread = {**WORKER, "table": {"sha256": "", "refused": "cannot be read"}}
    shown = details(run, refused, refused, unread)
    assert [text for name, text in shown if "table" in name] == [
        "ab" * 32 + ", not used: of another <CPU>",
        "unknown, not used: cannot be read",
    ]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            {"toolchain": "ndk", "revision": "27.2.12479018", "compiler": "clang version 18.0.3"},
            "Built for arm64-v8a with NDK 27.2.12479018 (clang version 18.0.3), -O2.",
        ),
        ({"toolchain": "zig", "revision": "0.17.1"}, "Built for arm64-v8a with zig 0.17.1, -O2."),
        (
            {"toolchain": "host", "compiler": "/usr/bin/gcc", "revision": "gcc (Debian) 12.2.0"},
            "Built for arm64-v8a with gcc (Debian) 12.2.0, -O2.",
        ),
        ("damaged", "Built for arm64-v8a with an unknown toolchain, -O2."),
    ],
)
def test_the_summary_names_the_toolchain(synthetic: ModuleType, tmp_path: Path, told: object, sentence: str) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=2, rounds=1)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["toolchain"] = {"arm64-v8a": {"compiler": told, "flags": {"every_file": ["-O2", "-std=c11"]}}}
    (run / "manifest.json").write_text(json.dumps(manifest))
    write_report(run)
    assert f"{sentence}\n\n" in (run / "summary.md").read_text().replace("\\", "")
    manifest["toolchain"] = []
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert built_with(read_run(run)) == ""


def test_workers_of_somebody_else_are_named_with_their_files_and_processes(
    synthetic: ModuleType, tmp_path: Path
) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=1, rounds=1)
    details(run, {**WORKER, "build": "xnn", "pid": 77})
    file = run / "manifest.json"
    kept = {"name": "xnn", "program": "/p/xnn", "files": [], "sha256": {"xnn": "ab" * 32}}
    file.write_text(json.dumps({**json.loads(file.read_text()), "workers": [kept]}))
    html = write_report(run).report.read_text()
    assert "name xnn; program /p/xnn; sha256 xnn " + "ab" * 32 in html
    assert "xnn, pid 77 on CPU" in html
