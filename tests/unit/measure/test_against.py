"""What --against may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.measure import against
from harness.measure.against import parse_against
from harness.toolchain.git import GitFailed

pytestmark = pytest.mark.unit

COMMIT = "f" * 40


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; a checkout whose only revision is HEAD."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(against, "in_checkout", lambda: True)
    monkeypatch.setattr(against, "check_checkout", lambda _: None)
    monkeypatch.setattr(against, "commit_of", lambda _, text: COMMIT if text == "HEAD" else None)
    return tmp_path


def test_what_is_there_is_a_path_and_else_a_revision(here: Path) -> None:
    (here / "build").mkdir()
    (here / "convbench").write_bytes(b"")
    found = parse_against(["HEAD", "build", "./convbench"])
    assert [(each.kind, each.source) for each in found] == [
        *(("revision", COMMIT), ("folder", str(here / "build")), ("program", str(here / "convbench"))),
    ]
    assert [each.title for each in found] == ["HEAD (ffffffffffff)", "build", "./convbench"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-x", r"begins with '-'.*\n  of a file or folder write \./-x"),
        ("--upload-pack=x", "begins with '-'"),
        ("", "names nothing"),
        ("a\nb", "names nothing"),
        ("x" * 201, "names nothing"),
        ("HEAD~99", "neither a path nor a revision"),
        ("./nothing/convbench", "neither a path nor a revision"),
    ],
)
def test_what_names_nothing(here: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_against([text])


def test_without_a_checkout(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise GitFailed("fatal: not a git repository")

    monkeypatch.setattr(against, "check_checkout", refuse)
    with pytest.raises(UsageError, match="is not a git checkout: fatal: not a git repository"):
        parse_against(["HEAD"])
    monkeypatch.setattr(against, "in_checkout", lambda: False)
    with pytest.raises(UsageError, match="this tool is installed: it has no revisions"):
        parse_against(["HEAD"])


def test_a_home_of_nobody_is_a_revision(here: Path) -> None:
    with pytest.raises(UsageError, match="~1': neither a path nor a revision"):
        parse_against(["~1"])


def test_the_checkouts_own_name_is_refused(here: Path) -> None:
    (here / "checkout").mkdir()
    with pytest.raises(UsageError, match=r"(?s)build of this checkout.*\./checkout.*refs/heads/checkout"):
        parse_against(["checkout"])
    assert [each.name for each in parse_against(["./checkout"])] == ["./checkout"]
