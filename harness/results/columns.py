"""The columns of results.csv: their names, and a row as texts of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.results.numbers import number_text, ratio_texts

if TYPE_CHECKING:
    from harness.results.rows import Row

_COLUMNS = (
    "device,cluster,threads,cache,build,layer,category,algorithm,variant,schedule,face,type,layout,status,n_valid,"
    "n_tainted,median_ns,low_ns,high_ns,gflops,peak_share,extra_bytes,matrix_bytes,pointer_bytes,copy_ns,create_ns,reshape_ns,ratio_im2col,"
    "ratio_im2col_low,ratio_im2col_high,ratio_direct,ratio_direct_low,ratio_direct_high,visible,emulated,conditions,to_nchw_ns,to_nhwc_ns,error_over_bound,max_error"
)
RESULT_COLUMNS = tuple(_COLUMNS.split(","))
BUILD_NAME = "build_name"  # a further column where other builds ran
RESULT_INTEGERS = frozenset({"threads", "n_valid", "n_tainted", "extra_bytes", "matrix_bytes", "pointer_bytes"})
RESULT_FLAGS = frozenset({"emulated"})
RESULT_NUMBERS = frozenset(  # the rest are texts
    {"median_ns", "low_ns", "high_ns", "gflops", "peak_share", "copy_ns", "create_ns", "reshape_ns", "visible"}
    | {"to_nchw_ns", "to_nhwc_ns", "error_over_bound", "max_error"}
    | {f"ratio_{other}{end}" for other in ("im2col", "direct") for end in ("", "_low", "_high")}
)


def result_texts(row: Row) -> Mapping[str, str]:
    """A row by the names of the columns, in their order; "" for what is unknown."""
    key, time = row.key, row.time
    values: dict[str, str] = {
        **key.columns,
        "category": row.category,
        "algorithm": row.algorithm,
        "schedule": row.schedule,
        "face": key.face,
        "type": key.what.type,
        "layout": key.what.layout,
        "status": row.status,
        "n_valid": str(len(row.observations)),
        "n_tainted": str(len(row.tainted)),
        "median_ns": number_text(time.value if time else None),
        "low_ns": number_text(time.low if time else None),
        "high_ns": number_text(time.high if time else None),
        "gflops": number_text(row.gflops),
        "peak_share": number_text(row.peak_share),
        "extra_bytes": number_text(row.extra_bytes),
        "matrix_bytes": number_text(row.matrix_bytes),
        "pointer_bytes": number_text(row.pointer_bytes),
        "copy_ns": number_text(row.copy_ns),
        "create_ns": number_text(row.create_ns),
        "reshape_ns": number_text(row.reshape_ns),
        "visible": number_text(row.visible),
        "emulated": "1" if row.emulated else "0",
        "conditions": row.conditions,
        "to_nchw_ns": number_text(row.to_nchw_ns),
        "to_nhwc_ns": number_text(row.to_nhwc_ns),
        "error_over_bound": number_text(row.error.over_bound),
        "max_error": number_text(row.error.largest),
    }
    for other in ("im2col", "direct"):
        values |= ratio_texts(row.ratio(other), f"ratio_{other}", f"ratio_{other}_low", f"ratio_{other}_high")
    values[BUILD_NAME] = row.build_name
    return {column: values[column] for column in (*RESULT_COLUMNS, BUILD_NAME)}


def columns_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The columns of a table of those rows."""
    return (*RESULT_COLUMNS, BUILD_NAME) if any(row.other_build for row in rows) else RESULT_COLUMNS
