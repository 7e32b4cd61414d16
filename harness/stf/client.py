"""Calls of a farm's REST API: each with a total deadline, and repeated only where that does no harm.

A call that only asks is repeated after a failure that may pass. One that changes something is repeated only where the
farm says that it has not done it: too many requests (429), or busy (503). What the farm says is untrusted.
"""

from __future__ import annotations

import json
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast
from urllib.parse import quote

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from harness.errors import InfrastructureError
from harness.stf.address import FarmUrl, Token

CALL_S = 30.0  # a call with all its repetitions
_TRY_S = 15.0  # a farm waits 5 s for a phone
_TRIES = 4
_BACKOFF_S = 0.5
_LARGEST = 16 << 20  # bytes of an answer
_PIECE = 1 << 16
_NOT_DONE = (429, 503)
_MAY_PASS = (*_NOT_DONE, 502, 504)
_LONGEST_WORDS = 200

T = TypeVar("T")
Sleep = Callable[[float], None]


class FarmError(InfrastructureError):
    """A farm did not do what it was asked. ``status``: of HTTP; 0 where there was no answer that could be read."""

    def __init__(self, message: str, remedy: str = "", status: int = 0) -> None:
        super().__init__(message, remedy)
        self.status = status


class Client:
    """The API of one farm, for one user."""

    def __init__(self, url: FarmUrl, token: Token, sleep: Sleep = time.sleep) -> None:
        """``sleep``: how waits between repetitions are spent."""
        self.url = url
        self.token = token
        self._sleep = sleep
        pool: dict[str, Any] = {"host": url.host, "port": url.port, "maxsize": 8, "block": False}
        self._pool = (
            urllib3.HTTPSConnectionPool(**pool, ssl_context=ssl.create_default_context())
            if url.scheme == "https"
            else urllib3.HTTPConnectionPool(**pool)
        )

    def call(
        self,
        method: str,
        path: Sequence[str],
        *,
        fields: Sequence[str] = (),
        body: Mapping[str, Any] | None = None,
        deadline_s: float = CALL_S,
    ) -> dict[str, Any]:
        """The object that the farm answers with, whose ``success`` is true. Raises FarmError.

        ``path``: segments below /api/v1, quoted here; ``fields``: those of a device that are asked for.
        """
        until = time.monotonic() + deadline_s
        target = "/".join((self.url.api, *map(_segment, path)))
        if fields:
            target += f"?fields={','.join(fields)}"
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            pause = _BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311  no secret
            try:
                status, headers, data = self._once(method, target, body, until)
            except FarmError:
                if method != "GET" or last or not self._rest(pause, until):
                    raise
                continue
            if status in (_MAY_PASS if method == "GET" else _NOT_DONE) and not last:
                asked = _retry_after(headers.get("Retry-After", ""))
                if self._rest(pause if asked is None else asked, until):
                    continue
            return self._answer(status, headers, data)
        raise AssertionError("the last attempt returns or raises")

    def _rest(self, seconds: float, until: float) -> bool:
        """Waits, where the deadline leaves time for another attempt; whether it does."""
        if time.monotonic() + seconds >= until:
            return False
        self._sleep(seconds)
        return True

    def _once(
        self, method: str, target: str, body: Mapping[str, Any] | None, until: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of one attempt. Raises FarmError where there is no answer."""
        seconds = min(_TRY_S, max(0.1, until - time.monotonic()))
        headers = {
            "Authorization": f"Bearer {self.token.text}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"

        def exchange() -> tuple[int, Mapping[str, str], bytes]:
            response = self._pool.urlopen(
                method,
                target,
                body=None if body is None else json.dumps(body),
                headers=headers,
                retries=False,
                redirect=False,  # another place must not get the token
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(total=seconds),
            )
            try:
                return response.status, response.headers, _body(response)
            finally:
                response.close()

        try:
            return _within(seconds, exchange)
        except SSLError as error:
            raise FarmError(
                f"the farm {self.url} has a certificate that is not accepted: {_words(error)}",
                "for an authority of your own: SSL_CERT_FILE=FILE, with its certificate and those of the system",
            ) from None
        except (HTTPError, OSError, ValueError) as error:
            raise FarmError(
                f"the farm {self.url} does not answer: {_words(error)}",
                "check --stf and the way to it (VPN, tunnel); then the same command again",
            ) from None

    def _answer(self, status: int, headers: Mapping[str, str], data: bytes) -> dict[str, Any]:
        if 300 <= status < 400:
            raise FarmError(
                f"the farm {self.url} sends its callers elsewhere (HTTP {status})",
                "give --stf the address that the farm's own pages have",
                status,
            )
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        told = _described(value)
        if status == 401:
            raise FarmError(
                f"the farm {self.url} does not accept the token{f' ({told})' if told else ''}",
                "make a new one in its pages (Settings, Keys, Access Tokens), and set STF_TOKEN",
                status,
            )
        if not isinstance(value, dict):
            raise FarmError(
                f"what answers at {self.url} is no OpenSTF or DeviceFarmer (HTTP {status}, not JSON)",
                "give --stf the address that the farm's own pages have",
                status,
            )
        if status == 429:
            wait = _retry_after(headers.get("Retry-After", ""))
            after = "" if wait is None else f", and asks for a pause of {wait:.0f} s"
            raise FarmError(f"the farm {self.url} has had too many requests{after}", "try again later", status)
        if not 200 <= status < 300 or value.get("success") is not True:
            raise FarmError(f"the farm {self.url} answers: {told or f'HTTP {status}'}", "see its pages", status)
        return value


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` gives or raises; TimeoutError after so many seconds.

    In a thread, which is left to itself then: a name that is looked up, or an answer that drips, has no total deadline
    of its own.
    """
    done: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except Exception as error:
            done.put((None, error))

    threading.Thread(target=run, name="farm", daemon=True).start()
    try:
        result, error = done.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no whole answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return cast(T, result)


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    data = bytearray()
    while piece := response.read(_PIECE):
        data += piece
        if len(data) > _LARGEST:
            raise ValueError(f"its answer is longer than {_LARGEST >> 20} MiB")
    return bytes(data)


def _segment(text: str) -> str:
    """One segment of a path; quote leaves dots as they are, which a server may take for folders."""
    if not text or not text.strip("."):
        raise FarmError(f"{text!r} cannot be a part of an address")
    return quote(text, safe="")


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date; None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _described(value: object) -> str:
    """What the farm says of a failure."""
    told = (value.get("description") or value.get("message")) if isinstance(value, dict) else None
    return _printable(told) if isinstance(told, str) else ""


def _words(error: Exception) -> str:
    """The reason alone, without the connection that urllib3 names before it."""
    text = _printable(str(getattr(error, "reason", None) or error))
    return re.sub(r"^<?\w*Connection\w*(\(.*?\)| object at \w+)>?: ", "", text) or type(error).__name__


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:_LONGEST_WORDS]
