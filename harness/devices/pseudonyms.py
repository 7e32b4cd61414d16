"""Pseudonyms of phones: the same for the same number, under one key, and of no use without it. Pure functions."""

from __future__ import annotations

import hmac
from dataclasses import replace
from hashlib import sha256

from harness.devices.phone_id import PhoneId, is_made_up


def pseudonym(key: bytes, number: str) -> str:
    """What stands for a serial number, an address or a second mark: ``ps-`` and 16 hex digits of an HMAC-SHA-256."""
    return f"ps-{hmac.new(key, number.encode('utf-8', 'surrogateescape'), sha256).hexdigest()[:16]}"


def under(phone: PhoneId, key: bytes, key_id: str) -> PhoneId:
    """The phone as a bundle tells of it: with pseudonyms for its numbers. One that has some already is left."""
    if phone.pseudonyms:
        return phone
    return replace(
        phone,
        serialno=phone.serialno if is_made_up(phone.serialno) else pseudonym(key, phone.serialno),
        address=phone.address if phone.is_this_machine else pseudonym(key, phone.address),
        second=pseudonym(key, phone.second) if phone.second else "",
        pseudonyms=key_id,
    )
