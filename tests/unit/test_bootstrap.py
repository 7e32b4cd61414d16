"""The bootstrap's decisions: when .venv is kept, what is installed, and one line per failure. Nothing is downloaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import bootstrap
from harness.bootstrap import BootstrapError

pytestmark = pytest.mark.unit

REPOSITORY = Path(bootstrap.__file__).resolve().parent.parent
RUN = """\
# made by a tool
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via project
beta==2.0 ; os_name == 'nt' \\
    --hash=sha256:cc
"""
TEST = RUN + "gamma==3.0 \\\n    --hash=sha256:dd\n    # via project (test)\n"


class Recorder:
    """Stands in for the commands: notes them, makes the files they would make."""

    def __init__(self, venv: Path) -> None:
        self.venv = venv
        self.commands: list[list[str]] = []
        self.fail: dict[str, str] = {}

    def __call__(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        for word, output in self.fail.items():
            if word in command:
                return subprocess.CompletedProcess(command, 1, output)
        if "venv" in command:
            (self.venv / "bin").mkdir(parents=True)
            (self.venv / "bin" / "python").touch()
        if "download" in command:
            (self.venv / "wheels").mkdir()
        if "--editable" in command:
            (self.venv / "bin" / "harness").touch()
        return subprocess.CompletedProcess(command, 0, "")

    def words(self) -> list[str]:
        """The commands since the last call, one word each."""
        known = ("venv", "download", "--editable", "install", "compileall")
        found = [next(word for word in known if word in command) for command in self.commands]
        self.commands.clear()
        return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    checkout = tmp_path / "a checkout"
    (checkout / "requirements").mkdir(parents=True)
    (checkout / "requirements" / "run.txt").write_text(RUN)
    (checkout / "requirements" / "test.txt").write_text(TEST)
    (checkout / "pyproject.toml").write_text("[project]\n")
    return checkout


@pytest.fixture
def recorder(root: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder(root / ".venv")
    monkeypatch.setattr(bootstrap, "run_quiet", made)
    monkeypatch.setattr(bootstrap, "ROOT", root)
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", {"run": 1, "test": 1})
    return made


FULL = ["venv", "download", "install", "--editable", "compileall"]


def seconds(root: Path) -> Any:
    return json.loads((root / ".venv" / "bootstrap.json").read_text())


def test_the_second_time_nothing_runs(root: Path, recorder: Recorder) -> None:
    bootstrap.ensure(root, "run")
    assert recorder.words() == FULL
    assert set(seconds(root)) == {"download_s", "install_s"}
    bootstrap.ensure(root, "run")
    assert recorder.words() == []
    assert seconds(root) == {"download_s": 0, "install_s": 0}


def test_tests_add_their_packages_only(root: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = bootstrap._packages

    def noted(venv: Path, text: str, log: Path, times: dict[str, float]) -> None:
        asked.append(text)
        original(venv, text, log, times)

    monkeypatch.setattr(bootstrap, "_packages", noted)
    bootstrap.ensure(root, "run")
    assert recorder.words() == FULL
    bootstrap.ensure(root, "test")
    assert recorder.words() == ["download", "install", "--editable", "compileall"]
    assert asked[1] == "gamma==3.0 \\\n    --hash=sha256:dd\n"
    bootstrap.ensure(root, "run")
    bootstrap.ensure(root, "test")
    assert recorder.words() == []


def test_from_nothing_to_tests(root: Path, recorder: Recorder) -> None:
    bootstrap.ensure(root, "test")
    assert recorder.words() == ["venv", "download", "install", "download", "install", "--editable", "compileall"]


@pytest.mark.parametrize("change", ["run.txt", "moved", "python", "half", "no python", "no marker", "torn marker"])
def test_made_again(root: Path, recorder: Recorder, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap.ensure(root, "test")
    recorder.words()
    stray = root / ".venv" / "stray"
    stray.touch()
    marker = root / ".venv" / "complete.json"
    if change == "run.txt":
        (root / "requirements" / "run.txt").write_text(RUN.replace("1.0", "1.1"))
    elif change == "moved":
        marker.write_text(marker.read_text().replace(str(root), "/elsewhere"))
    elif change == "python":
        marker.write_text(json.dumps({**json.loads(marker.read_text()), "python": "3.10"}))
    elif change == "half":
        (root / ".venv" / "bin" / "harness").unlink()
    elif change == "no python":
        (root / ".venv" / "bin" / "python").unlink()
    elif change == "no marker":
        marker.unlink()
    else:
        marker.write_text('{"root')
    bootstrap.ensure(root, "run")
    assert recorder.words() == FULL
    assert not stray.exists()


def test_test_lock_changed(root: Path, recorder: Recorder) -> None:
    bootstrap.ensure(root, "test")
    recorder.words()
    (root / "requirements" / "test.txt").write_text(TEST.replace("3.0", "3.1"))
    bootstrap.ensure(root, "test")
    assert recorder.words() == ["venv", "download", "install", "download", "install", "--editable", "compileall"]


def test_project_file_changed(root: Path, recorder: Recorder) -> None:
    bootstrap.ensure(root, "test")
    recorder.words()
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    bootstrap.ensure(root, "run")
    assert recorder.words() == ["--editable", "compileall"]


def test_a_failed_step_leaves_no_marker(root: Path, recorder: Recorder) -> None:
    recorder.fail = {"download": "ERROR: boom\n"}
    with pytest.raises(BootstrapError, match="downloading: boom"):
        bootstrap.ensure(root, "run")
    assert bootstrap.state(root / ".venv") == {}
    recorder.fail = {}
    recorder.words()
    bootstrap.ensure(root, "run")
    assert recorder.words() == FULL


def test_a_linked_venv_is_not_followed(root: Path, recorder: Recorder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").touch()
    (root / ".venv").symlink_to(other)
    bootstrap.ensure(root, "run")
    assert (other / "precious").exists()
    assert not (root / ".venv").is_symlink()


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("WARNING: Retrying: NewConnectionError: ...\nERROR: No matching distribution found for x==1", "no network"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n x", "differs from its hash"),
        ("ERROR: No matching distribution found for zig==9", "no wheel of zig==9"),
        ("junk\nERROR: something else\nmore", "something else"),
        (
            "  x\n    FileNotFoundError: no such thing\n  [end of output]\nhint: See above",
            "FileNotFoundError: no such thing",
        ),
        ("junk", "junk"),
        ("", "pip failed"),
    ],
)
def test_pip_failures_are_one_line(output: str, told: str) -> None:
    line = bootstrap.explain("downloading", output)
    assert told in line
    assert "\n" not in line


def test_full_disk(root: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", {"run": 1 << 62, "test": 0})
    with pytest.raises(BootstrapError, match="GB free"):
        bootstrap.ensure(root, "run")
    assert recorder.commands == []


def test_no_venv_module(root: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(BootstrapError, match="apt-get install python3-venv"):
        bootstrap.ensure(root, "run")


def test_main_says_one_line_and_2(root: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    recorder.fail = {"download": "ERROR: boom"}
    assert bootstrap.main(["run"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("setup: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: downloading: boom")
    (root / "pyproject.toml").unlink()
    assert bootstrap.main(["run"]) == 2
    assert f"error: {root / 'pyproject.toml'}: No such file" in capsys.readouterr().err
    assert bootstrap.main(["nonsense"]) == 2


def test_environment_for_pip() -> None:
    given = {
        "PATH": "/bin",
        "PIP_INDEX_URL": "i",
        "PIP_TARGET": "t",
        "PIP_USER": "1",
        "PYTHONPATH": "p",
        "PIP_CERT": "c",
    }
    assert bootstrap.clean_environment(given) == {"PATH": "/bin", "PIP_INDEX_URL": "i", "PIP_CERT": "c"}


def test_lock_files_agree() -> None:
    run, test = (
        bootstrap.entries((REPOSITORY / "requirements" / f"{kind}.txt").read_text()) for kind in ("run", "test")
    )
    assert run
    assert set(run) < set(test)
    for entry in test:
        assert "==" in entry.splitlines()[0]
        assert "--hash=sha256:" in entry
        assert "://" not in entry


def test_old_pythons_are_told(tmp_path: Path) -> None:
    """The file parses under the syntax of Python 3.6, and the version check comes before anything else runs."""
    import ast

    source = Path(bootstrap.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 7))
    statements = [node for node in tree.body if not isinstance(node, ast.Expr)]
    assert isinstance(statements[0], ast.Import)
    assert isinstance(statements[1], ast.If)
    check = ast.unparse(statements[1]).replace("sys.version_info[:2]", "(3, 10)")
    script = tmp_path / "check.py"
    script.write_text(f"import sys\n{check}\nprint('went on')\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_make_names_a_missing_python(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    make = need_tool("make")
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    command = [make, "-C", str(tmp_path), "PYTHON=python3.99", "setup"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert "error: python3.99 not found" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_what_has_no_wheel_for_arm64_is_built_there() -> None:
    """By packages of the lock file: without isolation pip downloads none of its own choice."""
    locked = bootstrap.entries((REPOSITORY / "requirements/run.txt").read_text())
    names = {entry.split("==")[0] for entry in locked}
    built = [entry.split("==")[0] for entry in locked if bootstrap.is_built(entry, "aarch64")]
    assert built == list(bootstrap.FROM_SOURCE) and names > {"pbr", "setuptools"}
    assert built == [entry.split("==")[0] for entry in locked if bootstrap.is_built(entry, "arm64")]
    assert not any(bootstrap.is_built(entry, "x86_64") for entry in locked)
