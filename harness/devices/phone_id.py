"""Which phone a phone is, whatever its address: what is stored of one is never used for another.

Known by ro.serialno, model and board. Where ro.serialno is empty or made up, or two phones have the same one, a second
mark counts: android_id, which a phone makes at its first start and keeps until it is reset to factory settings. The
serial that adb lists it by is an address (USB, Wi-Fi, a port), and counts only where there is no second mark either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.devices.base import LOCAL, Identity

_MADE_UP = re.compile(r"(.)\1*|0?123456789(abcdef)?0?|(un)?known|unset|none|null|n/a|default|android|serial(no)?", re.I)


@dataclass(frozen=True)
class PhoneId:
    """What a phone is known by; of this machine its product name and its CPU. Unknown values are empty."""

    serialno: str
    model: str
    board: str
    address: str  # the adb serial, or "local"
    second: str = ""  # a hash of android_id, which no other phone has
    is_shared: bool = False  # another phone was seen with the same serialno, model and board
    pseudonyms: str = ""  # the id of the key that its numbers are pseudonyms of; empty: they are its numbers

    @staticmethod
    def of(identity: Identity) -> PhoneId:
        """The phone with that identity."""
        return PhoneId(
            identity.serialno,
            identity.model,
            identity.board,
            identity.serial,
            identity.second_mark,
            identity.serialno_is_shared,
        )

    @staticmethod
    def from_json(identity: Mapping[str, Any]) -> PhoneId:
        """From ``identity`` of a device.json; older ones lack serialno and board. Raises KeyError without a serial."""
        return PhoneId(
            str(identity.get("serialno", "")),
            str(identity.get("model", "")),
            str(identity.get("board", "")),
            str(identity["serial"]),
            str(identity.get("second_mark", "")),
            identity.get("serialno_is_shared") is True,
            str(identity.get("pseudonyms", "")),
        )

    @staticmethod
    def read(file: Path) -> PhoneId:
        """The phone that a device.json tells of. Raises OSError, or ValueError where it tells of none."""
        try:
            return PhoneId.from_json(json.loads(file.read_bytes())["identity"])
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(str(error)) from error

    @staticmethod
    def read_or_none(file: Path) -> PhoneId | None:
        """The same; None where it is not there, or tells of none."""
        try:
            return PhoneId.read(file)
        except (OSError, ValueError):
            return None

    @property
    def is_this_machine(self) -> bool:
        """Whether it is no phone but this machine, which has no number."""
        return self.address == LOCAL

    @property
    def is_numbered(self) -> bool:
        """Whether ro.serialno looks like one that tells it from other phones of its model."""
        return not is_made_up(self.serialno)

    @property
    def known_by(self) -> str:
        """What tells it from others of its model: ``ro.serialno``, ``android_id`` or ``address``."""
        if self.is_numbered and not self.is_shared:
            return "ro.serialno"
        return "android_id" if self.second else "address"

    @property
    def key(self) -> str:
        """A text that no other phone has: what is stored of the phone is found by it."""
        mark = {"ro.serialno": self.serialno, "android_id": self.second, "address": self.address}[self.known_by]
        return self._key(mark)

    def _key(self, mark: str) -> str:
        return "\n".join((mark, self.model, self.board))

    @property
    def digest(self) -> str:
        """The name of files that belong to the phone."""
        return _digest(self.key)

    @property
    def number_digest(self) -> str:
        """The same for all phones with its serial number, model and board."""
        return _digest(self._key(self.serialno))

    @property
    def digests(self) -> tuple[str, ...]:
        """The names that its files may have, the present one first: it was known by something else before another
        phone with its number was seen, or while it did not tell its android_id.
        """
        marks = (self.serialno if self.is_numbered else "", self.second, self.address)
        return tuple(dict.fromkeys((self.digest, *(_digest(self._key(mark)) for mark in marks if mark))))

    def owns(self, digest: str, second: str = "") -> bool:
        """Whether what is stored under that name, with that second mark (empty: not told), is of this phone."""
        if second and self.second and second != self.second:
            return False
        if digest in (self.digest, _digest(self._key(self.second)) if self.second else ""):
            return True
        return digest in self.digests and bool(second) and second == self.second

    def is_same(self, other: PhoneId) -> bool:
        """Whether both are one phone. A board, or a second mark, that only one of them tells of decides nothing.

        Numbers and pseudonyms, and pseudonyms of two keys, are never the same.
        """
        if self.pseudonyms != other.pseudonyms:
            return False
        if self.model != other.model or (self.board and other.board and self.board != other.board):
            return False
        if self.second and other.second and self.second != other.second:
            return False
        if self.is_numbered and other.is_numbered:
            shared = self.is_shared or other.is_shared
            told = bool(self.second and other.second) or self.address == other.address
            return self.serialno == other.serialno and (told or not shared)
        return bool(self.second and other.second) or self.address == other.address

    @property
    def title(self) -> str:
        """The kind of phone, without a serial number: for what is written into run directories."""
        return f"{self.model or 'phone without a model name'}{f' (board {self.board})' if self.board else ''}"

    def __str__(self) -> str:
        """With its numbers, for messages to the user alone: they never go into a run directory."""
        return (
            f"{self.title}, {f'ro.serialno {self.serialno}' if self.serialno else 'no ro.serialno'}, at {self.address}"
        )


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def is_made_up(number: str) -> bool:
    """Whether a serial number, or an android_id, is empty or one that makers leave in all their phones."""
    return len(number) < 2 or bool(_MADE_UP.fullmatch(number))


def second_mark(android_id: str) -> str:
    """The second mark of a phone with that android_id: a hash, because the number itself is nobody's business."""
    known = re.fullmatch(r"[0-9a-f]{8,16}", android_id) and not is_made_up(android_id)
    return sha256(android_id.encode()).hexdigest()[:12] if known else ""
