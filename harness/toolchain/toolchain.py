"""Which compiler builds for which ABI, and the CMake variables that tell it so."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.errors import InfrastructureError, UsageError
from harness.model.abi import PHONE_ABIS
from harness.paths import data_root
from harness.toolchain import cmake, macho, ndk

HOST = "host"
TOOLCHAINS = ("auto", "ndk", "zig", "host")
_MACHINES = {
    ("Linux", "x86_64"): "EM_X86_64",
    ("Linux", "amd64"): "EM_X86_64",
    ("Linux", "aarch64"): "EM_AARCH64",
    ("Linux", "arm64"): "EM_AARCH64",
    ("Darwin", "arm64"): macho.MACHINE,
}


@dataclass(frozen=True)
class Toolchain:
    """A compiler for an ABI. ``identity`` says what it is, for the cache and for records; ``machine`` as in ELF."""

    name: str
    abi: str
    machine: str
    defines: dict[str, str] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    describe: str = ""

    @property
    def android(self) -> bool:
        """True where the program must load on a phone."""
        return self.abi != HOST

    @property
    def folder(self) -> str:
        """The folder of the result below build/: ``host``, ``arm64-v8a-zig``."""
        return HOST if self.abi == HOST else f"{self.abi}-{self.name}"


def choose(
    abi: str,
    toolchain: str,
    ndk_path: Path | None,
    say: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> Toolchain:
    """The toolchain for what the user asked. Raises UsageError where the combination does not fit."""
    environment = os.environ if environment is None else environment
    if toolchain not in TOOLCHAINS:
        raise UsageError(f"unknown toolchain {toolchain!r}", f"one of {', '.join(TOOLCHAINS)}")
    if abi == HOST:
        if toolchain not in ("auto", "host"):
            raise UsageError(f"toolchain {toolchain} does not build for this machine", "use --toolchain host (or auto)")
        if ndk_path is not None:
            raise UsageError("--ndk has no meaning for --abi host", "leave --ndk away")
        return _host(environment)
    _check_abi(abi)
    if toolchain == "host":
        raise UsageError(f"toolchain host does not build for {abi}", "use --toolchain ndk, zig or auto, or --abi host")
    if toolchain == "zig":
        if ndk_path is not None:
            raise UsageError("--ndk has no meaning for --toolchain zig", "leave --ndk away, or use --toolchain ndk")
        return _zig(abi)
    found = ndk.find(ndk_path, environment, say=say)
    if found is None:
        if toolchain == "ndk":
            raise UsageError(
                "no Android NDK was found",
                f"name one with --ndk DIR or {ndk.NDK_VARIABLES[0]}, or build without one: --toolchain zig",
            )
        return _zig(abi)
    if text := ndk.warning(found):
        say(text)
    return _ndk(abi, found)


def _check_abi(abi: str) -> None:
    built = ", ".join(PHONE_ABIS)
    if abi not in ndk.table()["abis"]:
        raise UsageError(f"unknown ABI {abi!r}", f"{built} for phones, {HOST} for this machine")
    if abi not in PHONE_ABIS:
        raise UsageError(f"ABI {abi}: not built yet", f"for phones there are {built}")


def _common() -> dict[str, str]:
    return {"CMAKE_BUILD_TYPE": "Release"}


def _wheel(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _ndk(abi: str, found: ndk.Ndk) -> Toolchain:
    limits = ndk.table()["ndk"]
    defines = {
        **_common(),
        "CMAKE_TOOLCHAIN_FILE": str(found.toolchain_file),
        "ANDROID_ABI": abi,
        "ANDROID_PLATFORM": f"android-{limits['api']}",
        "ANDROID_STL": "none",
        # The last max-page-size wins, whatever an NDK's default is. -s because -g is forced and the program is pushed.
        "CMAKE_EXE_LINKER_FLAGS": f"-Wl,-z,max-page-size={limits['page_size']} -Wl,--build-id=sha1 -s",
    }
    if found.major >= limits["flexible_page_sizes_from"]:
        defines["ANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES"] = "ON"
    identity = {
        "toolchain": "ndk",
        "revision": found.revision,
        "path": str(found.path),
        "compiler": found.compiler_version(),
        "contents": found.contents(),
    }
    machine = ndk.table()["abis"][abi]["machine"]
    return Toolchain("ndk", abi, machine, defines, identity, f"NDK {found.revision} ({found.path})")


def _zig(abi: str) -> Toolchain:
    known = ndk.table()["abis"][abi]
    defines = {
        **_common(),
        "CMAKE_TOOLCHAIN_FILE": str(data_root() / "ndk" / known["zig"]["file"]),
        "IC_ZIG": str(cmake.zig_program()),
    }
    identity = {"toolchain": "zig", "revision": _wheel("ziglang"), "target": known["zig"]["target"]}
    return Toolchain("zig", abi, known["machine"], defines, identity, "zig")


def _host(environment: Mapping[str, str]) -> Toolchain:
    system, machine = platform.system(), _MACHINES.get((platform.system(), platform.machine().lower()), "")
    if not machine:
        raise InfrastructureError(
            f"no build for this machine yet ({system} {platform.machine()})",
            "measuring on this machine needs Linux on x86_64 or aarch64, or macOS on arm64; phones can be measured",
        )
    if environment.get("CC", "").strip():
        return _host_cc(environment["CC"], machine)
    defines = {
        **_common(),
        "CMAKE_TOOLCHAIN_FILE": str(data_root() / "ndk" / "zig-host.cmake"),
        "IC_ZIG": str(cmake.zig_program()),
        "IC_HOST_PROCESSOR": "x86_64" if machine == "EM_X86_64" else "aarch64",
        "IC_HOST_SYSTEM": system,
    }
    identity = {"toolchain": "host", "compiler": "zig", "revision": _wheel("ziglang")}
    return Toolchain("host", HOST, machine, defines, identity, "zig")


def _host_cc(text: str, machine: str) -> Toolchain:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise UsageError(f"CC={text}: no such compiler", "set CC to a C compiler, or unset it to build with zig")
    try:
        done = subprocess.run([program, *words[1:], "--version"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode:
        raise UsageError(f"CC={text}: does not run", "set CC to a C compiler, or unset it to build with zig")
    first = done.stdout.decode("utf-8", "replace").strip().splitlines()[:1]
    defines = {
        **_common(),
        "CMAKE_C_COMPILER": ";".join([program, *words[1:]]),
        **({} if machine == macho.MACHINE else {"CMAKE_EXE_LINKER_FLAGS": "-Wl,--build-id=sha1"}),
    }
    identity = {"toolchain": "host", "compiler": " ".join([program, *words[1:]]), "revision": "".join(first)}
    with contextlib.suppress(OSError):  # replaced in place it may call itself the same
        status = Path(program).stat()
        identity["file"] = f"{status.st_size} bytes, {status.st_mtime_ns} ns"
    return Toolchain("host", HOST, machine, defines, identity, text)
