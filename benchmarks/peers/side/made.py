"""What a peer's module hands to the worker for a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Made:
    """A convolution ready to run. ``output`` gives the last call's result as [batch][height][width][channels]."""

    call: Callable[[], object]
    output: Callable[[], Any]
    conversion: Callable[[], object] | None = None  # layout conversions that happen inside ``call``, alone
    keep: tuple[Any, ...] = ()  # what must live as long
