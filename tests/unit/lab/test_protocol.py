"""Packets: what is encoded is decoded, however the bytes are cut; rubbish is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lab import protocol
from harness.lab.protocol import HEADER, Packet, ProtocolError, ShellReader, banner, decode_header, shell_packet

pytestmark = pytest.mark.unit

WORDS = st.integers(0, 0xFFFFFFFF)


@given(st.sampled_from(protocol.COMMANDS), WORDS, WORDS, st.binary(max_size=300))
def test_round_trip(command: int, arg0: int, arg1: int, data: bytes) -> None:
    wire = Packet(command, arg0, arg1, data).encode()
    assert decode_header(wire[: HEADER.size]) == (command, arg0, arg1, len(data))
    assert wire[HEADER.size :] == data


def test_known_bytes() -> None:
    wire = Packet(protocol.OKAY, 1, 2).encode()
    assert wire == b"OKAY" + bytes.fromhex("01000000 02000000 00000000 00000000") + bytes.fromhex("b0b4bea6")


@given(st.binary(min_size=24, max_size=24))
def test_rubbish_is_refused(header: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_header(b"\0" + header[1:])


def test_oversized_payload_is_refused() -> None:
    header = HEADER.pack(protocol.WRTE, 1, 1, protocol.MAX_PAYLOAD + 1, 0, protocol.WRTE ^ 0xFFFFFFFF)
    with pytest.raises(ProtocolError, match="over"):
        decode_header(header)


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=40)), max_size=8), st.data())
def test_shell_packets_survive_any_cut(packets: list[tuple[int, bytes]], data: st.DataObject) -> None:
    wire = b"".join(shell_packet(kind, payload) for kind, payload in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    reader = ShellReader()
    seen = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        seen += list(reader.feed(wire[start:end]))
    assert seen == packets


def test_huge_shell_packet_is_refused() -> None:
    with pytest.raises(ProtocolError):
        list(ShellReader().feed(b"\0\xff\xff\xff\xff"))


@given(st.text(max_size=40))
def test_banner_keeps_its_shape(name: str) -> None:
    text = banner({"ro.product.model": name}, ("shell_v2", "cmd")).decode()
    fields = text.removeprefix("device::").split(";")
    assert len(fields) == 2
    assert fields[0].startswith("ro.product.model=")
    assert fields[1] == "features=shell_v2,cmd"
