"""What all tests share: one kind per test, counts by kind, tools that may be missing, state that stays in tmp_path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

import adbutils
import numpy as np
import pytest
from hypothesis import settings

from harness.control import host_lock
from harness.devices import adbprogram
from tests import emulator, named_ndk

# No deadlines: machines are shared. In CI the same examples each time, so that a failure is the change's.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

KINDS = ("unit", "native", "integration", "e2e")
OUTCOMES = ("passed", "failed", "skipped")
TOOLS = Path(__file__).with_name("tools.txt")

named_ndk.put_aside()  # for the session's fixtures too

# Set-ups of whole modules run outside of any test's own state: at the least each process of xdist has its locks.
_locks = tempfile.TemporaryDirectory()
os.environ[host_lock.VARIABLE] = _locks.name

NeedTool = Callable[[str], str]


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Answer]

_counts: Counter[tuple[str, str]] = Counter()
_kernels: dict[tuple[str, str], dict[str, bool]] = {}  # by kernel and property: whether it holds, by build
_not_run: set[str] = set()


def in_ci() -> bool:
    """Whether a test that cannot run is a failure."""
    return os.environ.get("CI", "").lower() in ("true", "1")


def cannot_run(reason: str) -> None:
    """Skips the test visibly; fails it where CI=true."""
    if in_ci():
        pytest.fail(f"cannot run, and CI=true: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(tryfirst=True)  # before xdist puts the groups into the names
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test is of exactly one kind. Where processes share the tests (make test), those that share a set-up stay
    together, and groups that wait for virtual phones take turns with groups that compute."""
    wrong = []
    for item in items:
        kinds = [kind for kind in KINDS if item.get_closest_marker(kind)]
        if kinds != ["unit"] and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(_group(item)))
        if len(kinds) != 1:
            wrong.append(f"{item.nodeid} ({', '.join(kinds) or 'none'})")
    if wrong:
        listed = "\n  ".join(wrong[:10])
        raise pytest.UsageError(f"each test needs exactly one marker of {', '.join(KINDS)}:\n  {listed}")
    if items and getattr(items[0].config.option, "loadgroup", False):
        items[:] = _in_turns(items)


def _in_turns(items: list[pytest.Item]) -> list[pytest.Item]:
    """By group: one of virtual phones, one of others, and so on; last the tests of no group, which fill the rest."""
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        groups.setdefault(str(mark.args[0]) if mark else "", []).append(item)
    single = groups.pop("", [])
    phones = [group for group in groups.values() if group[0].get_closest_marker("integration")]
    others = [group for group in groups.values() if not group[0].get_closest_marker("integration")]
    none: list[pytest.Item] = []
    turns = zip_longest(phones, others, fillvalue=none)
    return [item for turn in turns for group in turn for item in group] + single


