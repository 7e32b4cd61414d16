"""`harness run --device local` whole: files, interruption, resume, faults in mid-sample, dumps, the wheel."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

SLOW = "launches: 4\nrounds: 60\nmin_ms: 5\nblock_budget_s: 60\ncache: [hot]\nverdicts: false\n"
LAYERS = (
    "  - {name: wide, h: 14, w: 14, kh: 3, kw: 3, pad: 1, cin: 32, cout: 64}\n"
    "  - {name: point, h: 28, w: 28, kh: 1, kw: 1, cin: 64, cout: 64}\n"
)


def records(run: Path) -> list[dict[str, Any]]:
    """All whole records of a local run."""
    lines = (run / "devices" / "local" / "records.jsonl").read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def identities(run: Path) -> Counter[tuple[Any, ...]]:
    keys = ("launch", "round", "position", "layer", "variant", "cache", "build")
    return Counter(tuple(r[k] for k in keys) for r in records(run) if r["type"] == "sample")


@pytest.fixture
def slow_suite(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A suite that measures for about a minute; its parameter: further keys."""
    keys = getattr(request, "param", "")
    (tmp_path / "slow.yaml").write_text(SLOW)
    (tmp_path / "suite.yaml").write_text(f"suite: mine\npolicy: ./slow.yaml\n{keys}layers:\n{LAYERS}")
    return str(tmp_path / "suite.yaml")


@pytest.fixture
def started(tmp_path: Path, slow_suite: str) -> Iterator[subprocess.Popen[str]]:
    """A run in progress into tmp_path/run, with samples on record."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "run", slow_suite, "--device", "local", "--out", str(tmp_path / "run")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: any(r["type"] == "sample" for r in records(tmp_path / "run")))
    yield process
    process.kill()
    process.communicate()


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def workers(run: Path) -> list[int]:
    """Worker processes of a run that live now."""
    header = next(r for r in records(run) if r["type"] == "header")
    children = Path(f"/proc/{header['conductor_pid']}/task/{header['conductor_pid']}/children").read_text()
    return [int(pid) for pid in children.split()]


def shorten(run: Path, rounds: int) -> None:
    """Lets a resumed run end soon."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["policy"]["rounds"] = rounds
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_a_run_has_everything(harness: Callable[..., Any], tmp_path: Path) -> None:
    done = harness("run", "smoke", "--device", "local", "--out", "run", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["sentences"] and answer["exit_code"] == 0
    run = tmp_path / "run"
    for name in ("manifest.json", "plan.jsonl", "report.html", "summary.md", "results.csv", "categories.csv"):
        assert (run / name).stat().st_size > 0
    rows = list(csv.DictReader((run / "results.csv").open()))
    assert {row["status"] for row in rows} == {"ok", "skip"}
    assert {row["category"] for row in rows} == {"1x1s1", "1x1s2", "larger", "grouped"}
    assert max(identities(run).values()) == 1
    kept = records(run)
    assert kept[0]["type"] == "header" and kept[-1]["type"] == "end" and kept[-1]["records"] == len(kept)
    pids = [r["pid"] for r in kept if r["type"] == "worker"]
    assert len(pids) == len(set(pids)) == 4
    first = (run / "report.html").read_bytes(), (run / "results.csv").read_bytes()
    assert harness("report", "run").code == 0
    assert (run / "results.csv").read_bytes() == first[1]


@pytest.mark.parametrize("slow_suite", ["", "faces: [published, best]\n"], indirect=True, ids=["published", "both"])
def test_interrupt_keeps_and_resume_completes(
    harness: Callable[..., Any], started: subprocess.Popen[str], tmp_path: Path, slow_suite: str
) -> None:
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "--resume" in err and "Traceback" not in err
    run = tmp_path / "run"
    before = identities(run)
    assert before
    shorten(run, 3)
    done = harness("run", "--resume", "run")
    assert done.code == 0, done.err
    after = identities(run)
    assert before <= after and max(after.values()) == 1
    assert {key[0] for key in after} == {0, 1, 2, 3}
    assert json.loads((run / "manifest.json").read_text())["status"] == "done"
    rows = list(csv.DictReader((run / "results.csv").open()))
    assert {row["status"] for row in rows} == {"ok", "skip"}
    both = "faces" in Path(slow_suite).read_text()
    assert {row["face"] for row in rows} == ({"published", "best"} if both else {"published"})
    assert sum(row["variant"].startswith("auto/") for row in rows) == (2 if both else 0)
    assert (run / "faces.csv").exists() == both
    assert ("Best face" in (run / "report.html").read_text()) == both


def test_kill_leaves_an_orphan_that_resume_takes_over(
    harness: Callable[..., Any], started: subprocess.Popen[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    started.kill()
    started.wait()
    spawned = [json.loads(x) for x in (run / "devices/local/events.jsonl").read_text().splitlines()][-1]
    assert spawned["event"] == "spawned"
    assert Path(f"/proc/{spawned['pid']}").exists(), "the conductor goes on without the host"
    before = (run / "devices/local/records.jsonl").read_bytes()
    assert harness("report", "run").code == 0
    shorten(run, 3)
    done = harness("run", "--resume", "run")
    assert done.code == 0, done.err
    after = (run / "devices/local/records.jsonl").read_bytes()
    assert after.startswith(before[: before.rfind(b"\n") + 1])
    assert max(identities(run).values()) == 1
    assert not Path(f"/proc/{spawned['pid']}").exists()
    events = (run / "devices/local/events.jsonl").read_text()
    # Not "orphan stopped": a run of another test may have swept it before (unit/measure/run/test_orphan.py has it).
    assert "orphan taken over" in events and "removed" in events


def test_a_worker_that_dies_ends_only_its_variant(
    harness: Callable[..., Any], started: subprocess.Popen[str], tmp_path: Path
) -> None:
    """One that hangs is given up after a minute: shown on a phone (integration/run/test_faults.py)."""
    run = tmp_path / "run"
    (pid,) = workers(run)
    os.kill(pid, signal.SIGSEGV)
    wait_for(lambda: any(r["type"] == "error" for r in records(run)))
    error = next(r for r in records(run) if r["type"] == "error")
    assert "signal 11" in error["reason"] or error["signal"] == signal.SIGSEGV
    count = len(records(run))
    wait_for(lambda: any(r["type"] == "sample" for r in records(run)[count:]))
    others = {r["variant"] for r in records(run)[count:] if r["type"] == "sample"}
    assert others
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert error["variant"] in err
    shorten(run, 1)
    done = harness("run", "--resume", "run")
    assert done.code == 3, "what crashed before the interruption counts"
    assert error["variant"] in done.err


def test_verify_dump_against_numpy(
    harness: Callable[..., Any], compare_dump: Callable[[Path], int], tmp_path: Path
) -> None:
    done = harness("verify", "smoke", "--device", "local", "--dump", "dump", "--json")
    assert done.code == 0, done.err
    (answer,) = json.loads(done.out)["devices"]
    assert answer["right"] >= 12 and not answer["wrong"]
    folder = tmp_path / "dump" / "local"
    assert compare_dump(folder) == answer["right"]


def test_the_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    site = tmp_path / "site"
    base = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = tmp_path / "wheels"
    subprocess.run([*base, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, root], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*base, "install", "--no-deps", "--no-index", "--target", site, wheel], check=True)
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from harness.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, str(site), "run", "smoke", "--layers", "body*", "--device", "local"],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "latest" / "report.html").exists()
    assert (tmp_path / "cache" / "harness" / "host" / "convbench").exists()
    assert json.loads((tmp_path / "runs" / "latest" / "manifest.json").read_text())["git"] is None
