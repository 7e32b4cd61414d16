"""How workflow files are written: YAML from data, scripts of several lines as such."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.errors import InfrastructureError


class _Dumper(yaml.SafeDumper):
    """SafeDumper, but for the style of texts with several lines, and without references to what is there twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def write(file: Path, head: str, value: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> Path:
    """Writes a file. ``head``: remarks before it; ``notes``: what stands as a remark behind a text. Raises
    InfrastructureError.
    """
    text = yaml.dump(dict(value), Dumper=_Dumper, sort_keys=False, width=1000)
    for what, note in (notes or {}).items():
        text = text.replace(f"{what}\n", f"{what} # {note}\n")
    remarks = "".join(f"# {line}\n" for line in head.splitlines())
    try:
        file.write_text(remarks + text, "utf-8")
    except OSError as error:
        raise InfrastructureError(f"{file}: {error.strerror or error}", "free some space") from error
    return file
