"""Devices that were meant and are not measured, as the manifest has them: no serial number stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from harness.devices.base import Unusable
from harness.store.manifest import LeftOut
from harness.store.rundir import slug


def left_out(unusable: Sequence[Unusable], names: Mapping[str, str] | None = None) -> list[LeftOut]:
    """``names``: by serial, of those that have a name in the run."""
    shown = {bad.serial: (names or {}).get(bad.serial) or name_of(bad) for bad in unusable}
    return [
        LeftOut(
            name=shown[bad.serial],
            conditions=list(bad.conditions),
            state=_without(shown, bad.state),
            remedy=_without(shown, bad.remedy),
        )
        for bad in unusable
    ]


def name_of(bad: Unusable) -> str:
    """A name like those of the run's devices, always with a hash: of some not even the model is known."""
    return f"{slug(bad.model or 'phone')}-{sha256(bad.serial.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"


def merged(before: Iterable[LeftOut], now: Iterable[LeftOut]) -> list[LeftOut]:
    """Each once, as it was seen last."""
    return list({each.name: each for each in (*before, *now)}.values())


def _without(names: Mapping[str, str], text: str) -> str:
    for serial in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(serial)}(?!\w)", names[serial], text)
    return text
