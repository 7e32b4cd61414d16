"""What keeps serial numbers out of reports and exports."""

from __future__ import annotations

import re
from typing import Any

WITHHELD = "(withheld)"


class Redactor:
    """Takes serial numbers out of whatever is shown."""

    def __init__(self, serials: set[str]) -> None:
        self._serials = sorted(serials, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The same text with serial numbers replaced."""
        for serial in self._serials:
            text = text.replace(serial, WITHHELD)
        return text

    def value(self, value: Any) -> Any:
        """The same JSON value with serial numbers replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items() if key != "serial"}
        return value


def serials_of(device: dict[str, Any]) -> list[str]:
    """The serial numbers that are not to be shown; a word (``unknown``) is none. Secret where device.json is silent."""
    if device.get("serial_is_secret") is False:
        return []
    found = device.get("identity")
    identity = found if isinstance(found, dict) else {}
    serial, serialno = (str(identity.get(key) or "") for key in ("serial", "serialno"))
    return [each for each in (serial, serialno if re.search("[0-9]", serialno) else "") if len(each) > 3]
