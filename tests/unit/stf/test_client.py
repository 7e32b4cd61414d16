"""Calls of the API: what is repeated and what is not, and one message for each way to fail."""

from __future__ import annotations

import socket
import threading
import time
from email.utils import formatdate
from typing import Any

import pytest

from harness.stf import client as module
from harness.stf.address import Token, parse_url
from harness.stf.client import Client, FarmError
from tests.stf_stub import TOKEN, StubFarm

pytestmark = pytest.mark.unit

USER, DEVICES, RESERVE = "GET /user", "GET /devices", "POST /user/devices"


def test_an_answer(client: Client, stub: StubFarm) -> None:
    assert client.call("GET", ("user",))["user"]["name"] == "CI"
    assert stub.calls == [USER]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_question_is_asked_again_after_what_may_pass(
    client: Client, stub: StubFarm, waits: list[float], status: int
) -> None:
    stub.will_answer(USER, status, b"<html>")
    stub.will_answer(USER, status)
    assert client.call("GET", ("user",))["success"]
    assert stub.calls == [USER] * 3 and 0 < waits[0] < waits[1] * 3


def test_a_question_is_not_asked_for_ever(client: Client, stub: StubFarm) -> None:
    for _ in range(9):
        stub.will_answer(USER, 503, {"success": False, "description": "Server too busy"})
    with pytest.raises(FarmError, match="Server too busy") as caught:
        client.call("GET", ("user",))
    assert (caught.value.status, len(stub.calls)) == (503, 4)


@pytest.mark.parametrize(("status", "calls"), [(429, 2), (503, 2), (502, 1), (504, 1), (500, 1)])
def test_a_change_is_repeated_only_where_it_was_not_done(
    client: Client, stub: StubFarm, status: int, calls: int
) -> None:
    stub.add("S1")
    stub.will_answer(RESERVE, status, {"success": False, "description": "no"})
    if calls == 1:
        with pytest.raises(FarmError):
            client.call("POST", ("user", "devices"), body={"serial": "S1"})
    else:
        assert client.call("POST", ("user", "devices"), body={"serial": "S1"})["success"]
    assert stub.calls == [RESERVE] * calls


def test_the_pause_that_a_farm_asks_for(client: Client, stub: StubFarm, waits: list[float]) -> None:
    stub.will_answer(USER, 429, Retry_After="7")
    stub.will_answer(USER, 429, Retry_After=formatdate(time.time() + 9, usegmt=True))
    client.call("GET", ("user",))
    assert waits[0] == 7 and 7 < waits[1] <= 9


def test_a_pause_that_the_deadline_has_no_time_for(client: Client, stub: StubFarm, waits: list[float]) -> None:
    stub.will_answer(USER, 429, Retry_After="3600")
    with pytest.raises(FarmError, match="too many requests, and asks for a pause of 3600 s"):
        client.call("GET", ("user",))
    assert waits == []


def fails(client: Client, *path: str, method: str = "GET") -> str:
    with pytest.raises(FarmError) as caught:
        client.call(method, path or ("user",))
    assert caught.value.exit_code == 3 and caught.value.remedy and TOKEN not in str(caught.value)
    return str(caught.value)


def test_a_wrong_token(stub: StubFarm) -> None:
    assert "does not accept the token (Bad Credentials)" in fails(Client(parse_url(stub.url), Token("x" * 32)))


@pytest.mark.parametrize("data", [b"<html>Welcome</html>", b"", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_farm(client: Client, stub: StubFarm, data: bytes) -> None:
    stub.will_answer(USER, 200, data)
    assert "no OpenSTF or DeviceFarmer (HTTP 200, not JSON)" in fails(client)


def test_a_login_page_does_not_get_the_token(client: Client, stub: StubFarm) -> None:
    stub.will_answer(USER, 302, Location=f"{stub.url}/elsewhere")
    assert "sends its callers elsewhere (HTTP 302)" in fails(client)
    assert stub.calls == [USER]


def test_what_the_farm_says_is_shown_on_one_line(client: Client, stub: StubFarm) -> None:
    stub.will_answer(USER, 403, {"success": False, "description": "no\x1b[2J\nway" + "y" * 5000})
    text = fails(client)
    assert "no[2Jway" in text and len(text) < 500


def test_success_has_to_be_said(client: Client, stub: StubFarm) -> None:
    stub.will_answer(USER, 200, {"user": {}})
    assert "answers: HTTP 200" in fails(client)


def test_an_answer_without_end(client: Client, stub: StubFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGEST", 10_000)
    stub.will_answer("POST /user", 200, b" " * 20_000)
    assert "does not answer: its answer is longer" in fails(client, method="POST")


def test_an_answer_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is total: each byte comes in time, the head alone does not."""
    monkeypatch.setattr(module, "_TRY_S", 0.3)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not ended.wait(0.02):
                    try:
                        peer.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = parse_url(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert "no whole answer within" in fails(Client(url, Token(TOKEN)), method="POST")
        ended.set()
        thread.join()


def test_nobody_there(waits: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = parse_url(f"http://127.0.0.1:{free.getsockname()[1]}")
        text = fails(Client(url, Token(TOKEN), waits.append))
    assert f"{url} does not answer" in text and "refused" in text and "Connection(" not in text
    assert len(waits) == 3


def test_tls_is_verified(stub: StubFarm) -> None:
    """What answers in clear is not talked to as if it were the farm."""
    url = parse_url(stub.url.replace("http://", "https://"))
    text = fails(Client(url, Token(TOKEN), lambda _: None))
    assert "certificate that is not accepted" in text or "does not answer" in text
    assert stub.calls == []


@pytest.mark.parametrize(
    ("segment", "path"), [("a/b", "/a%2Fb"), ("a?b#c", "/a%3Fb%23c"), ("10.0.0.1:5555", "/10.0.0.1%3A5555")]
)
def test_a_serial_stays_one_segment_of_the_path(segment: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, seen = Client(parse_url("https://farm.example"), Token(TOKEN)), []

    def once(method: str, target: str, *_: Any) -> tuple[int, dict[str, str], bytes]:
        seen.append(target)
        return 200, {}, b'{"success": true}'

    monkeypatch.setattr(client, "_once", once)
    client.call("GET", ("devices", segment))
    assert seen == [f"/api/v1/devices{path}"]


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_path_goes_nowhere_else(client: Client, stub: StubFarm, segment: str) -> None:
    with pytest.raises(FarmError, match="cannot be a part"):
        client.call("DELETE", ("user", "devices", segment))
    assert stub.calls == []
