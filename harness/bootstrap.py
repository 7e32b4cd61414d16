"""Makes .venv from the lock files: ``python3 harness/bootstrap.py run|test``. Standard library only.

Run by the system's Python before anything is installed, so the syntax up to the version check stays that of Python
3.6. Nothing is installed outside .venv. A marker in it, written last, holds what it was made from: without a matching
one, .venv is made again. The seconds of this call go to .venv/bootstrap.json. Every failure is one line, exit code 2.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    found = ".".join(str(part) for part in sys.version_info[:2])
    sys.stderr.write("error: Python " + found + " does not do; needs 3.11 to 3.14: make PYTHON=python3.12 ...\n")
    sys.exit(2)

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("run", "test")
NEEDED_BYTES = {"run": 1_600_000_000, "test": 500_000_000}  # wheels, what they unpack to, and room

# Settings of pip that would send packages elsewhere or change what is installed; where to download from stays.
_DROPPED = (
    "ABI BREAK_SYSTEM_PACKAGES BUILD_CONSTRAINT CONSTRAINT DEST DRY_RUN EDITABLE IMPLEMENTATION NO_BINARY ONLY_BINARY"
    " PLATFORM PREFER_BINARY PREFIX PRE PYTHON PYTHON_VERSION REPORT REQUIRE_HASHES REQUIREMENT ROOT SRC TARGET USER"
)

# Without a wheel for arm64: there they are built from source, by the build packages that the lock file has for it.
FROM_SOURCE = ("adbutils",)
_ARM64 = ("aarch64", "arm64")

_REASONS = (
    (r"No space left on device", "the disk is full", "Free 2 GB and run it again."),
    (
        r"DO NOT MATCH THE HASHES",
        "a downloaded package differs from its hash in the lock file",
        "Try again; if it stays, the package index serves other files than the lock file names.",
    ),
    (
        r"NewConnectionError|ConnectTimeout|Connection(?:Error|Reset|Refused)|name resolution|Name or service not known"
        r"|Network is unreachable|ReadTimeout|Connection broken|ProxyError|SSLError|Max retries exceeded",
        "no network: the package index cannot be reached",
        "Check the connection, or name another index with PIP_INDEX_URL.",
    ),
    (
        r"No matching distribution found for (?P<what>\S+)",
        "the package index has no wheel of {what} for this Python and system",
        "Needs Linux with glibc 2.28 or newer, or macOS 13 or newer on arm64, and a package index that holds it.",
    ),
)


class BootstrapError(Exception):
    """What was wrong and the remedy, as one line."""


def main(argv: Sequence[str]) -> int:
    """Makes or completes .venv; returns the exit code."""
    kind = argv[0] if argv else "run"
    if kind not in KINDS or len(argv) > 1:
        sys.stderr.write("usage: bootstrap.py [run|test]\n")
        return 2
    try:
        ensure(ROOT, kind)
    except BootstrapError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the next make starts .venv again\n")
        return 130
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"error: {place}{error.strerror or error}\n")
        return 2
    return 0


def ensure(root: Path, kind: str) -> None:
    """Brings root/.venv to the state of the lock file of ``kind``. Raises BootstrapError or OSError."""
    venv = root / ".venv"
    present = state(venv)
    if present and present == _wanted(root, kind, present):
        _write(venv / "bootstrap.json", {"download_s": 0.0, "install_s": 0.0})
        return
    with _locked(root / "build" / "bootstrap.lock"):
        present = state(venv)  # another make may have been faster
        wanted = _wanted(root, kind, present)
        seconds = {"download_s": 0.0, "install_s": 0.0}
        if present != wanted:
            _bring(root, venv, present, wanted, seconds)
        _write(venv / "bootstrap.json", {key: round(value, 3) for key, value in seconds.items()})


def state(venv: Path) -> dict[str, str]:
    """What a finished .venv was made from; {} for one that is absent, half-made or whose Python is gone."""
    try:
        marker = json.loads((venv / "complete.json").read_text())
    except (OSError, ValueError):
        return {}
    whole = isinstance(marker, dict) and (venv / "bin" / "python").exists() and (venv / "bin" / "harness").exists()
    return marker if whole and not venv.is_symlink() else {}


def _wanted(root: Path, kind: str, present: dict[str, str]) -> dict[str, str]:
    """The marker that .venv shall have; a test environment serves for running too."""
    wanted = {
        "root": str(root),
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "project": _hash(root / "pyproject.toml"),
        "run": _hash(root / "requirements" / "run.txt"),
    }
    test = _hash(root / "requirements" / "test.txt")
    if kind == "test" or (present.get("test") == test and _same_base(present, wanted)):
        wanted["test"] = test
    return wanted


def _same_base(present: dict[str, str], wanted: dict[str, str]) -> bool:
    return all(present.get(key) == wanted[key] for key in ("root", "python", "run"))


def _bring(root: Path, venv: Path, present: dict[str, str], wanted: dict[str, str], seconds: dict[str, float]) -> None:
    # Packages for tests are laid over those for running; any other difference makes .venv anew.
    keep = _same_base(present, wanted) and present.get("test") in (None, wanted.get("test"))
    have = {kind for kind in KINDS if keep and kind in present}
    lacking = [kind for kind in KINDS if kind in wanted and kind not in have]
    _check_space(root, lacking)
    started = time.monotonic()
    if keep:
        (venv / "complete.json").unlink()
    else:
        _make_venv(venv)
    seconds["install_s"] += time.monotonic() - started
    log = venv / "bootstrap.log"
    for kind in lacking:
        text = (root / "requirements" / f"{kind}.txt").read_text()
        if kind == "test":
            text = without(text, (root / "requirements" / "run.txt").read_text())
        source = [entry for entry in entries(text) if is_built(entry, os.uname().machine)]
        _packages(venv, "".join(entry for entry in entries(text) if entry not in source), log, seconds)
        if source:
            _packages(venv, "".join(source), log, seconds, built=True)
    started = time.monotonic()
    editable = ["--no-index", "--no-build-isolation", "--no-deps", "--force-reinstall", "--editable", str(root)]
    _pip(venv, log, "installing the project itself", ["--isolated", "install", *editable])
    # Else the first command would, and every one where PYTHONDONTWRITEBYTECODE is set: a third of its start.
    run_quiet([str(venv / "bin" / "python"), "-I", "-m", "compileall", "-q", str(root / "harness")])
    _write(venv / "complete.json", wanted)
    seconds["install_s"] += time.monotonic() - started


def without(lock: str, other: str) -> str:
    """The entries of one lock file that another one does not have."""
    known = set(entries(other))
    return "".join(entry for entry in entries(lock) if entry not in known)


def entries(lock: str) -> list[str]:
    """A lock file's requirements, each with its hash lines and without comments."""
    lines = [line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: list[str] = []
    for line in lines:
        if line[0].isspace() and found:
            found[-1] += line + "\n"
        else:
            found.append(line + "\n")
    return found


def is_built(entry: str, machine: str) -> bool:
    """Whether a lock file's requirement has to be built from source on such a machine."""
    return machine in _ARM64 and entry.split("==", maxsplit=1)[0] in FROM_SOURCE


def _packages(venv: Path, requirements: str, log: Path, seconds: dict[str, float], built: bool = False) -> None:
    """Downloads wheels, then installs them from there without the network; timed apart.

    ``built``: sources instead, which are built by what is installed already.
    """
    form = ["--no-binary=:all:", "--no-build-isolation"] if built else ["--only-binary=:all:"]
    wheels = venv / "wheels"
    lock = venv / "requirements.txt"
    lock.write_text(requirements)
    count = len(entries(requirements))
    started = time.monotonic()
    _say(f"downloading {count} packages")
    given = ["--require-hashes", "--no-deps", "--requirement", str(lock)]
    download = ["download", *form, "--progress-bar=off", "--dest", str(wheels), *given]
    _pip(venv, log, "downloading", download)
    downloaded = time.monotonic()
    _say(f"installing them into {venv}")
    _pip(venv, log, "installing", ["--isolated", "install", *form, "--no-index", "--find-links", str(wheels), *given])
    shutil.rmtree(wheels)
    lock.unlink()
    seconds["download_s"] += downloaded - started
    seconds["install_s"] += time.monotonic() - downloaded


def _make_venv(venv: Path) -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise BootstrapError(f"this Python has no {missing[0]} module: apt-get install python3-venv (or {package})")
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    elif venv.exists():
        _say(f"{venv} is unfinished or was made from something else: making it again")
        shutil.rmtree(venv)
    done = run_quiet([sys.executable, "-I", "-m", "venv", str(venv)])
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["no message"])[-1]
        raise BootstrapError(f"{sys.executable} -m venv failed: {last} (apt-get install python3-venv)")


