"""What comes back from scripts on a phone is taken apart, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices import scripts
from tests.mutation import mutated

pytestmark = pytest.mark.unit

TOKEN = "0123456789abcdef" * 2
WORDS = st.lists(st.binary(max_size=12).map(lambda word: word.replace(b"\0", b"")), max_size=4)


@given(noise=st.binary(max_size=40), stat=st.text("0123456789 ()RSZ", max_size=30), own=st.binary(max_size=80))
def test_an_announcement_is_found_behind_any_noise(noise: bytes, stat: str, own: bytes) -> None:
    output = noise + f"{TOKEN} {stat}\n".encode() + own
    assert scripts.split_announced(output, TOKEN) == (stat, own)


@given(st.binary(max_size=120))
def test_output_without_an_announcement_has_none(output: bytes) -> None:
    assert scripts.split_announced(output, TOKEN) == (None, b"")
    assert scripts.split_announced(f"{TOKEN} 1 (sh) S".encode(), TOKEN) == (None, b"")  # cut short


@given(st.lists(st.tuples(st.integers(1, 99999), WORDS), max_size=4))
def test_programs_come_back_with_their_arguments(processes: list[tuple[int, list[bytes]]]) -> None:
    output = f"{TOKEN} boot\n".encode()
    for pid, words in processes:
        output += f"{TOKEN} {pid} (a) S\n".encode() + b"".join(word + b"\0" for word in (b"program", *words, b"x"))
        output += b"\n"
    boot, found = scripts.parse_programs(output, TOKEN)
    assert boot == "boot"
    assert found == [(f"{pid} (a) S", [b"program", *words, b"x"]) for pid, words in processes]


STAT = b"7 (a b) S 1 7 7 0 -1 4 0 0 0 0 1 2 3 4 20 0 1 0 1234 0 0\n"


@given(mutated(STAT, f"noise\n{TOKEN} boot\n{TOKEN} 7 (a) S\n/x\0y\0\n".encode(), b"/a:1\n/b:2\n"))
def test_no_output_breaks_a_parser(output: bytes) -> None:
    scripts.parse_programs(output, TOKEN)
    scripts.parse_lines(output)
    stat = scripts.parse_stat(output.decode("utf-8", "replace"))
    assert stat is None or (0 < stat[0] < 2**31 and 0 <= stat[1] < 2**63)
    assert len(scripts.parse_frames(output, TOKEN, 3)) == 3


@pytest.mark.parametrize("pid", ["0", "-1", "9" * 30])
def test_no_phone_names_every_process(pid: str) -> None:
    assert scripts.parse_stat(STAT.decode()) == (7, 1234, "S")
    assert scripts.parse_stat(STAT.decode().replace("7 (", f"{pid} (", 1)) is None


def test_lines_of_files_are_put_together() -> None:
    output = b"/a:1\n/b:x:y\n/a:2\nBinary file /c matches\n/d:\n"
    assert scripts.parse_lines(output) == {"/a": b"1\n2\n", "/b": b"x:y\n", "/d": b"\n"}
