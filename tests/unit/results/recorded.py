"""Records of one cluster, made by hand: ten samples of a quiet device, and what the system said beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.results.run import DeviceData
from harness.results.stream import Stream, read_records
from tests.variants import fields

CAP = "policy4/scaling_max_freq"
HEADER = {
    "type": "header", "seq": 0, "version": 2, "run": "r", "attempt": 1, "cluster": "4-7", "cpu": 7,
    "build": "0" * 12, "compiler": "c", "flags": "f", "caches": {}, "plan_hash": "h", "boot_id": "b",
    "timer": {"name": "t", "tick_ns": 1, "cost_ns": 1}, "memory_budget": 1, "page_size": 4096,
    "conductor_pid": 1, "conductor_start_ticks": 1,
}  # fmt: skip
COUNT = 10


def sample(number: int, **other: Any) -> dict[str, Any]:
    """Every 100 ms one, of a quiet device."""
    return {
        "type": "sample", "launch": 0, "round": number, "position": 0, "layer": "a",
        **fields("indirect/x", cache="hot"), "calls": 1, "ns": 1e7, "window_ns": 1e7, "settle_ns": 1,
        "settle_capped": False, "cpu_before": 7, "cpu_after": 7, "nivcsw": 0, "faults": 0, "repinned": 0,
        "mhz_before": 2800.0, "mhz_after": 2800.0, "cpu_ns": 1e7, "span_ns": 1e7, "gflops_before": 40.0,
        "gflops_after": 40.0, "gbps_before": 12.0, "gbps_after": 12.0, "probe_ns": 250_000,
        "t_ns": (number + 1) * 100_000_000, "pid": 1, **other,
    }  # fmt: skip


def power(t_ms: int, *lines: str) -> dict[str, Any]:
    return {"type": "state", "launch": 0, "t_ns": t_ms * 1_000_000, "took_ns": 60_000_000, "said": {"power": lines}}


def thermal(t_ms: int, *lines: str) -> dict[str, Any]:
    return {**power(t_ms), "said": {"thermalservice": lines}}


def telemetry(t_ms: int, **other: Any) -> dict[str, Any]:
    return {"type": "telemetry", "launch": 0, "t_ns": t_ms * 1_000_000, "took_ns": 50_000, **other}


JOB = {"type": "job", "launch": 0, "layer": "a", "rounds": COUNT, "rounds_planned": COUNT, "complete": True}
JOB |= {"elapsed_s": 1.0}


def stream_of(folder: Path, *more: dict[str, Any], samples: list[dict[str, Any]] | None = None) -> Stream:
    every = [*more, *(samples if samples is not None else map(sample, range(COUNT))), JOB]
    every.append({"type": "end", "records": len(every) + 2, "reason": "done"})
    lines = [HEADER, *({**record, "seq": n} for n, record in enumerate(every, 1))]
    file = folder / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (found,), _ = read_records(file)
    return found


def device_of(stream: Stream, **other: Any) -> DeviceData:
    return DeviceData("p", "", {}, [], [], [stream], [], [], **other)
