"""A report that could not be written: the last lines and the exit code of ``run`` and ``report``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.cli import program
from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.run import runner
from harness.report import writer
from harness.store.journal import write_atomically

pytestmark = pytest.mark.unit


def _without_room(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A disk that is full once so many files were written."""
    left = [after]

    def write(path: Path, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise InfrastructureError(f"cannot write {path}: No space left on device", "free some space")
        write_atomically(path, data)

    monkeypatch.setattr(writer, "write_atomically", write)


@pytest.mark.parametrize(
    ("after", "said"), [(0, "nothing of it was"), (2, "of it only results.csv, categories.csv was")]
)
@pytest.mark.parametrize(
    ("had", "code"),
    [
        (ExitCode.DONE, ExitCode.INFRASTRUCTURE),
        (ExitCode.TOO_LITTLE_DATA, ExitCode.INFRASTRUCTURE),
        (ExitCode.WRONG_RESULT, ExitCode.WRONG_RESULT),
    ],
)
def test_a_report_that_could_not_be_written(
    after: int,
    said: str,
    had: ExitCode,
    code: ExitCode,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[:1], launches=1, rounds=1)
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(run, [], had))
    (run / "report.html").write_text("of yesterday")
    _without_room(monkeypatch, after)
    assert program.perform(["run", "smoke", "--device", "local"]) == code
    text = capsys.readouterr()
    assert text.out.splitlines()[-1] == "report: not written"
    assert said in text.err and "No space left" in text.err and "harness report" in text.err


def test_a_report_command_that_could_not_write(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[:1], launches=1, rounds=1)
    _without_room(monkeypatch, 1)
    with pytest.raises(InfrastructureError, match=r"of it only results\.csv was: .* No space left"):
        program.perform(["report", str(run)])
    assert not capsys.readouterr().out


def test_a_sustained_suite_has_no_a_a_pairs(tmp_path: Path) -> None:
    """They would be whole series more, and no aa.csv would tell of them."""
    suite = tmp_path / "warm.yaml"
    layer = "{name: l, h: 8, w: 8, kh: 3, kw: 3, cin: 8, cout: 8}"
    suite.write_text(f"suite: warm\nmode: sustained\nlayers: [{layer}]\n")
    with pytest.raises(UsageError, match="--aa: warm is a suite of mode sustained") as found:
        program.perform(["run", str(suite), "--device", "local", "--aa", "--dry-run"])
    assert found.value.exit_code == ExitCode.USAGE and "mode burst" in found.value.remedy
