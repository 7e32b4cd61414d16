"""``harness run --worker``: programs of somebody else beside ours, on this machine and on a virtual phone."""

from __future__ import annotations

import csv
import json
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli import program
from harness.exit_codes import ExitCode
from harness.measure.run import clusterplan
from harness.plan.planfile import MeasureLine
from harness.toolchain import cmake

pytestmark = pytest.mark.integration

WORKERS = Path(__file__).parents[3] / "native" / "workers"
PHONE, HERE = "aarch64-linux-musl", f"{platform.machine()}-linux-musl"
# What is wrong with each; the object of a layer is where its output goes.
FAULTY = {
    "liar": "(void)object;",
    "dying": "abort();",
    "hanging": "for (;;) pause();",
}
SOURCE = """
#include "shim.h"
#include <stdlib.h>
#include <unistd.h>
static const char *create(const shim_layer *layer, const shim_tensors *tensors, void **object) {
    *object = tensors->output;
    return layer->groups > 1 ? "groups are not covered" : NULL;
}
static const char *run(void *object) { %s (void)object; return NULL; }
static void destroy(void *object) { (void)object; }
int main(int argc, char **argv) {
    const shim_functions functions = {create, run, destroy};
    return shim_main(argc, argv, &functions);
}
"""


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], str]:
    """``worker("example", PHONE)``: the path of a static worker for that target: the example, or one of FAULTY."""
    folder = tmp_path_factory.mktemp("workers")
    made: dict[tuple[str, str], str] = {}

    def build(name: str, target: str) -> str:
        if (name, target) not in made:
            source = WORKERS / f"{name}.c"
            if name in FAULTY:
                source = folder / f"{name}.c"
                source.write_text(SOURCE % FAULTY[name])
            made[name, target] = str(folder / f"{name}-{target}")
            argv = [str(cmake.zig_program()), "cc", "-target", target, "-static", "-O2", "-I", str(WORKERS)]
            argv += ["-o", made[name, target], str(source), str(WORKERS / "shim.c"), "-lm"]
            done = subprocess.run(argv, capture_output=True, text=True, env=cmake.environment(), check=False)
            assert done.returncode == 0, done.stderr
        return made[name, target]

    return build


def named(worker: Callable[[str, str], str], target: str, *names: str) -> list[str]:
    """Options of ``harness run``."""
    return [word for name in names for word in ("--worker", f"{name}={worker(name, target)}")]


