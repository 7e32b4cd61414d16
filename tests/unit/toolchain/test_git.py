"""What is read of a checkout's revisions, whatever the user's git is told to do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.toolchain import git
from harness.toolchain.git import GitFailed, check_checkout, commit_of, take_out
from tests.conftest import NeedTool

pytestmark = pytest.mark.unit

SOURCE = b"int x;\r\n\xff$Id$\n"


@pytest.fixture
def checkout(tmp_path: Path, need_tool: NeedTool) -> Path:
    """One commit; filters, hooks and line endings that would change files, or leave a trace, where git checks out."""
    root, trace = tmp_path / "checkout", tmp_path / "trace"
    tool = need_tool("git")

    def run(*argv: str) -> None:
        who = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }
        subprocess.run([tool, "-C", str(root), *argv], check=True, capture_output=True, env={**os.environ, **who})

    (root / "native").mkdir(parents=True)
    (root / "native/conv.c").write_bytes(SOURCE)
    (root / "native/link").symlink_to("/etc/passwd")
    (root / "other.c").write_text("not asked for")
    run("init", "-q", "-b", "main")
    run("add", "native", "other.c")
    run("commit", "-q", "-m", "one")
    run("tag", "v1")
    (root / ".git/info/attributes").write_text("*.c filter=evil ident text eol=crlf\n")
    run("config", "filter.evil.smudge", f"touch {trace}; cat")
    run("config", "core.fsmonitor", f"touch {trace}")
    hook = root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
    hook.chmod(0o755)
    return root


def test_files_come_as_they_are_stored_and_nothing_of_the_users_runs(checkout: Path, tmp_path: Path) -> None:
    commit = commit_of(checkout, "v1")
    assert commit is not None and commit == commit_of(checkout, "HEAD")
    before = sorted((checkout / ".git").rglob("*"))
    take_out(checkout, commit, ("native", "ndk"), tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")] == [
        "native/conv.c"
    ]
    assert (tmp_path / "out/native/conv.c").read_bytes() == SOURCE
    assert not (tmp_path / "out/native/link").is_symlink()
    assert not (tmp_path / "trace").exists()
    assert sorted((checkout / ".git").rglob("*")) == before  # nor is anything noted in the user's checkout


@pytest.mark.parametrize("text", ["nope", "--help", "--all", "HEAD~9", "v1:native", "HEAD --", "\x00"[:0] or "@{u}"])
def test_what_is_no_commit(checkout: Path, text: str) -> None:
    assert commit_of(checkout, text) is None


def test_where_git_is_led_elsewhere(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    check_checkout(checkout)
    assert commit_of(checkout, "HEAD")


def test_a_hint_behind_what_git_says_is_not_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\necho 'fatal: not here' >&2\necho 'Stopping at a boundary.' >&2\nexit 128\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitFailed, match=r"^fatal: not here$"):
        git.git(tmp_path, "rev-parse")


def test_a_folder_within_somebodys_checkout_is_none(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="it lies in the checkout"):
        check_checkout(checkout / "native")
    with pytest.raises(GitFailed, match="not a git repository"):
        check_checkout(tmp_path)


def test_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitFailed, match="git cannot be run"):
        check_checkout(checkout)


def test_names_that_leave_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(git, "git", lambda *_, **__: b"100644 blob abc\tnative/../../x\0")
    with pytest.raises(UsageError, match=r"holds a file called 'native/\.\./\.\./x'"):
        take_out(tmp_path, "f" * 40, ("native",), tmp_path / "out")


def test_what_replaces_a_commit_or_sets_an_option_is_left_out(
    checkout: Path, need_tool: NeedTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*argv: str) -> str:
        done = subprocess.run(
            [need_tool("git"), "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@b", *argv],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    first = run("rev-parse", "HEAD")
    (checkout / "native/conv.c").write_text("int replaced;")
    run("-c", "filter.evil.smudge=", "commit", "-q", "-a", "-m", "two")
    run("replace", first, "HEAD")
    take_out(checkout, first, ("native",), tmp_path / "out")
    assert (tmp_path / "out/native/conv.c").read_bytes() == SOURCE
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    check_checkout(checkout)
