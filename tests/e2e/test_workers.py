"""``harness run --worker`` on this machine: programs of somebody else beside ours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.aarch64.plugins import compile_with_zig
from harness.cli import program
from harness.exit_codes import ExitCode
from harness.measure.run import clusterplan
from harness.plan.planfile import MeasureLine
from tests.workers import HERE, WORKERS, Worker, compiled, named, rows

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """``worker("example", HERE)``: the path of the program."""
    return partial(compiled, tmp_path_factory.mktemp("workers"))


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
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worker: Worker
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
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worker: Worker
) -> None:
    code, said = local(bench, monkeypatch, capsys, *named(worker, HERE, "dying", "hanging", "example"))
    assert code == ExitCode.INFRASTRUCTURE, said
    found = rows(bench.run.path)
    assert found["dying"] == found["hanging"] == {("error", False)}
    assert found["example"] == found["indirect"] == {("ok", True)}
    assert "dying on " in said and "signal 6" in said
    assert "hanging on " in said and "timed out" in said


def test_a_worker_in_a_suite_is_found_from_the_suite(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worker: Worker
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
    main = bench.folder / "main.c"
    main.write_text("int example_main(int, char **);\nint main(int n, char **v) { return example_main(n, v); }\n")
    shared = ["-shared", "-fPIC", "-Dmain=example_main", "-Wl,-soname,libexample.so", "-o", str(library)]
    sources = [f"-I{WORKERS}", str(WORKERS / "example.c"), str(WORKERS / "shim.c"), "-lm"]
    compile_with_zig([*HERE, *shared, *sources])
    beside = ["-Wl,-rpath,$ORIGIN", f"-L{bench.folder}", "-lexample", "-o", str(linked)]
    compile_with_zig([*HERE, str(main), *beside])
    given = ["--worker", f"linked={linked},{library}"]
    given += ["--worker", f"python={WORKERS / 'example.py'},{WORKERS / 'worker.py'}"]
    code, said = local(bench, monkeypatch, capsys, *given)
    assert code == ExitCode.DONE, said
    found = rows(bench.run.path)
    assert found["linked"] == found["python"] == found["indirect"] == {("ok", True)}
    code = program.run(["run", "mine.yaml", "--device", "local", "--out", "again", "--worker", f"linked={linked}"])
    assert code == ExitCode.USAGE
    assert "needs the library libexample.so, which is neither beside it nor among" in capsys.readouterr().err


def test_a_run_goes_on_with_the_same_files_alone(bench: Any, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
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
