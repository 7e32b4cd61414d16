"""Templates are compiled once and kept; where nothing can be kept, or what is kept is damaged, they are compiled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from jinja2.bccache import bc_magic

from harness.errors import InfrastructureError
from harness.report import templates

pytestmark = pytest.mark.unit


class Compiled:
    """How often a template was compiled, each time with the environment of another process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.names: list[str | None] = []
        self.folder = folder / templates.FOLDER
        compile_one = Environment.compile

        def counted(environment: Environment, source: Any, name: str | None = None, *more: Any) -> Any:
            self.names.append(name)
            return compile_one(environment, source, name, *more)

        monkeypatch.setattr(Environment, "compile", counted)
        monkeypatch.setattr(templates, "build_root", lambda: folder)

    def get(self, name: str = "summary.md.j2") -> int:
        templates._environment.cache_clear()
        self.names.clear()
        templates.template(name)
        return len(self.names)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Compiled]:
    yield Compiled(monkeypatch, tmp_path / "build")
    templates._environment.cache_clear()


def test_each_is_compiled_once(compiled: Compiled) -> None:
    assert [compiled.get(), compiled.get()] == [1, 0]
    assert [compiled.get("compare.html.j2"), compiled.get("compare.html.j2"), compiled.get()] == [1, 0, 0]


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", None, bc_magic, bc_magic + b"x"],
    ids=["empty", "garbage", "cut", "cut-head", "no-pickle"],
)
def test_what_is_damaged_is_compiled_anew(compiled: Compiled, content: bytes | None) -> None:
    assert compiled.get() == 1
    (file,) = compiled.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-100] if content is None else content)
    assert [compiled.get(), compiled.get()] == [1, 0]


def test_a_folder_that_cannot_be_written_or_read_is_done_without(compiled: Compiled) -> None:
    compiled.folder.parent.write_text("a file")
    assert [compiled.get(), compiled.get()] == [1, 1]


def test_without_a_home_folder_nothing_is_kept(compiled: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise InfrastructureError("no home folder")

    monkeypatch.setattr(templates, "build_root", nowhere)
    assert [compiled.get(), compiled.get()] == [1, 1]


def test_everything_is_escaped_but_markdown() -> None:
    environment = templates._environment()
    assert callable(environment.autoescape)
    named = {file: environment.autoescape(file) for file in environment.list_templates(extensions=["j2"])}
    assert {file for file, escaped in named.items() if not escaped} == {"answer.md.j2", "summary.md.j2"}
    assert environment.autoescape(None) and len(named) > 3
