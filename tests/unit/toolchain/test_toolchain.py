"""Which toolchain for which ABI, what CMake is told, and combinations that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.model.abi import PHONE_ABIS
from harness.toolchain import ndk, toolchain

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_sdk_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndk, "_usual_sdks", lambda _home: ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_ndk(tmp_path / "ndk", "27.0.1")


def make_ndk(path: Path, revision: str) -> Path:
    (path / "build/cmake").mkdir(parents=True)
    (path / "build/cmake/android.toolchain.cmake").write_text("")
    (path / "source.properties").write_text(f"Pkg.Revision = {revision}\n")
    clang = path / "toolchains/llvm/prebuilt/linux-x86_64/bin/clang"
    clang.parent.mkdir(parents=True)
    clang.write_text("#!/bin/sh\necho clang version 18.0.1\n")
    clang.chmod(0o755)
    return path


def choose(abi: str, name: str, path: Path | None = None, **environment: str) -> toolchain.Toolchain:
    return toolchain.choose(abi, name, path, lambda _line: None, environment)


def test_auto_takes_an_ndk_else_zig(folder: Path) -> None:
    assert choose("arm64-v8a", "auto").name == "zig"
    assert choose("arm64-v8a", "auto", folder).name == "ndk"
    assert choose("arm64-v8a", "auto", ANDROID_NDK_HOME=str(folder)).name == "ndk"
    assert choose("arm64-v8a", "zig", ANDROID_NDK_HOME="/nowhere").name == "zig"
    assert choose("host", "auto", ANDROID_NDK_HOME="/nowhere").name == "host"


def test_folders_of_the_results(folder: Path) -> None:
    assert choose("arm64-v8a", "zig").folder == "arm64-v8a-zig"
    assert choose("arm64-v8a", "ndk", folder).folder == "arm64-v8a-ndk"
    assert choose("host", "host").folder == "host"


def test_what_the_ndk_is_told(folder: Path, tmp_path: Path) -> None:
    chosen = choose("arm64-v8a", "ndk", folder)
    told = chosen.defines
    assert told["CMAKE_TOOLCHAIN_FILE"] == str(folder / "build/cmake/android.toolchain.cmake")
    assert (told["ANDROID_ABI"], told["ANDROID_PLATFORM"], told["ANDROID_STL"]) == ("arm64-v8a", "android-24", "none")
    assert told["CMAKE_BUILD_TYPE"] == "Release"
    assert "-Wl,-z,max-page-size=16384" in told["CMAKE_EXE_LINKER_FLAGS"]
    assert told["ANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES"] == "ON"
    older = choose("arm64-v8a", "ndk", make_ndk(tmp_path / "r26", "26.3.11579264"))
    assert "ANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES" not in older.defines
    assert (chosen.machine, chosen.android) == ("EM_AARCH64", True)


@pytest.mark.parametrize(
    "file",
    [
        "build/cmake/android.toolchain.cmake",
        "build/cmake/android-legacy.toolchain.cmake",
        "source.properties",
        "toolchains/llvm/prebuilt/linux-x86_64/bin/clang",
        "toolchains/llvm/prebuilt/linux-x86_64/bin/ld.lld",
    ],
)
def test_a_change_in_place_makes_another_identity(folder: Path, file: str) -> None:
    before = choose("arm64-v8a", "ndk", folder).identity
    assert before["compiler"] == "clang version 18.0.1"
    assert choose("arm64-v8a", "ndk", folder).identity == before
    with (folder / file).open("a") as stream:
        stream.write("# changed\n")
    assert choose("arm64-v8a", "ndk", folder).identity != before


def test_a_compiler_of_cc_changed_in_place_makes_another_identity(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho compiler 1\n")
    compiler.chmod(0o755)
    before = choose("host", "auto", CC=str(compiler)).identity
    with compiler.open("a") as stream:
        stream.write("# changed\n")
    assert choose("host", "auto", CC=str(compiler)).identity != before


def test_r22_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    toolchain.choose("arm64-v8a", "ndk", make_ndk(tmp_path / "r22", "22.1.7171670"), said.append, {})
    assert len(said) == 1 and "older than r23" in said[0]


@pytest.mark.parametrize("abi", ["x86", "riscv64"])
@pytest.mark.parametrize("name", ["auto", "ndk", "zig", "host"])
def test_other_abis_are_named_and_refused(abi: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"ABI {abi}: not built yet"):
        choose(abi, name)


@pytest.mark.parametrize("abi", PHONE_ABIS)
def test_every_abi_of_phones_by_either_toolchain(folder: Path, abi: str) -> None:
    """What is on record of a build, and the file for zig, tell of the same target; pages are those of 64-bit phones."""
    zig, by_ndk = choose(abi, "zig"), choose(abi, "ndk", folder)
    known = ndk.table()["abis"][abi]
    text = Path(zig.defines["CMAKE_TOOLCHAIN_FILE"]).read_text()
    assert f"set(IC_ZIG_TARGET {known['zig']['target']})\n" in text
    assert f"set(IC_ZIG_CPU {known['zig']['cpu']})" in text
    assert "-static" in text and "-Wl,-z,max-page-size=16384" in text
    assert (zig.folder, zig.identity["target"]) == (f"{abi}-zig", known["zig"]["target"])
    assert (by_ndk.folder, by_ndk.defines["ANDROID_ABI"]) == (f"{abi}-ndk", abi)
    assert "-Wl,-z,max-page-size=16384" in by_ndk.defines["CMAKE_EXE_LINKER_FLAGS"]
    assert zig.machine == by_ndk.machine == known["machine"]


@pytest.mark.parametrize(
    ("abi", "name", "with_ndk", "message"),
    [
        ("arm64-v8a", "host", False, "toolchain host does not build for arm64-v8a"),
        ("host", "zig", False, "toolchain zig does not build for this machine"),
        ("host", "ndk", False, "toolchain ndk does not build for this machine"),
        ("host", "auto", True, "--ndk has no meaning for --abi host"),
        ("host", "host", True, "--ndk has no meaning for --abi host"),
        ("arm64-v8a", "zig", True, "--ndk has no meaning for --toolchain zig"),
        ("arm64-v8a", "ndk", False, "no Android NDK was found"),
        ("arm64-v8a", "gcc", False, "unknown toolchain 'gcc'"),
        ("mips", "auto", False, "unknown ABI 'mips'"),
    ],
)
def test_combinations_that_do_not_fit(folder: Path, abi: str, name: str, with_ndk: bool, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        choose(abi, name, folder if with_ndk else None)
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.remedy


def test_host_uses_cc_where_set(tmp_path: Path) -> None:
    compiler = tmp_path / "my cc"
    compiler.write_text("#!/bin/sh\necho my compiler 1.2\n")
    compiler.chmod(0o755)
    chosen = choose("host", "auto", CC=f"'{compiler}' -pipe")
    assert chosen.defines["CMAKE_C_COMPILER"] == f"{compiler};-pipe"
    assert chosen.identity["revision"] == "my compiler 1.2"
    assert "CMAKE_TOOLCHAIN_FILE" not in chosen.defines
    assert choose("host", "auto", CC="  ").identity["compiler"] == "zig"


@pytest.mark.parametrize("text", ["no-such-compiler", "'unclosed", "false"])
def test_a_wrong_cc(text: str) -> None:
    with pytest.raises(UsageError, match="CC="):
        choose("host", "host", CC=text)
