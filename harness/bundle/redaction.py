"""What a run must not tell anybody else, and what stands for it: serial numbers, addresses, hosts, home folders."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from harness.devices.base import LOCAL
from harness.devices.phone_id import PhoneId, is_made_up
from harness.devices.pseudonyms import pseudonym

HOST = "(host)"
_HOME = re.compile(r"/(?:home|Users)/[^/\s\"',;:=]+|/root(?=[/\s\"',;:=]|$)")
_HOLDER = re.compile(r"\b[\w.+@-]+ on [\w.-]+, pid [0-9]+")  # of a lock: harness.control.holder
_LOOPBACK = {"127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0"}  # noqa: S104  names that tell nothing of a host
_LEAST = 4  # characters: shorter numbers stand in too much that is none of them
_LEAST_HOST = 2  # the same of hosts, which count as whole words of free text alone
# Keys of free text, also of lists and objects of it. A host's name may be a word of any other vocabulary (a type of a
# record, a phone's model, a compiler's version), where replacing it would change what was measured.
_FREE = frozenset({
    "argv", "begins", "error", "given", "line", "message", "messages", "note", "notes", "reason", "refused", "remedy",
    "said", "stale", "state", "unknown", "what", "why",
})  # fmt: skip
# Keys of what may be a path, and is a free text then; else it may be a sensor's name, or a build.
_PATHS = frozenset({
    "files", "folder", "kept", "ndk", "output", "path", "paths", "program", "removed", "source", "spared", "stopped",
})  # fmt: skip
_OF_THE_HOST = ("host", "adb")  # of an identity: which adb server, and its program
_NEVER = r"(?!)"
_MARKS = (b"/home/", b"/Users/", b"/root", b", pid ")


class Redaction:
    """Replaces in texts and JSON what is secret. Longer texts go first, so that none hides within another."""

    def __init__(self, numbers: Mapping[str, str], servers: Collection[str], own: Collection[str]) -> None:
        """``numbers``: what stands for each, wherever it stands; ``servers`` and ``own``, this computer's names: hosts,
        which count in free text, as whole words alone.
        """
        hosts = {*servers, *own}
        self._by_form = {
            form.lower(): other
            for number, other in numbers.items()
            if len(number) >= _LEAST
            for form in (number, json.dumps(number)[1:-1])
        }
        forms = sorted(self._by_form, key=len, reverse=True)
        self._numbers = re.compile("|".join(map(re.escape, forms)) or _NEVER, re.IGNORECASE)
        # In bytes of numbers, digits within digits are part of another number.
        whole = (rf"(?<![0-9.]){form}(?![0-9])" if form.isdigit() else re.escape(form) for form in forms)
        self._in_bytes = re.compile(("|".join(whole) or _NEVER).encode("utf-8", "surrogateescape"), re.IGNORECASE)
        words = "|".join(re.escape(name) for name in sorted(hosts, key=len, reverse=True) if len(name) >= _LEAST_HOST)
        self._hosts = re.compile(rf"(?<![\w.-])(?:{words or _NEVER})(?![\w-])", re.IGNORECASE)
        self._own = {name.lower() for name in own} - {name.lower() for name in servers}
        self._hosts_in_bytes = re.compile(self._hosts.pattern.encode("utf-8", "surrogateescape"), re.IGNORECASE)
        self._host_words = [name.lower().encode() for name in hosts if len(name) >= _LEAST_HOST]

    def text(self, text: str, *, is_free: bool = True) -> str:
        """A text without what is secret, and without home folders and holders of locks; hosts go from a free one."""
        text = self._numbers.sub(lambda found: self._by_form.get(found[0].lower(), HOST), text)
        text = _HOLDER.sub(f"somebody on {HOST}", _HOME.sub("~", text))
        if is_free and text.lower() not in self._own:  # a word by itself may be the name of something else (a suite)
            text = self._hosts.sub(HOST, text)
        return text

    def value(self, value: Any) -> Any:
        """The same for a value of JSON: numbers stay what they are, and hosts go from what stands under _FREE alone."""
        return self._value(value, is_free=False, may_be_path=False)

    def _value(self, value: Any, *, is_free: bool, may_be_path: bool) -> Any:
        if isinstance(value, str):
            return self.text(value, is_free=is_free or (may_be_path and "/" in value))
        if isinstance(value, list):
            return [self._value(item, is_free=is_free, may_be_path=may_be_path) for item in value]
        if isinstance(value, dict):
            return {
                self.text(key, is_free=False): self._value(
                    item, is_free=is_free or key in _FREE, may_be_path=may_be_path or key in _PATHS
                )
                for key, item in value.items()
            }
        return value

    def line(self, line: bytes) -> bytes:
        """The same for a line of a file of JSON Lines; what is no JSON is a text."""
        if not self.may_hold(line):
            return line
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return self.text(line.decode("utf-8", "replace")).encode("utf-8", "replace")
        text = json.dumps(self.value(value), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace") + b"\n" * line.endswith(b"\n")

    def may_hold(self, data: bytes) -> bool:
        """Whether anything there may have to be replaced: cheap, for most lines hold nothing."""
        if self._in_bytes.search(data) or any(mark in data for mark in _MARKS):
            return True
        lower = data.lower()
        return any(word in lower for word in self._host_words) and bool(self._hosts_in_bytes.search(data))

    def number_in(self, data: bytes) -> str | None:
        """A secret number that stands there, unless it is of digits alone, which a measured one may be; else None."""
        found = next((each for each in self._in_bytes.finditer(data) if not each[0].isdigit()), None)
        return None if found is None else found[0].decode("utf-8", "replace")


def redaction_of(
    devices: Iterable[Mapping[str, Any]], names: Mapping[str, str], key: bytes, hosts: Iterable[str] = ()
) -> Redaction:
    """That of a run. ``devices``: the objects of their device.json; ``names``: folders' names, and what stands for
    those that were made of a number; ``hosts``: further ones.
    """
    numbers = {name: other for name, other in names.items() if name != other}
    own = {socket.gethostname(), socket.gethostname().partition(".")[0]} - _LOOPBACK
    servers = set(hosts)
    for device in devices:
        identity = device.get("identity")
        if isinstance(identity, dict):
            numbers |= {number: pseudonym(key, number) for number in _numbers_of(identity)}
            server = str(identity.get("host") or "")
            servers |= {server, server.rpartition(":")[0]}
    return Redaction(numbers, {name for name in servers if name.rpartition(":")[0] not in _LOOPBACK} - _LOOPBACK, own)


def _numbers_of(identity: Mapping[str, Any]) -> Iterator[str]:
    try:
        phone = PhoneId.from_json(identity)
    except KeyError:
        return
    if phone.is_this_machine:
        return
    yield from filter(None, (phone.address, phone.second, "" if is_made_up(phone.serialno) else phone.serialno))
    where, colon, _ = phone.address.rpartition(":")
    if colon and "." in where and where not in _LOOPBACK:  # 192.168.1.7:5555: the address alone tells as much
        yield where
    yield from {*phone.digests, phone.number_digest}  # of numbers, without a key: those can be guessed


def identity_under(identity: Mapping[str, Any], key: bytes, key_id: str) -> dict[str, Any]:
    """An identity of device.json with pseudonyms, however short its numbers, and without the adb server."""
    found = {name: value for name, value in identity.items() if name not in _OF_THE_HOST}
    for name in ("serial", "serialno", "second_mark"):
        number = str(found.get(name) or "")
        if number and number != LOCAL and not (name == "serialno" and is_made_up(number)):
            found[name] = pseudonym(key, number)
    return found | {"pseudonyms": key_id}
