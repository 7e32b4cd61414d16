"""CSV: RFC 4180 quoting, LF, a header."""

from __future__ import annotations

import csv
import io

from harness.results.table import Table


def text(table: Table) -> str:
    """The table as a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, table.columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return out.getvalue()
