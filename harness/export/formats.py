"""The formats that tables of results are written in: a file here and a line below for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.export import csv, markdown
from harness.results.table import Table

FORMATS: Mapping[str, Callable[[Table], str]] = {  # by the ending of a file's name
    "csv": csv.text,
    "md": markdown.text,
}
