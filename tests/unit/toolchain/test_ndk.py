"""Finding an NDK: what is named, the environment, SDK folders; versions sort as numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.toolchain import ndk

pytestmark = pytest.mark.unit


def make_ndk(folder: Path, revision: str, *, clang: str = "exit 0") -> Path:
    (folder / "build/cmake").mkdir(parents=True)
    (folder / "build/cmake/android.toolchain.cmake").write_text("")
    (folder / "source.properties").write_text(f"Pkg.Desc = Android NDK\nPkg.Revision = {revision}\n")
    if clang:
        program = folder / "toolchains/llvm/prebuilt/linux-x86_64/bin/clang"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{clang}\n")
        program.chmod(0o755)
    return folder


def test_revisions_sort_as_numbers() -> None:
    revisions = [
        "junk",
        "r9",
        "r9d",
        "10.0.1",
        "22.1.7171670",
        "27.0.11718014-beta1",
        "27.0.11718014",
        "r100",
        "100.0.1",
    ]
    assert sorted(sorted(revisions), key=ndk.version_key) == revisions


@pytest.mark.parametrize("variable", ["ANDROID_HOME", "ANDROID_SDK_ROOT"])
def test_the_newest_of_an_sdk(tmp_path: Path, variable: str) -> None:
    for revision in ("23.1.7779620", "27.2.12479018", "100.0.1", "99.9.9"):
        make_ndk(tmp_path / "ndk" / revision, revision)
    make_ndk(tmp_path / "ndk-bundle", "24.0.8215888")
    (tmp_path / "ndk" / "200.0.0").mkdir()  # half removed
    found = ndk.find(None, {variable: str(tmp_path)}, tmp_path / "home")
    assert found and (found.path.name, found.major, found.found) == ("100.0.1", 100, variable)


def test_the_file_counts_not_the_folder_name(tmp_path: Path) -> None:
    make_ndk(tmp_path / "ndk" / "99.0.0", "25.0.1")
    make_ndk(tmp_path / "ndk" / "26.0.0", "26.0.1")
    found = ndk.find(None, {"ANDROID_HOME": str(tmp_path)}, tmp_path / "home")
    assert found and found.revision == "26.0.1"


def test_order_of_the_search(tmp_path: Path) -> None:
    named, home, root = (make_ndk(tmp_path / name, "27.0.1") for name in ("named", "home", "root"))
    make_ndk(tmp_path / "sdk/ndk/29.0.1", "29.0.1")
    user = tmp_path / "user"
    make_ndk(user / "Android/Sdk/ndk/30.0.1", "30.0.1")
    environment = {"ANDROID_NDK_HOME": str(home), "ANDROID_NDK_ROOT": str(root), "ANDROID_HOME": str(tmp_path / "sdk")}

    def found(path: Path | None) -> tuple[Path, str]:
        one = ndk.find(path, environment, user)
        assert one
        return one.path, one.found

    assert found(named) == (named, "--ndk")
    assert found(None) == (home, "ANDROID_NDK_HOME")
    environment["ANDROID_NDK_HOME"] = ""
    assert found(None) == (root, "ANDROID_NDK_ROOT")
    del environment["ANDROID_NDK_ROOT"]
    environment["ANDROID_NDK"] = str(root)
    assert found(None) == (root, "ANDROID_NDK")
    del environment["ANDROID_NDK"]
    assert found(None) == (tmp_path / "sdk/ndk/29.0.1", "ANDROID_HOME")
    del environment["ANDROID_HOME"]
    assert found(None)[0] == user / "Android/Sdk/ndk/30.0.1"


def test_an_sdk_without_ndk_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndk, "_usual_sdks", lambda _home: ())
    assert ndk.find(None, {"ANDROID_HOME": str(tmp_path)}, tmp_path) is None
    assert ndk.find(None, {}, tmp_path) is None


@pytest.mark.parametrize("what", ["absent", "empty", "no properties", "no revision"])
@pytest.mark.parametrize("named_by", ["--ndk", "ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK"])
def test_a_wrong_ndk_that_was_named(tmp_path: Path, what: str, named_by: str) -> None:
    folder = tmp_path / "ndk"
    if what == "empty":
        folder.mkdir()
    elif what != "absent":
        make_ndk(folder, "27.0.1")
        properties = folder / "source.properties"
        properties.unlink() if what == "no properties" else properties.write_text("Pkg.Desc = Android NDK\n")
    named, environment = (folder, {}) if named_by == "--ndk" else (None, {named_by: str(folder)})
    with pytest.raises(UsageError, match=f"{named_by}: {folder} ") as caught:
        ndk.find(named, environment, tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE
    assert "--toolchain zig" in caught.value.remedy


def test_an_sdk_variable_that_points_nowhere_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndk, "_usual_sdks", lambda _home: ())
    make_ndk(tmp_path / "sdk/ndk/27.0.1", "27.0.1")
    said: list[str] = []
    environment = {"ANDROID_HOME": str(tmp_path / "nowhere"), "ANDROID_SDK_ROOT": str(tmp_path / "sdk")}
    found = ndk.find(None, environment, tmp_path, said.append)
    assert found and found.found == "ANDROID_SDK_ROOT"
    assert said == [f"not used: ANDROID_HOME={tmp_path / 'nowhere'}: not a folder"]
    assert ndk.find(None, {"ANDROID_HOME": str(tmp_path / "nowhere")}, tmp_path) is None


def test_a_folder_without_compiler(tmp_path: Path) -> None:
    """Half deleted, or unpacked in part: an older one that is whole is better; named, it is refused."""
    newest = make_ndk(tmp_path / "ndk/29.0.1", "29.0.1", clang="")
    make_ndk(tmp_path / "ndk/27.0.1", "27.0.1")
    said: list[str] = []
    found = ndk.find(None, {"ANDROID_HOME": str(tmp_path)}, tmp_path, said.append)
    assert found and found.revision == "27.0.1"
    assert len(said) == 1 and "29.0.1: it has no compiler (toolchains/llvm/prebuilt/*/bin/clang)" in said[0]
    with pytest.raises(UsageError, match="it has no compiler"):
        ndk.find(newest, {}, tmp_path)


def test_a_release_before_a_beta_of_a_higher_number(tmp_path: Path) -> None:
    make_ndk(tmp_path / "ndk/30.0.1", "30.0.1-beta1")
    alone = ndk.find(None, {"ANDROID_HOME": str(tmp_path)}, tmp_path)
    assert alone and alone.revision == "30.0.1-beta1"
    for revision in ("28.0.1", "29.0.1"):
        make_ndk(tmp_path / "ndk" / revision, revision)
    found = ndk.find(None, {"ANDROID_HOME": str(tmp_path)}, tmp_path)
    assert found and found.revision == "29.0.1"


def test_a_file_or_nothing_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "android-ndk.zip"
    file.write_text("")
    with pytest.raises(UsageError, match=f"--ndk: {file} is a file"):
        ndk.find(file, {}, tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"--ndk: {tmp_path}, the current folder, is not an Android NDK"):
        ndk.find(Path(), {}, tmp_path)


def test_a_compiler_of_another_host_beside_this_ones(tmp_path: Path) -> None:
    both = make_ndk(tmp_path / "ndk", "27.0.1", clang="echo clang version 18.0.1")
    other = both / "toolchains/llvm/prebuilt/darwin-x86_64/bin/clang"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"\xcf\xfa\xed\xfe")
    other.chmod(0o755)
    found = ndk.find(both, {}, tmp_path)
    assert found and found.compiler_version() == "clang version 18.0.1"


def test_old_versions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"r21 \(21\.4\.7075529\) is too old: r23 or newer"):
        ndk.find(make_ndk(tmp_path / "r21", "21.4.7075529"), {}, tmp_path)
    r22 = ndk.find(make_ndk(tmp_path / "r22", "22.1.7171670"), {}, tmp_path)
    assert r22 and "older than r23" in ndk.warning(r22)
    r23 = ndk.find(make_ndk(tmp_path / "r23", "23.0.7599858"), {}, tmp_path)
    assert r23 and ndk.warning(r23) == ""


def test_a_compiler_of_another_host(tmp_path: Path) -> None:
    """On an arm64 host the NDK's compiler is an x86-64 program."""
    broken = make_ndk(tmp_path / "sdk/ndk/29.0.1", "29.0.1", clang="exit 126")
    with pytest.raises(UsageError, match="does not run on this host"):
        ndk.find(broken, {}, tmp_path)
    make_ndk(tmp_path / "sdk/ndk/28.0.1", "28.0.1")
    said: list[str] = []
    found = ndk.find(None, {"ANDROID_HOME": str(tmp_path / "sdk")}, tmp_path, said.append)
    assert found and found.major == 28
    assert len(said) == 1 and "29.0.1" in said[0] and "does not run" in said[0]
