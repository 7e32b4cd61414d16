"""What the phone's adbd does to commands and bytes while faults are on."""

import itertools
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lab.faults.traffic import Traffic, Treatment

pytestmark = pytest.mark.unit


def fault(name: str, value: Any = None, on: str = "", left: int = -1, number: int = 1) -> dict[str, Any]:
    return {"number": number, "name": name, "value": value, "on": on, "left": left}


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6), st.integers(0, 320), st.integers(0, 320))
def test_cutting_and_damage_do_not_hang_on_how_output_comes(data: bytes, cuts: list[int], at: int, limit: int) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    treatment = Treatment({"truncate": limit, "corrupt": at})
    seen = b"".join(treatment.stdout(data[low:high]) for low, high in itertools.pairwise(edges))
    assert len(seen) == min(len(data), limit)
    assert seen.count(b"\n") == data[: len(seen)].count(b"\n")
    different = [i for i, byte in enumerate(seen) if byte != data[i]]
    assert all(at <= i < at + 8 for i in different)
    assert {i for i in range(at, min(at + 8, len(seen))) if data[i] != 10} == set(different)


def test_only_commands_that_are_meant_are_touched_and_so_often() -> None:
    traffic = Traffic()
    traffic.obey([fault("truncate", 4, on="df", left=2), fault("noise", "W", number=2)], [])
    seen = [traffic.command(text).stdout(b"12345678") for text in ("df -k", "ls", "df", "df")]
    assert [len(data) for data in seen] == [4, 8, 4, 8]
    assert traffic.command("ls").opening() == b"W\n"
    traffic.obey([fault("truncate", 4, on="df", left=2)], [])  # told again: the count goes on
    assert traffic.command("df") == Treatment()


def test_a_fault_happens_where_it_shows_and_that_is_told() -> None:
    told: list[Mapping[str, Any]] = []
    traffic = Traffic(told.append)
    traffic.obey([fault("truncate", 4, left=1), fault("corrupt", 2, number=2), fault("push", number=3)], [])
    short = traffic.command("cat short")
    assert (short.stdout(b"12"), short.stdout(b"")) == (b"12", b"")
    assert told == []  # two bytes: nothing to cut, and nothing to damage
    first, second = traffic.command("cat one"), traffic.command("cat two")
    assert len(first.stdout(b"1234") + first.stdout(b"5678")) == 4
    assert len(second.stdout(b"12345678")) == 8  # one is enough, though both had begun before it happened
    assert told == [{"happened": 2}, {"happened": 1}]
    assert traffic.command("pull /data/x").pushed(b"x") == b"x"
    assert len(told) == 2


def test_only_a_push_is_refused() -> None:
    traffic = Traffic()
    traffic.obey([fault("push", "full")], [])
    assert traffic.command("push /data/x").push_reason == "No space left on device"
    assert traffic.command("pull /data/x").push_reason == ""
    traffic.obey([fault("push", "damaged", number=2)], [])
    treatment = traffic.command("push /data/x")
    assert (treatment.push_reason, treatment.pushed(b"\0a"), treatment.pushed(b"bc")) == ("", b"\xffa", b"bc")


def test_a_command_waits_until_what_it_triggers_has_begun() -> None:
    told: list[Mapping[str, Any]] = []
    begun = threading.Event()

    def tell(message: Mapping[str, Any]) -> None:
        told.append(message)
        threading.Timer(0.02, begin, (message["trigger"],)).start()

    def begin(number: int) -> None:
        begun.set()
        traffic.begun(number)

    traffic = Traffic(tell)
    traffic.obey([], [{"number": 7, "at": "convbench", "left": 0, "splits": False}])
    traffic.command("ls")
    assert told == []
    traffic.command("exec ./convbench run")
    assert told == [{"trigger": 7}]
    assert begun.is_set()
    traffic.command("exec ./convbench run")
    assert len(told) == 1


@pytest.mark.parametrize(("splits", "may"), [(True, 30), (False, 100)])
def test_bytes_are_counted_to_the_one(splits: bool, may: int) -> None:
    traffic = Traffic()
    traffic.obey([], [{"number": 7, "at": "", "left": 80, "splits": splits}])
    assert traffic.passing(50) == (50, [])
    assert traffic.passing(100) == (may, [7])
    assert traffic.passing(100) == (100, [])


def test_a_hung_command_goes_on_when_the_fault_ends_or_ends_with_its_stream() -> None:
    traffic = Traffic()
    traffic.obey([fault("hang", on="df", left=2)], [])
    first, second, free = (traffic.command("df") for _ in range(3))
    assert not traffic.hang(first, lambda: True)
    ended = threading.Timer(0.02, traffic.obey, ([], []))
    ended.start()
    assert traffic.hang(second, lambda: False)
    assert ended.finished.is_set()
    traffic.obey([fault("hang", on="df", left=0)], [])
    assert traffic.hang(free, lambda: False)


def test_nothing_is_answered_while_all_hangs() -> None:
    traffic = Traffic()
    traffic.obey([fault("hang")], [])
    waiting = threading.Thread(target=traffic.hold)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    traffic.obey([], [])
    waiting.join(5)
    assert not waiting.is_alive()
