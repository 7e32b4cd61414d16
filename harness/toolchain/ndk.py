"""Finds an Android NDK: what the user named, else the environment, else an SDK's or the usual folders."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.digest import sha256_of
from harness.errors import UsageError
from harness.paths import data_root, user_home

NDK_VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK")
SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
_TOOLCHAIN_FILE = Path("build/cmake/android.toolchain.cmake")
_CLANG = "toolchains/llvm/prebuilt/*/bin/clang"
_HINT = (
    "an NDK has build/cmake/android.toolchain.cmake and source.properties; "
    "without one, --toolchain zig builds for phones too"
)


@cache
def table() -> dict[str, Any]:
    """ndk/versions.json: the NDK versions and ABIs that are supported."""
    value: dict[str, Any] = json.loads((data_root() / "ndk" / "versions.json").read_text("utf-8"))
    return value


@dataclass(frozen=True)
class Ndk:
    """A usable NDK. ``revision`` is Pkg.Revision as text, ``found`` says what named it."""

    path: Path
    revision: str
    found: str

    @property
    def major(self) -> int:
        """27 for r27."""
        return version_key(self.revision)[0][0]

    @property
    def toolchain_file(self) -> Path:
        """The NDK's own CMake toolchain file."""
        return self.path / _TOOLCHAIN_FILE

    @property
    def compilers(self) -> list[Path]:
        """Its clang for each host that it is for."""
        return sorted(self.path.glob(_CLANG))

    def compiler_version(self) -> str:
        """The first line of ``clang --version``; empty where none of its compilers runs here."""
        for clang in self.compilers:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                done = subprocess.run([clang, "--version"], capture_output=True, check=False, timeout=60)
                if done.returncode == 0:
                    return "".join(done.stdout.decode("utf-8", "replace").splitlines()[:1]).strip() or "unknown"
        return ""

    def contents(self) -> str:
        """A SHA-256 (hex) that changes with its CMake files, source.properties or programs: those by size and time."""
        digest = hashlib.sha256()
        for path in sorted([self.path / "source.properties", *self.path.glob("build/cmake/**/*.cmake")]):
            digest.update(f"{path.relative_to(self.path)}\0{sha256_of(path)}\0".encode())
        for path in sorted(self.path.glob("toolchains/llvm/prebuilt/*/bin/*")):
            with contextlib.suppress(OSError):
                status = path.stat()
                digest.update(f"{path.relative_to(self.path)}\0{status.st_size} {status.st_mtime_ns}\0".encode())
        return digest.hexdigest()


def version_key(revision: str) -> tuple[tuple[int, ...], bool]:
    """A key that sorts revisions as numbers, a beta before its release: 9.x < 27.0.1-beta1 < 27.0.1 < 100.x.

    Accepts ``r27`` and ``r27c`` as well. Text without a number sorts first.
    """
    match = re.match(r"r?(\d+(?:\.\d+)*)([a-z]?)(.*)", revision.strip())
    if not match:
        return (-1,), False
    numbers = tuple(int(part) for part in match[1].split("."))
    letter = ord(match[2]) - ord("a") if match[2] else 0
    return (*numbers, *([letter] if match[2] else [])), match[3] == ""


def read_revision(folder: Path) -> str | None:
    """Pkg.Revision of an NDK folder; None where the folder is not an NDK."""
    if not (folder / _TOOLCHAIN_FILE).is_file():
        return None
    try:
        text = (folder / "source.properties").read_text("utf-8", "replace")
    except OSError:
        return None
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip() == "Pkg.Revision" and version_key(value)[0] != (-1,):
            return value.strip()
    return None


def find(
    named: Path | None,
    environment: Mapping[str, str] | None = None,
    home: Path | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Ndk | None:
    """The NDK to build with, or None where there is none.

    Raises UsageError where ``named`` (--ndk) or an NDK's variable points at something that is not a supported NDK.
    What lies in an SDK or a usual folder and is unusable is passed over, and said; so is an SDK that is not there.
    """
    environment = os.environ if environment is None else environment
    if named is not None:
        return _required(named, "--ndk")
    for variable in NDK_VARIABLES:
        if environment.get(variable):
            return _required(Path(environment[variable]), variable)
    for variable in SDK_VARIABLES:
        if environment.get(variable):
            sdk = Path(environment[variable])
            if not sdk.is_dir():
                say(f"not used: {variable}={sdk}: not a folder")
            elif best := _best(sdk, variable, say):
                return best
    for sdk in _usual_sdks(home or user_home()):
        if best := _best(sdk, str(sdk), say):
            return best
    return None


def _usual_sdks(home: Path | None) -> tuple[Path, ...]:
    system = (Path("/opt/android-sdk"), Path("/usr/lib/android-sdk"), Path("/opt/android-sdk-linux"))
    return ((home / "Android/Sdk", home / "Library/Android/sdk") if home else ()) + system


def _candidates(sdk: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (sdk / "ndk").iterdir()
    yield sdk / "ndk-bundle"


def _best(sdk: Path, found: str, say: Callable[[str], None]) -> Ndk | None:
    """The newest usable NDK of an SDK folder: a release before any beta."""
    ndks = [Ndk(folder, revision, found) for folder in _candidates(sdk) if (revision := read_revision(folder))]
    for ndk in sorted(ndks, key=_preference, reverse=True):
        problem = _problem(ndk)
        if not problem:
            return ndk
        say(f"not used: {ndk.path}: {problem}")
    return None


def _preference(ndk: Ndk) -> tuple[bool, tuple[int, ...]]:
    numbers, is_release = version_key(ndk.revision)
    return is_release, numbers


def _required(folder: Path, found: str) -> Ndk:
    revision = read_revision(folder)
    if revision is None:
        what = "is not an Android NDK" if folder.is_dir() else "is a file" if folder.exists() else "does not exist"
        # An empty text is Path(), too.
        named = f"{folder.absolute()}, the current folder," if folder == Path() else folder
        raise UsageError(f"{found}: {named} {what}", _HINT)
    ndk = Ndk(folder.absolute(), revision, found)
    if problem := _problem(ndk):
        raise UsageError(f"{found}: {folder}: {problem}", "install NDK r27 or newer, or use --toolchain zig")
    return ndk


def _problem(ndk: Ndk) -> str:
    """Why an NDK cannot be used; empty where it can."""
    tolerated = table()["ndk"]["tolerated"]
    if ndk.major < tolerated:
        return f"NDK r{ndk.major} ({ndk.revision}) is too old: r{table()['ndk']['minimum']} or newer is needed"
    compilers = ndk.compilers
    if not compilers:
        return f"it has no compiler ({_CLANG})"
    if ndk.compiler_version():
        return ""
    return f"its compiler {compilers[0]} does not run on this host ({platform.system()} {platform.machine()})"


def warning(ndk: Ndk) -> str:
    """A line to tell the user about a tolerated but old NDK; empty for others."""
    minimum = table()["ndk"]["minimum"]
    if ndk.major >= minimum:
        return ""
    return f"warning: NDK r{ndk.major} ({ndk.path}) is older than r{minimum}, which is the oldest one supported"
