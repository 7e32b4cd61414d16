"""``harness bundle``, and the commands that take what it makes."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.cli import program
from harness.exit_codes import ExitCode
from tests.conftest import NeedTool

pytestmark = pytest.mark.unit

RUN = "20261121-120000-quick"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with RUN, LATER (im2col takes 1.1 times as long) and their bundles. Not to be changed."""
    folder = tmp_path_factory.mktemp("bundles")
    for name, run, im2col in (("RUN", RUN, 1.3), ("LATER", "later", 1.43)):
        truth = synthetic.Truth({"larger": im2col}, spread=0.0, launch_sd=0.003, noise_sd=0.003)
        phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=truth, drift=0.0)
        seed = len(name)
        path = synthetic.make_run(folder / name, [phone], synthetic.LAYERS[1:2], 8, 2, ["hot"], seed)
        manifest = json.loads((path / "manifest.json").read_text())
        (path / "manifest.json").write_text(json.dumps(manifest | {"run": run}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        for name in ("RUN", "LATER"):
            code = program.perform(["bundle", str(folder / name), "--out", str(folder / f"{name}.zip")])
            assert code == ExitCode.DONE
    return folder


@pytest.fixture
def there(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder; the current one is another."""
    monkeypatch.setenv("XDG_STATE_HOME", str(made / "state"))
    monkeypatch.chdir(tmp_path)
    return made


def test_its_name_is_the_run_s(there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.perform(["bundle", str(there / "RUN"), "--json"]) == ExitCode.DONE
    value = json.loads(capsys.readouterr().out)
    assert (value["run"], value["out"], value["signed"]) == (RUN, str(tmp_path / f"{RUN}.zip"), False)
    assert value["bytes"] == (tmp_path / f"{RUN}.zip").stat().st_size
    assert Path(f"{RUN}.zip").read_bytes() == (there / "RUN.zip").read_bytes()
    with zipfile.ZipFile(f"{RUN}.zip") as archive:
        assert set(value["sha256"]) | {"SHA256SUMS"} == set(archive.namelist())


def test_report_of_a_bundle_is_that_of_the_run(there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform(["report", str(there / "RUN"), "--out", "of-run"])
    of_run = capsys.readouterr().out
    assert program.perform(["report", str(there / "RUN.zip")]) == ExitCode.DONE
    assert capsys.readouterr().out == of_run.replace("of-run", "RUN-report")
    for name in ("results.csv", "verdicts.csv", "summary.md"):
        assert (tmp_path / "RUN-report" / name).read_text() == (tmp_path / "of-run" / name).read_text()
    with zipfile.ZipFile(there / "RUN.zip") as archive:
        assert (tmp_path / "RUN-report" / "report.html").read_bytes() == archive.read("report.html")
    assert not (there / "RUN" / "report.html").exists()


def test_export_of_a_bundle_is_that_of_the_run(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform(["export", str(there / "RUN"), "--format", "csv"])
    of_run = capsys.readouterr().out
    assert program.perform(["export", str(there / "RUN.zip"), "--format", "csv"]) == ExitCode.DONE
    assert capsys.readouterr().out == of_run


@pytest.mark.parametrize(("base", "new"), [("RUN.zip", "LATER.zip"), ("RUN", "LATER.zip"), ("RUN.zip", "LATER")])
def test_compare_takes_both(
    base: str, new: str, there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["compare", str(there / base), str(there / new), "--out", "here", "--json"]
    assert program.perform(argv) == ExitCode.REGRESSION
    value = json.loads(capsys.readouterr().out)
    assert (value["base"]["path"], value["new"]["path"]) == (str(there / base), str(there / new))
    assert value["decisions"]["slower"] == 1 and value["allowed"] == []
    assert "/harness-bundle-" not in (tmp_path / "here" / "compare.html").read_text()


def test_compare_writes_beside_the_user_where_new_is_a_bundle(there: Path, tmp_path: Path) -> None:
    assert program.perform(["compare", str(there / "RUN"), str(there / "LATER.zip")]) == ExitCode.REGRESSION
    assert {path.name for path in (tmp_path / "LATER-report").iterdir()} == {"compare.csv", "compare.html"}


def test_a_run_and_its_bundle_are_one_run(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(["compare", str(there / "RUN"), str(there / "RUN.zip")]) == ExitCode.USAGE
    assert f"SAME_RUN: both are {RUN}" in capsys.readouterr().err


def test_signed_verified_and_not(
    there: Path, need_tool: NeedTool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([need_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
    Path("allowed").write_text(f"ada@lab {Path('key.pub').read_text()}")
    assert program.perform(["bundle", str(there / "RUN"), "--out", "s.zip", "--sign", "key"]) == ExitCode.DONE
    export = ["export", "s.zip", "--format", "csv", "--out", "x.csv"]
    assert program.run([*export, "--allowed-signers", "allowed"]) == ExitCode.DONE
    assert "s.zip was signed by ada@lab\n" in capsys.readouterr().err
    assert program.run(export) == ExitCode.DONE
    assert "s.zip is signed, which was not verified: --allowed-signers FILE\n" in capsys.readouterr().err
    Path("nobody").write_text("")
    assert program.run([*export, "--allowed-signers", "nobody"]) == ExitCode.USAGE
    unsigned = ["export", str(there / "RUN.zip"), "--format", "csv", "--allowed-signers", "allowed"]
    assert program.run(unsigned) == ExitCode.USAGE
    assert "is not signed" in capsys.readouterr().err
    folder = ["export", str(there / "RUN"), "--format", "csv", "--allowed-signers", "allowed"]
    assert program.run(folder) == ExitCode.USAGE
    assert "is no bundle, and only those are signed" in capsys.readouterr().err


def test_a_changed_bundle_is_one_message(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.zip").write_bytes((there / "RUN.zip").read_bytes()[:-5])
    for argv in (["report", "b.zip"], ["export", "b.zip", "--format", "csv"], ["compare", "b.zip", "b.zip"]):
        assert program.run(argv) == ExitCode.USAGE
        assert capsys.readouterr().err.startswith("harness: b.zip is no bundle, or is cut short\n  name a file")


def test_a_half_finished_run_says_so(there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((there / "RUN" / "manifest.json").read_text()) | {"status": "interrupted"}
    run = tmp_path / "CUT"
    run.mkdir()
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / "devices").symlink_to(there / "RUN" / "devices")
    assert program.run(["bundle", "CUT", "--out", "cut.zip"]) == ExitCode.DONE
    assert "the run is interrupted: what it lacks is not in the bundle" in capsys.readouterr().err
    assert program.run(["compare", "cut.zip", str(there / "LATER.zip")]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "cut.zip: the run is interrupted\n" in said and "UNFINISHED: BASE is interrupted" in said
