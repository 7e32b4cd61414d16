"""A farm's devices: who uses them, and how one is reserved, reached and given back."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.stf.address import FarmUrl, parse_adb_address
from harness.stf.client import CALL_S, Client, FarmError

IDLE_S = 900  # after so long without a word over adb the farm itself frees a device
_FIELDS = ("serial", "model", "present", "ready", "using", "owner", "usageChangedAt")
_SERIAL = re.compile(r"[\x21-\x7e]{1,128}")
_MOST = 5000  # devices
_SEEN_S = 8.0  # until a farm's database shows what it has just done
_AGAIN_S = 0.5


@dataclass(frozen=True)
class FarmDevice:
    """A device as a farm tells of it; what it does not tell is empty."""

    serial: str  # the farm's name of it
    model: str = ""
    present: bool = False
    ready: bool = False
    owner: str = ""  # the email of whoever has it
    owner_name: str = ""
    since: str = ""  # when it was taken or given back last

    @property
    def is_free(self) -> bool:
        """Whether it can be reserved."""
        return self.present and self.ready and not self.owner

    @property
    def state(self) -> str:
        """``free``, ``in use``, ``absent`` or ``not ready``."""
        if not self.present:
            return "absent"
        if self.owner:
            return "in use"
        return "free" if self.ready else "not ready"

    @property
    def state_in_words(self) -> str:
        """With who has it."""
        return f"in use by {self.owner_name or self.owner}" if self.state == "in use" else self.state


class Farm:
    """One farm, for one user. Every method raises FarmError; its ``status`` tells 403 (not yours) and 404 (unknown)."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._user = ""

    @property
    def url(self) -> FarmUrl:
        return self._client.url

    @property
    def token_digest(self) -> str:
        return self._client.token.digest

    def user(self) -> str:
        """The email of whom the token is of; asked once."""
        if not self._user:
            user = self._client.call("GET", ("user",)).get("user")
            email = user.get("email") if isinstance(user, dict) else None
            if not isinstance(email, str) or not email:
                raise FarmError(f"the farm {self.url} does not tell whose the token is", "is it an OpenSTF?")
            self._user = email
        return self._user

    def devices(self) -> dict[str, FarmDevice]:
        """All that the user may see, by serial; entries that cannot be read are left out."""
        listed = self._client.call("GET", ("devices",), fields=_FIELDS).get("devices")
        if not isinstance(listed, list):
            raise FarmError(f"the farm {self.url} gave no list of devices", "is it an OpenSTF?")
        found = [device for entry in listed[:_MOST] if (device := _parsed(entry)) is not None]
        return {device.serial: device for device in found}

    def device(self, serial: str, deadline_s: float = CALL_S) -> FarmDevice:
        """One of them."""
        told = self._client.call("GET", ("devices", serial), fields=_FIELDS, deadline_s=deadline_s).get("device")
        found = _parsed(told)
        if found is None or found.serial != serial:
            raise FarmError(f"the farm {self.url} does not tell of the device {serial}", "is it an OpenSTF?")
        return found

    def reserve(self, serial: str) -> None:
        """Takes a device for this user, until release, or IDLE_S without a word over adb.

        Where the answer is lost or a refusal, the farm is asked who has it: it may have been done.
        """
        body = {"serial": serial, "timeout": IDLE_S * 1000}
        try:
            self._client.call("POST", ("user", "devices"), body=body)
        except FarmError as error:
            if error.status in (401, 403, 404, 429):
                raise
            if not self._is_ours_soon(serial):
                raise
            return
        if not self._is_ours_soon(serial):
            raise FarmError(f"the farm {self.url} gave {serial}, and does not show it as yours", "see its pages")

    def _is_ours_soon(self, serial: str) -> bool:
        """Whether the device is the user's: the farm's answers run ahead of its database."""
        until = time.monotonic() + _SEEN_S
        while self.device(serial).owner != self.user():
            if time.monotonic() > until:
                return False
            time.sleep(_AGAIN_S)
        return True

    def connect(self, serial: str) -> str:
        """HOST:PORT at which adb reaches a device that the user has. Raises InfrastructureError for no such address."""
        answer = self._client.call("POST", ("user", "devices", serial, "remoteConnect"))
        return parse_adb_address(answer.get("remoteConnectUrl"), self.url)

    def release(self, serial: str, deadline_s: float = CALL_S) -> None:
        """Gives a device back; adb's connection to it ends."""
        self._client.call("DELETE", ("user", "devices", serial), deadline_s=deadline_s)


def _parsed(entry: object) -> FarmDevice | None:
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("serial"), str)
        or not _SERIAL.fullmatch(entry["serial"])
    ):
        return None
    owner = entry.get("owner")
    held = isinstance(owner, dict)
    return FarmDevice(
        serial=entry["serial"],
        model=_word(entry, "model"),
        present=entry.get("present") is True,
        ready=entry.get("ready") is True,
        owner=(_word(owner, "email") or "somebody") if held else "somebody" if entry.get("using") is True else "",
        owner_name=_word(owner, "name") if held else "",
        since=_word(entry, "usageChangedAt"),
    )


def _word(value: Any, key: str) -> str:
    text = value.get(key) if isinstance(value, Mapping) else None
    return "".join(c for c in text if c.isprintable())[:120].strip() if isinstance(text, str) else ""