def rows(run: Path) -> dict[str, set[tuple[str, bool]]]:
    """Of results.csv: by algorithm, status and whether there is a time."""
    found: dict[str, set[tuple[str, bool]]] = {}
    with (run / "results.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["status"] != "skip":
                found.setdefault(row["algorithm"], set()).add((row["status"], row["median_ns"] != ""))
    return found


@dataclass(frozen=True)
class Impatient(MeasureLine):
    """Gives a worker that is silent up after two seconds."""

    worker_timeout_s: int = 2


def local(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *argv: str
) -> tuple[int, str]:
    """A run on this machine, within this process, and all that it said."""
    monkeypatch.setattr(clusterplan, "MeasureLine", Impatient)
    monkeypatch.chdir(bench.folder)
    code = program.run(["run", bench.suite("body", "point"), "--device", "local", "--out", "run", *argv])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_right_one_and_a_liar_here(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worker: Any
) -> None:
    code, said = local(bench, monkeypatch, capsys, *named(worker, HERE, "example", "liar"))
    assert code == ExitCode.WRONG_RESULT, said
    found = rows(bench.run.path)
    assert found["example"] == {("ok", True)}
    assert found["liar"] == {("wrong", False)}
    assert found["indirect"] == found["im2col"] == {("ok", True)}
    assert "local: liar on " in said and "wrong result (and 1 more alike)" in said
    assert "\nexample: indirect is " in said and "\nliar: not measured (rows: 2 wrong)" in said
    kept = bench.run.manifest["workers"]
    assert [(each["name"], list(each["sha256"])) for each in kept] == [
        (name, [Path(worker(name, HERE)).name]) for name in ("example", "liar")
    ]
    samples = [sample for sample in bench.run.records("sample") if sample["variant"] == "example"]
    assert len(samples) == 4  # of two layers, in two rounds
    again = bench("report", "run")
    assert again.code == 0
    assert bench("run", "--resume", "run").code == 1  # nothing is missing, and the liar has lied


def test_one_that_dies_and_one_that_hangs_here(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worker: Any
) -> None:
    code, said = local(bench, monkeypatch, capsys, *named(worker, HERE, "dying", "hanging", "example"))
    assert code == ExitCode.INFRASTRUCTURE, said
    found = rows(bench.run.path)
    assert found["dying"] == found["hanging"] == {("error", False)}
    assert found["example"] == found["indirect"] == {("ok", True)}
    assert "dying on " in said and "signal 6" in said
    assert "hanging on " in said and "timed out" in said


def test_a_worker_in_a_suite_is_found_from_the_suite(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worker: Any
) -> None:
    suite = bench.folder / bench.suite("body", "point")
    (bench.folder / "mine").symlink_to(worker("example", HERE))
    suite.write_text(suite.read_text().replace("layers:", "workers:\n  - {name: mine, program: mine}\nlayers:"))
    monkeypatch.chdir("/")
    assert program.run(["run", str(suite), "--device", "local", "--dry-run"]) == 0
    assert "indirect, direct, mine" in capsys.readouterr().out
    assert program.run(["verify", str(suite), "--device", "local"]) == 0
    assert "local: 7 results right, 0 wrong, 1 not applicable" in capsys.readouterr().out


def test_a_worker_in_python_and_one_with_a_library_beside_it(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both lie with their files in a folder of their own, and find them there."""
    library, linked = bench.folder / "libexample.so", bench.folder / "linked"
    cc = [str(cmake.zig_program()), "cc", "-target", f"{platform.machine()}-linux-gnu", "-O2"]
    shared = ["-shared", "-fPIC", "-Dmain=example_main", "-Wl,-soname,libexample.so", "-o", str(library)]
    main = bench.folder / "main.c"
    main.write_text("int example_main(int, char **);\nint main(int n, char **v) { return example_main(n, v); }\n")
    sources = [str(WORKERS / "example.c"), str(WORKERS / "shim.c"), "-lm"]
    beside = ["-Wl,-rpath,$ORIGIN", f"-L{bench.folder}", "-lexample", "-o", str(linked)]
    for argv in ([*cc, *shared, *sources], [*cc, str(main), *beside]):
        done = subprocess.run(argv, capture_output=True, text=True, env=cmake.environment(), check=False)
        assert done.returncode == 0, done.stderr
    given = ["--worker", f"linked={linked},{library}"]
    given += ["--worker", f"python={WORKERS / 'example.py'},{WORKERS / 'worker.py'}"]
    code, said = local(bench, monkeypatch, capsys, *given)
    assert code == ExitCode.DONE, said
    found = rows(bench.run.path)
    assert found["linked"] == found["python"] == found["indirect"] == {("ok", True)}
    code = program.run(["run", "mine.yaml", "--device", "local", "--out", "again", "--worker", f"linked={linked}"])
    assert code == ExitCode.USAGE
    assert "needs the library libexample.so, which is neither beside it nor among" in capsys.readouterr().err


def test_workers_on_a_phone(bench: Any, lab: Any, worker: Any) -> None:
    suite = bench.suite("body", "point")
    with lab.phone() as phone:
        done = bench(
            "run", suite, "--clusters", "4-7", *named(worker, PHONE, "example", "liar", "dying"), "--out", "run"
        )
        assert done.code == 1, done.err
        found = rows(bench.run.path)
        assert found["example"] == found["indirect"] == {("ok", True)}
        assert (found["liar"], found["dying"]) == ({("wrong", False)}, {("error", False)})
        assert "pixel-3: dying on " in done.err
        assert "[EMULATED] example: indirect is " in done.out
        html = (bench.run.path / "report.html").read_text()
        assert "example beside ours" in html
        bench.is_clean(phone)
        assert "worker-" not in lab.shell(phone, "cat /proc/[0-9]*/cmdline 2>/dev/null; true")
        bench.run.tell_no_serial(phone.serial)


def test_what_a_phone_cannot_run_is_said_before_anything_is_measured(bench: Any, lab: Any, worker: Any) -> None:
    suite = bench.suite("body")
    script = bench.folder / "script"
    script.write_text("#!/usr/bin/env python3\n")
    with lab.phone() as phone:
        for given, what in (
            (f"x={worker('example', 'x86_64-linux-musl')}", "is for 64-bit x86-64, the device runs arm64-v8a"),
            (f"x={script}", "is run by /usr/bin/env"),
        ):
            done = bench("run", suite, "--worker", given, "--out", "run")
            assert done.code == 2 and f"pixel-3: worker x: {given[2:]} {what}" in done.err, done.err
            assert not bench.run.path.exists()
        both = ("--device", "all", "--device", "local") if HERE != PHONE else ()
        done = bench("run", suite, *both, *named(worker, HERE, "example"), "--out", "run")
        assert done.code == (3 if both else 0), done.err
        if both:
            assert "pixel-3: worker example: " in done.err and "is for 64-bit" in done.err
            assert bench.run.records("sample", "local")
        bench.is_clean(phone)


def test_a_run_goes_on_with_the_same_files_alone(bench: Any, worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.folder)
    mine, data = bench.folder / "mine", bench.folder / "data"
    mine.write_bytes(Path(worker("example", HERE)).read_bytes())
    mine.chmod(0o755)
    data.write_text("one")
    began = bench.begin(bench.long_suite(), "--device", "local", "--worker", f"mine={mine},{data}")
    began.until(lambda run: any(s["variant"] == "mine" for s in run.records("sample")))
    began.process.terminate()
    assert began.end()[0] == 130
    data.write_text("two")
    refused = bench("run", "--resume", "run")
    assert refused.code == 2 and f"worker mine: {data} is not the file that was measured" in refused.err
    data.write_text("one")
    bench.run.shorten(3)
    went_on = bench("run", "--resume", "run")
    assert went_on.code == 0, went_on.err
    assert set(bench.run.samples().values()) == {1}
    assert json.loads((bench.run.path / "manifest.json").read_text())["status"] == "done"
