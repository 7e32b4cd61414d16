"""Which phone a phone is, whatever its address: what is stored of one is never used for another.

Known by ro.serialno, model and board. The serial that adb lists it by is an address (USB, Wi-Fi, a port), and counts
only where ro.serialno is empty or made up, as on cheap phones that all have the same one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from harness.devices.base import Identity

_MADE_UP = re.compile(r"(.)\1*|0?123456789(abcdef)?0?|(un)?known|unset|none|null|n/a|default|android|serial(no)?", re.I)


@dataclass(frozen=True)
class PhoneId:
    """What a phone is known by; of this machine its product name and its CPU. Unknown values are empty."""

    serialno: str
    model: str
    board: str
    address: str  # the adb serial, or "local"

    @staticmethod
    def of(identity: Identity) -> PhoneId:
        """The phone with that identity."""
        return PhoneId(identity.serialno, identity.model, identity.board, identity.serial)

    @staticmethod
    def from_json(identity: Mapping[str, Any]) -> PhoneId:
        """From ``identity`` of a device.json; older ones lack serialno and board. Raises KeyError without a serial."""
        return PhoneId(
            str(identity.get("serialno", "")),
            str(identity.get("model", "")),
            str(identity.get("board", "")),
            str(identity["serial"]),
        )

    @property
    def is_numbered(self) -> bool:
        """Whether ro.serialno tells it from other phones of its model."""
        return len(self.serialno) > 1 and not _MADE_UP.fullmatch(self.serialno)

    @property
    def key(self) -> str:
        """A text that no other phone has: what is stored of the phone is found by it."""
        return "\n".join((self.serialno if self.is_numbered else self.address, self.model, self.board))

    @property
    def digest(self) -> str:
        """The name of files that belong to the phone."""
        return sha256(self.key.encode()).hexdigest()[:16]

    def is_same(self, other: PhoneId) -> bool:
        """Whether both are one phone. A board that only one of them tells of decides nothing."""
        if self.model != other.model or (self.board and other.board and self.board != other.board):
            return False
        if self.is_numbered and other.is_numbered:
            return self.serialno == other.serialno
        return self.address == other.address

    @property
    def title(self) -> str:
        """The kind of phone, without a serial number: for what is written into run directories."""
        return f"{self.model or 'phone without a model name'}{f' (board {self.board})' if self.board else ''}"

    def __str__(self) -> str:
        """With its numbers, for messages to the user alone: they never go into a run directory."""
        return (
            f"{self.title}, {f'ro.serialno {self.serialno}' if self.serialno else 'no ro.serialno'}, at {self.address}"
        )
