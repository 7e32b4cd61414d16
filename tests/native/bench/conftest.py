"""convbench as built for these tests, plans for it, and its records checked against the schema."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from harness.store.records import Record, parse_record
from harness.toolchain.builder import build

if TYPE_CHECKING:
    from tests.native.conftest import Builds

SHAPE = {"kh": 3, "kw": 3, "pad": 1, "stride": 1, "dilation": 1, "groups": 1, "batch": 1, "min": "-inf", "max": "inf"}

R = TypeVar("R")


@pytest.fixture(scope="session")
def convbench() -> Path:
    """The program for this machine, as the tool builds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CC", raising=False)
        return build("host").path


@pytest.fixture(scope="session")
def broken_convbench(native_builds: Builds) -> Path:
    """The program whose micro-kernels compute one output of each tile wrongly."""
    return native_builds("broken").folder / "bench" / "convbench"


@pytest.fixture
def arm64_convbench(need_tool: Callable[[str], str], tmp_path: Path) -> Path:
    """A script that runs the arm64 program under emulation."""
    qemu = need_tool("qemu-aarch64-static")
    program = build("arm64-v8a", "zig").path
    script = tmp_path / "convbench-arm64"
    script.write_text(f'#!/bin/sh\nexec {qemu} {program} "$@"\n')
    script.chmod(0o755)
    return script


def variant_line(
    index: int,
    algorithm: str,
    schedule: str = "default",
    cache: str = "hot",
    *,
    build: int = 0,
    label: str = "",
) -> str:
    """A variant of face best where more was asked for than the default or a plain kernel, or another program."""
    ours = algorithm in ("naive", "im2col", "im2col-nchw", "direct", "indirect")
    face = "best" if not ours or schedule == "best" or "+" in schedule else "published"
    return (
        f"variant index={index} algorithm={algorithm} schedule={schedule} face={face} build={build} cache={cache} "
        f"threads=1 label={label}"
    )


def layer_line(name: str, h: int, w: int, cin: int, cout: int, **other: int | str) -> str:
    s = {**SHAPE, **other}
    pad, stride, dilation = s.pop("pad"), s.pop("stride"), s.pop("dilation")
    fields = {
        **{"name": name, "type": "f32", "layout": "nhwc", "h": h, "w": w, "kh": s["kh"], "kw": s["kw"]},
        **{key: s.get(key, pad) for key in ("pt", "pr", "pb", "pl")},
        **{key: s.get(key, stride) for key in ("sh", "sw")},
        **{key: s.get(key, dilation) for key in ("dh", "dw")},
        **{"groups": s["groups"], "batch": s["batch"], "cin": cin, "cout": cout, "min": s["min"], "max": s["max"]},
    }
    return "layer " + " ".join(f"{key}={value}" for key, value in fields.items())


@dataclass
class PlanText:
    """A small plan; change what a test is about, then `text()`."""

    run: dict[str, object] = field(
        default_factory=lambda: {"id": "t", "cluster": "0", "attempt": 1, "cpu": 0, "deadline_s": 60, "tool": "0"}
    )
    measure: dict[str, object] = field(
        default_factory=lambda: {
            **{
                "min_ns": 200000,
                "budget_s": 60,
                "launches": 1,
                "memory_bytes": 256 << 20,
                "settle_ms": 2,
                "settle_cold_ms": 2,
            },
            **{"worker_timeout_s": 30, "llc_bytes": 1 << 20},
        }
    )
    gate: str = "gate kind=none"
    extra: Sequence[str] = ()
    exe: str = ""
    foreign: Sequence[Path] = ()  # programs, each called as its file
    algorithms: Sequence[str] = ("im2col", "indirect")
    caches: Sequence[str] = ("hot",)
    layers: Sequence[str] = (layer_line("small", 14, 14, 16, 16),)
    launches: int = 1
    rounds: int = 2
    done: str = ""

    def variants(self) -> list[str]:
        names = [*((a, 0) for a in self.algorithms), *((p.name, n) for n, p in enumerate(self.foreign, 1))]
        every = [(name, build, cache) for cache in self.caches for name, build in names]
        return [variant_line(i, name, cache=cache, build=build) for i, (name, build, cache) in enumerate(every)]

    def jobs(self) -> list[str]:
        every = ",".join(str(i) for i in range(len(self.variants())))
        names = [line.split()[1].removeprefix("name=") for line in self.layers]
        return [
            f"job launch={launch} layer={name} seed={1000 + launch} rounds={self.rounds} variants={every} "
            f"done={self.done} first_round=0"
            for launch in range(self.launches)
            for name in names
        ]

    def lines(self) -> list[str]:
        def line(word: str, values: dict[str, object]) -> str:
            return " ".join([word, *(f"{key}={value}" for key, value in values.items())])

        return [
            *("convbench-plan 2", line("run", self.run), line("measure", self.measure), self.gate, *self.extra),
            f"build index=0 exe={self.exe} name=",
            *(f"build index={n} exe={p} name={p.name} foreign=1" for n, p in enumerate(self.foreign, 1)),
            *(*self.variants(), *self.layers, *self.jobs()),
        ]

    def text(self) -> str:
        return "\n".join(self.lines()) + "\n"


@dataclass(frozen=True)
class Result:
    """How a run of convbench ended, and its records."""

    code: int
    stderr: str
    records: list[Record]

    def of(self, kind: type[R]) -> list[R]:
        return [record for record in self.records if isinstance(record, kind)]


def read_records(path: Path) -> list[Record]:
    """The whole lines of a file of records, each checked against the schema, with `seq` counting up from 0."""
    lines = path.read_bytes().split(b"\n")[:-1]
    records = [parse_record(line) for line in lines]
    assert [record.seq for record in records] == list(range(len(records)))
    return records


@pytest.fixture
def plan() -> PlanText:
    return PlanText()


@pytest.fixture
def make_layer() -> Callable[..., str]:
    return layer_line


@pytest.fixture
def make_variant() -> Callable[..., str]:
    return variant_line


@pytest.fixture
def records_of() -> Callable[[Path], list[Record]]:
    return read_records


Run = Callable[..., Result]


@pytest.fixture
def run(convbench: Path, tmp_path: Path) -> Run:
    """`run(plan)`: runs it to its end; further arguments are subprocess.run's."""

    def run(plan: PlanText, program: Path = convbench, **how: Any) -> Result:
        path, out = tmp_path / "a.plan", tmp_path / "records.jsonl"
        path.write_text(plan.text())
        out.unlink(missing_ok=True)
        done = subprocess.run(
            [program, "run", path, "--out", out], capture_output=True, text=True, timeout=120, check=False, **how
        )
        return Result(done.returncode, done.stderr, read_records(out) if out.exists() else [])

    return run


@dataclass
class Started:
    """A running convbench."""

    process: subprocess.Popen[bytes]
    out: Path

    def workers(self) -> list[int]:
        """Its children, by /proc."""
        pid = self.process.pid
        try:
            return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    def finish(self) -> Result:
        _, stderr = self.process.communicate(timeout=60)
        return Result(self.process.returncode, stderr.decode(), read_records(self.out))


@pytest.fixture
def start(convbench: Path, tmp_path: Path) -> Iterator[Callable[[PlanText], Started]]:
    """`start(plan)`: runs it beside the test; ended with the test."""
    running: list[Started] = []

    def start(plan: PlanText) -> Started:
        path, out = tmp_path / "b.plan", tmp_path / "started.jsonl"
        path.write_text(plan.text())
        process = subprocess.Popen([convbench, "run", path, "--out", out], stderr=subprocess.PIPE, process_group=0)
        running.append(Started(process, out))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
