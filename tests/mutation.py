"""Bytes that a phone may say in the place of what it ought to: cut, spliced, with numbers of any length."""

from __future__ import annotations

from hypothesis import strategies as st

# What parsers have stumbled over: more digits than int() takes, the largest floats, digits of other scripts, nests.
_ODD = [
    b"9" * 5000,
    b"-" + b"9" * 400,
    b"0x" + b"f" * 400,
    b"1e308",
    b"1e999",
    b"-1e308",
    b"NaN",
    b"Infinity",
    b"-1",
    b"\xc2\xb2",
    b"\xd9\xa3",
    b"[" * 2000,
    b'{"a":' * 2000,
    b",",
    b"\0",
    b"\n",
    b"../../up",
    b"<script>",
    b"\x1b[2J",
    b"",
]


@st.composite
def mutated(draw: st.DrawFn, *valid: bytes) -> bytes:
    """One of the valid answers with a few places overwritten, cut out or spliced in; or anything at all."""
    data: bytes = draw(st.one_of(*map(st.just, valid), st.binary(max_size=60)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 12)))
        data = data[:at] + draw(st.one_of(st.sampled_from(_ODD), st.binary(max_size=4))) + data[end:]
    end = draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))
    return data[:end]