def _pip(venv: Path, log: Path, doing: str, arguments: list[str]) -> None:
    done = run_quiet(
        [str(venv / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    )
    with log.open("a") as stream:
        stream.write(f"$ pip {' '.join(arguments)}\n{done.stdout}\n")
    if done.returncode:
        raise BootstrapError(f"{explain(doing, done.stdout)} (log: {log})")


def explain(doing: str, output: str) -> str:
    """One line for what pip printed."""
    for pattern, reason, remedy in _REASONS:
        found = re.search(pattern, output)
        if found:
            return f"{doing}: {reason.format(**found.groupdict())}. {remedy}"
    errors = (
        re.findall(r"^ERROR: (.+)", output, re.M) or re.findall(r"^ *(\w*(?:Error|Exception): .+)", output, re.M)[-1:]
    )
    errors = errors or output.strip().splitlines()[-1:] or ["pip failed"]
    return f"{doing}: {errors[0]}"


def clean_environment(environment: dict[str, str]) -> dict[str, str]:
    """The environment for pip: where to download from stays, what would lead packages elsewhere goes."""
    dropped = {f"PIP_{name}" for name in _DROPPED.split()} | {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {k: v for k, v in environment.items() if k not in dropped and not k.startswith("PYTHON")}


def run_quiet(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """A command of Python or pip in its clean environment; stderr is in its stdout."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment(dict(os.environ)),
        text=True,
        errors="replace",
        check=False,
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds the lock file, so that two makes at once do not build one .venv together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("another make is setting up .venv; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _check_space(root: Path, lacking: list[str]) -> None:
    needed = sum(NEEDED_BYTES[kind] for kind in lacking)
    free = shutil.disk_usage(root).free
    if free < needed:
        raise BootstrapError(f"{root}: {free / 1e9:.1f} GB free, .venv needs {needed / 1e9:.1f} GB. Free some space.")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, value: object) -> None:
    path.with_suffix(".tmp").write_text(json.dumps(value) + "\n")
    path.with_suffix(".tmp").replace(path)


def _say(message: str) -> None:
    sys.stderr.write(f"setup: {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