@pytest.hookimpl(trylast=True)  # after xdist
def pytest_collection_finish(session: pytest.Session) -> None:
    """The groups hold: without their names in the tests' xdist would mix them silently."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid.rpartition("]")[2]:
                raise pytest.UsageError(f"pytest {pytest.__version__} and this pytest-xdist lose the groups of tests")


def _group(item: pytest.Item) -> str:
    """The test's lab of virtual phones, which is its file's; the build of the library that it runs; else its file."""
    if item.get_closest_marker("integration"):
        return f"phones of {item.path.parent.name}/{item.path.stem}"
    call = getattr(item, "callspec", None)
    return str(call.params.get("build", item.path.stem) if call else item.path.stem)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Counts a test once: by its call, or by the set-up or tear-down that ended it."""
    if report.when != "call" and report.outcome == "passed":
        return
    kind = next((kind for kind in KINDS if kind in report.keywords), "unit")
    _counts[kind, report.outcome] += 1
    for name, value in report.user_properties:
        if name == "kernel":
            kernel, case, build = cast(tuple[str, str, str], value)
            _kernels.setdefault((kernel, case), {})[build] = report.outcome == "passed"
        elif name == "not run here":
            _not_run.add(str(value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tables kernel x property and kind x outcome, and what this CPU cannot run."""
    if not _counts:
        return
    if _kernels:
        terminalreporter.section("kernels")
        for line in _kernel_table():
            terminalreporter.write_line(line)
    for text in sorted(_not_run):
        terminalreporter.write_line(f"not run here: {text}")
    terminalreporter.section("tests by kind")
    for kind in KINDS:
        numbers = ", ".join(f"{_counts[kind, outcome]:4d} {outcome}" for outcome in OUTCOMES)
        terminalreporter.write_line(f"{kind:12s} {numbers}")


def _kernel_table() -> list[str]:
    """yes where a property holds in every build that ran it, NO where it fails in one, - where none did."""
    kernels = list(dict.fromkeys(kernel for kernel, _ in _kernels))
    cases = list(dict.fromkeys(case for _, case in _kernels))
    rows = [["kernel", *cases, "ran in"]]
    for kernel in kernels:
        held = [_kernels.get((kernel, case), {}) for case in cases]
        cells = ["-" if not builds else "yes" if all(builds.values()) else "NO" for builds in held]
        rows.append([kernel, *cells, ", ".join(dict.fromkeys(build for builds in held for build in builds))])
    return ["  ".join(text.ljust(14 if i == 0 else 9) for i, text in enumerate(row)).rstrip() for row in rows]


@pytest.fixture(autouse=True)
def isolated_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """$XDG_STATE_HOME of the test, and the locks of its host: nothing touches the user's own, or another test's."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv(host_lock.VARIABLE, str(state / "locks"))
    return state


@pytest.fixture(autouse=True)
def same_cpus() -> Iterator[None]:
    """A command that ran in this process may have left the CPU it measured on to that; the next test wants it back."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own: $HOME, XDG cache and configuration."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    return home


@pytest.fixture(scope="session", name="cannot_run")
def _cannot_run() -> Callable[[str], None]:
    """``cannot_run(reason)`` for fixtures that find out by themselves."""
    return cannot_run


@pytest.fixture(scope="session")
def tool_packages() -> dict[tuple[str, ...], str]:
    """tools.txt: the Debian package by the programs of which any will do."""
    lines = (line.split() for line in TOOLS.read_text().splitlines() if line and not line.startswith("#"))
    return {tuple(programs.split("|")): package for programs, package in lines}


@pytest.fixture(scope="session")
def need_tool(tool_packages: dict[tuple[str, ...], str]) -> NeedTool:
    """``need_tool("mksh")``: the path of a program of tools.txt; skips the test (CI: fails it) where it is missing."""

    def need(name: str) -> str:
        programs = next((programs for programs in tool_packages if name in programs), ())
        assert programs, f"{name} is not in {TOOLS}"
        for program in programs:
            if path := shutil.which(program):
                return path
        cannot_run(f"{' or '.join(programs)} is missing: apt-get install {tool_packages[programs]}")
        raise AssertionError("not reached")

    return need


@pytest.fixture(scope="session")
def wheel_adb(need_tool: NeedTool) -> Path:
    """The adb that the adbutils wheel brings, the same on all machines; of PATH where there is no wheel (arm64)."""
    wheel = _wheel_adb()
    return wheel if wheel.exists() else Path(need_tool("adb"))


def _wheel_adb() -> Path:
    return Path(adbutils.__file__).with_name("binaries") / "adb"


def pytest_report_header() -> list[str]:
    """Which adb programs the virtual phones are driven with."""
    wheel, other = _wheel_adb(), shutil.which("adb")
    lines = [
        f"adb of the wheel: {wheel} {adbprogram.version(str(wheel))}" if wheel.exists() else "adb of the wheel: none"
    ]
    return [*lines, f"adb of PATH: {other} {adbprogram.version(other)}" if other else "adb of PATH: none"]


@pytest.fixture
def need_root() -> None:
    """The test needs root."""
    if os.geteuid() != 0:
        cannot_run("needs root")


@pytest.fixture
def true_proc() -> None:
    """The test needs processes to read of themselves in /proc what others read of them."""
    if emulator.is_here():
        cannot_run("the emulator makes up /proc/self: no session, another start; others see its own command line")


@pytest.fixture(scope="session")
def chromium(need_tool: NeedTool) -> str:
    """The path of a browser for playwright's ``executable_path``."""
    return need_tool("chromium")


@pytest.fixture(scope="session")
def command_line() -> CommandLine:
    """``command_line("run", ..., cwd=folder)``: the tool as a user runs it, a process of its own. No tracebacks."""

    def run(*argv: str, cwd: Path, timeout: float = 240, **env: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", *argv],
            cwd=cwd,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def compare_dump() -> Callable[[Path], int]:
    """``compare_dump(folder)``: outputs of `harness verify --dump` against NumPy in double; how many there were."""
    return _compare_dump


def _compare_dump(folder: Path) -> int:
    compared = 0
    for layer in json.loads((folder / "layers.json").read_text()):
        name = layer["name"]
        expected, bound = _convolve(layer, *(np.load(folder / f"{name}.{p}.npy") for p in ("input", "weights", "bias")))
        for file in folder.glob(f"{name}.*.output.npy"):
            error = np.abs(np.load(file).astype(np.float64) - expected)
            assert np.all(error <= bound), f"{file.name}: {np.max(error / bound):.2f} of the bound"
            compared += 1
    return compared


def _convolve(layer: dict[str, Any], x: Any, weights: Any, bias: Any) -> tuple[Any, Any]:
    """The convolution in double precision, tap by tap, and the error bound of a float one."""
    groups, (out, kh, kw, _) = layer["groups"], weights.shape
    x, weights, bias = x.astype(np.float64), weights.astype(np.float64), bias.astype(np.float64)
    (pt, pr, pb, pl), (sh, sw), (dh, dw) = layer["pad"], layer["stride"], layer["dilation"]
    padded = np.pad(x, ((0, 0), (pt, pb), (pl, pr), (0, 0)))
    oh = (padded.shape[1] - (kh - 1) * dh - 1) // sh + 1
    ow = (padded.shape[2] - (kw - 1) * dw - 1) // sw + 1
    total = np.zeros((x.shape[0], oh, ow, out))
    size = np.zeros_like(total)
    per_in, per_out = x.shape[3] // groups, out // groups
    for g in range(groups):
        ins, outs = slice(g * per_in, (g + 1) * per_in), slice(g * per_out, (g + 1) * per_out)
        for i in range(kh):
            for j in range(kw):
                rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
                columns = slice(j * dw, j * dw + (ow - 1) * sw + 1, sw)
                patch = padded[:, rows, columns, ins]
                total[..., outs] += patch @ weights[outs, i, j].T
                size[..., outs] += np.abs(patch) @ np.abs(weights[outs, i, j]).T
    n = kh * kw * per_in + 1
    u = 2.0**-24
    return total + bias, n * u / (1 - n * u) * (size + np.abs(bias))
