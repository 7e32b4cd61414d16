"""Dask distributed as this tool uses it: loaded on demand, quiet, without what costs time beside a measurement."""

from __future__ import annotations

import logging
from typing import Any

from harness.extras import check_there, needed

_CONFIG = {
    "distributed.worker.profile.enabled": False,  # it would look at every thread a hundred times a second
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.http.routes": [],  # no pages of a host
    "distributed.comm.retry.count": 0,
    "distributed.comm.timeouts.connect": "10s",
}


def check_installed(what: str) -> None:
    """Raises UsageError with the command that installs it; ``what``: that needs it."""
    check_there("distributed", what)


def distributed(what: str = "--scheduler", part: str = "distributed") -> Any:
    """The module, or a part of it, set up. Raises UsageError where it is not installed; ``what``: that needs it."""
    module = needed(part, what)
    needed("dask.config", what).set(_CONFIG)
    for name in ("distributed", "tornado", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):  # which sets some of its own loggers apart
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said in words of our own
    return module
