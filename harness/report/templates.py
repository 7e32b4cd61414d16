"""The templates of reports/. To compile them takes longer than to fill them in: it is done once, and kept."""

from __future__ import annotations

import functools
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, FileSystemLoader, Template, select_autoescape
from jinja2.bccache import Bucket

from harness.errors import InfrastructureError
from harness.export.markdown import code, escaped
from harness.paths import build_root, data_root

FOLDER = "templates"  # in the build folder
_FORM = 1  # another one for other options of the environment: what is kept by its source alone was compiled with them


class _Kept(FileSystemBytecodeCache):
    """Compiled templates of the user's own build folder; where it cannot be written they are compiled each time."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:
            bucket.reset()


def template(name: str) -> Template:
    """A template by its file's name. Every text is escaped, save in Markdown, where it goes through the filter md."""
    return _environment().get_template(name)


def asset(name: str) -> str:
    """The text of a file that pages hold: the style sheet, the script."""
    return (data_root() / "reports" / name).read_text("utf-8")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(data_root() / "reports"),
        autoescape=select_autoescape(disabled_extensions=("md.j2",), default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_kept(),
    )
    environment.filters |= {"md": escaped, "code": code}
    return environment


def _kept() -> BytecodeCache | None:
    try:
        return _Kept(str(build_root() / FOLDER), f"{jinja2.__version__}-{_FORM}-%s")
    except InfrastructureError:  # no home folder
        return None
