"""What is taken out of texts and JSON, and what is left."""

from __future__ import annotations

import json
import socket

import pytest

from harness.bundle.redaction import Redaction, identity_under, redaction_of
from harness.devices.phone_id import PhoneId
from harness.devices.pseudonyms import pseudonym, under

pytestmark = pytest.mark.unit

KEY = b"k" * 32


def of(monkeypatch: pytest.MonkeyPatch | None = None, **identity: object) -> Redaction:
    if monkeypatch is not None:
        monkeypatch.setattr(socket, "gethostname", lambda: "quick.lab.example")
    return redaction_of([{"identity": {"serial": "SERIAL1", "model": "m", "kind": "adb", **identity}}], {}, KEY)


@pytest.mark.parametrize(
    "text",
    ["SERIAL1", "serial1 x", "harness-SERIAL1/x", '{"SERIAL1": 1}', "xSERIAL1y"],
    ids=["alone", "case", "path", "key", "within"],
)
def test_a_number_goes_wherever_it_stands(text: str) -> None:
    shown = of().text(text)
    assert "serial1" not in shown.lower() and pseudonym(KEY, "SERIAL1") in shown


def test_a_network_address_goes_with_and_without_its_port() -> None:
    found = of(serial="192.168.7.31:5555").text("connect 192.168.7.31:5555, ping 192.168.7.31")
    assert "192.168" not in found


def test_a_number_that_json_writes_in_another_way_is_found() -> None:
    odd = 'S"ériél\\1'
    line = json.dumps({"a": f"x {odd}"}).encode() + b"\n"
    found = of(serial=odd).line(line)
    assert json.loads(found)["a"] == f"x {pseudonym(KEY, odd)}"


def test_digits_within_measured_numbers_stay() -> None:
    """A serial number of digits alone is no part of a time, and a number of JSON is never changed."""
    line = b'{"t_ns":900123456789,"ns":12345678,"said":"id 12345678"}\n'
    found = of(serial="12345678").line(line)
    value = json.loads(found)
    assert (value["t_ns"], value["ns"]) == (900123456789, 12345678)
    assert value["said"] == f"id {pseudonym(KEY, '12345678')}"


def test_lines_without_anything_stay_byte_for_byte() -> None:
    line = b'{ "type" : "sample" , "x": 1.50 }\n'
    assert of().line(line) == line


@pytest.mark.parametrize("line", [b"{cut SERIAL1", b"\xff\xfe SERIAL1\n", b'{"a":' * 2000 + b'"SERIAL1"\n'])
def test_a_damaged_line_is_a_text(line: bytes) -> None:
    assert b"SERIAL1" not in of().line(line)


def test_homes_holders_and_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(monkeypatch, host="farm-3:5037")
    assert found.text("/home/alice/x /root/y /Users/Bob/z /rooted/w") == "~/x ~/y ~/z /rooted/w"
    assert found.text("alice on box, pid 7, since") == "somebody on (host), since"
    assert found.text("--adb-server farm-3:5037") == "--adb-server (host)"
    assert found.text("farm-3:5037") == "(host)"
    assert found.text("ssh quick, farm-30") == "ssh (host), farm-30"
    assert found.text("quick") == "quick"  # a suite of that name


@pytest.mark.parametrize("host", ["gate", "Ubuntu", "pixel", "pi"])
def test_a_host_is_gone_from_free_text_alone(host: str) -> None:
    """Its name may be a word of any vocabulary: a record's type, a compiler's version, a phone's model, a key."""
    kept = {
        "type": "gate",
        "gate": {"ubuntu": 1, "source": "pi"},
        "compiler": "gcc (Ubuntu 13.2.0-23ubuntu4)",
        "identity": {"model": "Pixel 3", "fingerprint": "google/pixel/pi:9/user", "kernel": "5.4 gate pixel pi"},
        "layer": "gate",
    }
    said = {
        "argv": ["--adb-server", f"{host}:5037"],
        "why": f"no answer of {host.lower()}",
        "unusable": [{"remedy": f"ask at {host}", "name": "pixel"}],
        "against": [{"source": f"/net/{host}/b"}],
    }
    redaction = of(host=f"{host}:5037")
    found = json.loads(redaction.line(json.dumps({**kept, **said}).encode()))
    assert {key: found[key] for key in kept} == kept
    assert found["argv"] == ["--adb-server", "(host)"] and found["why"] == "no answer of (host)"
    assert found["unusable"] == [{"remedy": "ask at (host)", "name": "pixel"}]
    assert found["against"] == [{"source": "/net/(host)/b"}]


def test_lines_in_which_a_short_host_is_a_part_of_a_word_are_not_even_read() -> None:
    assert not of(host="pi:5037").may_hold(b'{"type":"spin","pin":"pi3"}\n')


@pytest.mark.parametrize("server", ["127.0.0.1:5037", "localhost:5037", ""])
def test_a_server_of_this_machine_is_no_secret(server: str) -> None:
    assert of(host=server).text("at 127.0.0.1:5037 or localhost:5037") == "at 127.0.0.1:5037 or localhost:5037"


def test_numbers_that_makers_leave_in_all_phones_tell_nothing() -> None:
    assert identity_under({"serial": "A1", "serialno": "unknown"}, KEY, "id")["serialno"] == "unknown"
    assert of(serialno="0123456789ABCDEF").text("0123456789ABCDEF") == "0123456789ABCDEF"


def test_an_identity_is_known_by_pseudonyms_as_the_phone_is() -> None:
    identity = {"serial": "A1", "serialno": "B2345", "second_mark": "c3d4", "model": "m", "board": "b", "host": "h"}
    there = PhoneId.from_json(identity_under(identity, KEY, "id"))
    here = under(PhoneId.from_json(identity), KEY, "id")
    assert there == here and there.is_same(here) and there.digest == here.digest
    assert not there.is_same(PhoneId.from_json(identity))
    assert {"A1", "B2345", "c3d4", "h"}.isdisjoint(map(str, identity_under(identity, KEY, "id").values()))
    assert under(here, b"x" * 32, "other") == here


def test_this_machine_has_no_number() -> None:
    local = {"serial": "local", "kind": "local", "model": "Board 1"}
    assert identity_under(local, KEY, "id")["serial"] == "local"
    assert redaction_of([{"identity": local}], {}, KEY).text("--device local") == "--device local"


def test_pseudonyms_need_the_key() -> None:
    assert pseudonym(KEY, "A") == pseudonym(KEY, "A") != pseudonym(b"x" * 32, "A")
    assert pseudonym(KEY, "A") != pseudonym(KEY, "B")
