"""A farm of memory that answers as the REST API of DeviceFarmer does, with what can go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "0123456789abcdef0123456789abcdef"
ME = {"email": "ci@lab.example", "name": "CI", "group": "g1"}
ANN = {"email": "ann@lab.example", "name": "Ann", "group": "g2"}

Answer = tuple[int, dict[str, str], bytes]


class StubFarm(ThreadingHTTPServer):
    """Devices by serial as the API shows them, beside ``url`` (of remoteConnect) for each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.devices: dict[str, dict[str, Any]] = {}
        self.urls: dict[str, Any] = {}
        self.calls: list[str] = []  # "GET /devices"
        self.bodies: list[Any] = []
        self.canned: dict[str, list[Answer]] = {}  # by call: what is answered in its place, one after another
        self.done_all_the_same: set[str] = set()  # calls whose canned answer hides that they were done
        self.clock = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, serial: str, url: Any = "10.0.0.7:7401", **values: Any) -> None:
        """One more device, ready and unused."""
        self.devices[serial] = {
            "serial": serial, "model": "Pixel 3", "manufacturer": "GOOGLE", "present": True, "ready": True,
            "using": False, "owner": None, "usageChangedAt": "0", **values,
        }  # fmt: skip
        self.urls[serial] = url

    def give(self, serial: str, owner: dict[str, str] | None) -> None:
        """The device changes hands."""
        self.clock += 1
        self.devices[serial] |= {"owner": owner, "using": owner == ME, "usageChangedAt": str(self.clock)}

    def will_answer(self, call: str, status: int, value: Any = None, **headers: str) -> None:
        """The next such call gets that; ``value``: an object, or bytes."""
        data = value if isinstance(value, bytes) else json.dumps(value or {"success": False}).encode()
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        self.canned.setdefault(call, []).append((status, told, data))

    def owners(self) -> dict[str, str | None]:
        """Who has each device, by name."""
        return {serial: (device["owner"] or {}).get("name") for serial, device in self.devices.items()}


class _Handler(BaseHTTPRequestHandler):
    server: StubFarm

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, value: dict[str, Any]) -> Answer:
        return status, {}, json.dumps({"success": status == 200, **value}).encode()

    def _refused(self, status: int, description: str) -> Answer:
        return self._answer(status, {"description": description})

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        segments = [unquote(segment) for segment in parts.path.removeprefix("/api/v1/").split("/")]
        call = f"{self.command} /{'/'.join(segments)}"
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        self.server.calls.append(call)
        self.server.bodies.append(body)
        canned = self.server.canned.get(call, [])
        status, headers, data = canned.pop(0) if canned else self._done(segments, body, parse_qs(parts.query))
        if call in self.server.done_all_the_same:
            self._done(segments, body, {})
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _handle

    def _done(self, segments: list[str], body: Any, query: dict[str, list[str]]) -> Answer:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refused(401, "Bad Credentials")
        chosen = query.get("fields", [""])[0].split(",")
        match self.command, segments:
            case "GET", ["user"]:
                return self._answer(200, {"user": ME})
            case "GET", ["devices"]:
                listed = [{k: v for k, v in each.items() if k in chosen} for each in self.server.devices.values()]
                return self._answer(200, {"description": "Devices Information", "devices": listed})
            case "GET", ["devices", serial]:
                return self._one(serial)
            case "POST", ["user", "devices"]:
                return self._reserved(body)
            case "POST", ["user", "devices", serial, "remoteConnect"]:
                if not self._is_mine(serial):
                    return self._refused(403, "Device is not owned by you or is not available")
                url = self.server.urls[serial]
                return self._answer(200, {"description": "Remote connection is enabled", "remoteConnectUrl": url})
            case "DELETE", ["user", "devices", serial]:
                if not self._is_mine(serial):
                    return self._refused(403, "You cannot release this device. Not owned by you")
                self.server.give(serial, None)
                return self._answer(200, {"description": "Device successfully removed"})
        return self._refused(404, "Not Found")

    def _one(self, serial: str) -> Answer:
        if serial not in self.server.devices:
            return self._refused(404, "Device not found")
        return self._answer(200, {"description": "Device Information", "device": self.server.devices[serial]})

    def _reserved(self, body: Any) -> Answer:
        serial = body["serial"]
        device = self.server.devices.get(serial)
        if device is None:
            return self._refused(404, "Not Found (device)")
        if not (device["present"] and device["ready"]) or device["owner"]:
            return self._refused(403, "Device is being used or not available")
        self.server.give(serial, ME)
        return self._answer(200, {"description": "Device successfully added"})

    def _is_mine(self, serial: str) -> bool:
        return self.server.devices.get(serial, {}).get("owner") == ME


@contextmanager
def serving() -> Iterator[StubFarm]:
    """A farm that answers within the block."""
    with StubFarm() as farm:
        thread = threading.Thread(target=farm.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield farm
        farm.shutdown()
        thread.join()
