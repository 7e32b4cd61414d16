"""A table for a terminal that can be pasted: Markdown, its columns in line where nobody renders it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.results.table import Table


def aligned(table: Table) -> Iterator[str]:
    """The lines of the table, numbers to the right; nothing where it has no rows.

    Texts stay as they are but for what would end a cell or a line: escapes of all that Markdown knows are hard to read.
    """
    rows = [[_cell(row[column]) for column in table.columns] for row in table.rows]
    if not rows:
        return
    right = [column in table.numbers for column in table.columns]
    widths = [max(len(column), *(len(row[n]) for row in rows)) for n, column in enumerate(table.columns)]
    yield _line(table.columns, widths, right)
    ends = [":" if is_right else "-" for is_right in right]
    yield _line([f"{'-' * (width - 1)}{end}" for width, end in zip(widths, ends, strict=True)], widths, right)
    for row in rows:
        yield _line(row, widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    texts = [
        cell.rjust(width) if to_the_right else cell.ljust(width)
        for cell, width, to_the_right in zip(cells, widths, right, strict=True)
    ]
    return f"| {' | '.join(texts)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
