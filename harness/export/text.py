"""Texts from devices and configurations, made fit for the files of other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# What XML 1.0 cannot hold, and what is no UTF-8: control characters, lone surrogates, two code points that are none.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def plain(value: object) -> str:
    """The text with ``?`` for each character that an export cannot hold."""
    return _UNFIT.sub("?", str(value))


def name_of(*parts: str, longest: int) -> str:
    """A name on one line: the parts that are not empty, joined by ``/`` and cut to that many characters."""
    return "/".join(" ".join(plain(part).split()) for part in parts if part)[:longest]


def as_json(value: Mapping[str, Any]) -> str:
    """One object on one line, in ASCII. Raises ValueError for NaN and infinity, which JSON does not have."""
    return json.dumps(value, allow_nan=False)
