"""Faults of the connection between an adb server and the phone."""

from __future__ import annotations

from typing import Any

from harness.lab.faults.kind import End, Kind, Site, Value, choice, in_adbd, nothing, number

_STATES = ("offline", "unauthorized", "authorizing", "connecting")
_PORT = (0, 65535)


def _cut(site: Site, _: None) -> None:
    site.drop()


def _state(site: Site, state: str) -> End:
    if state == "offline":
        site.refuse(True)
        site.drop()
        return lambda: site.refuse(False)
    site.greet(state)
    return lambda: site.greet("")


def _moved(site: Site, port: int) -> End:
    before = site.move(port)

    def end() -> None:
        site.move(before)

    return end


def _twin(site: Site, port: int) -> End:
    return site.answer_also(port)


_ANY_PORT: Value[int] = number("PORT", *_PORT, default=0)

KINDS: dict[str, Kind[Any]] = {
    "cut": Kind("Every connection breaks; new ones are taken.", nothing(), _cut, at_once=True),
    "state": Kind(
        "The adb server shows the phone in this state: it refuses connections, was never allowed, is being asked or "
        "answers nothing. Programs on it go on.",
        choice(*_STATES, default="offline"),
        _state,
        loses=True,
    ),
    "slow": Kind(
        "The link carries so many bytes a second each way.",
        number("BYTES", 100, 1 << 30, default=20_000),
        in_adbd,
    ),
    "hang": Kind(
        "Nothing is answered any more until it ends; with on:TEXT only commands that hold TEXT are not.",
        nothing(),
        in_adbd,
        of_commands=True,
    ),
    "moved": Kind(
        "The phone answers at another port of this host, the next free one, and no longer at its own.",
        _ANY_PORT,
        _moved,
    ),
    "twin": Kind("The phone answers at a second port too: one phone, two serials.", _ANY_PORT, _twin),
}
