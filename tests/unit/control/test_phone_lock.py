"""The lock on a phone: free, held, stale, damaged; who wins when several want it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.control import phone_lock
from harness.control.holder import Holder
from harness.control.phone_lock import PhoneLock, parse
from harness.devices.base import Completed
from harness.devices.local import LocalDevice
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost, TransientError
from tests.mutation import mutated

pytestmark = pytest.mark.unit

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
ELSEWHERE = replace(Holder.me("their run"), kernel="of another host", host="lab2", token="0123456789abcdef")


class Shell(LocalDevice):
    """A phone whose shell is one of this machine."""

    def __init__(self, root: Path, shell: str) -> None:
        super().__init__(root)
        self._shell = shell
        self.failures: list[Exception] = []

    def run(self, argv: Sequence[str], *, deadline_s: float = 30.0, stdin: bytes = b"") -> Completed:
        if self.failures:
            raise self.failures.pop(0)
        return super().run([self._shell, *argv[1:]], deadline_s=deadline_s, stdin=stdin)


@pytest.fixture(params=["sh", "mksh", "busybox"])
def device(request: pytest.FixtureRequest, tmp_path: Path, need_tool: Callable[[str], str]) -> Shell:
    link = tmp_path / "bin" / "sh"  # busybox is a shell by that name
    link.parent.mkdir()
    link.symlink_to(need_tool(request.param))
    return Shell(tmp_path / "phone", str(link))


@pytest.fixture
def lock_of(device: Shell, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PhoneLock]:
    said: list[str] = []
    monkeypatch.setattr(phone_lock, "RENEWED_S", 0.05)
    monkeypatch.setattr(phone_lock, "_AGAIN_S", 0.01)

    def make(me: Holder | None = None, say: Callable[[str], None] = said.append) -> PhoneLock:
        return PhoneLock(device, me or Holder.me(), say)

    return make


def uptime(ago_s: float = 0.0) -> str:
    """The uptime of some seconds ago, as the phone's shell reads it."""
    return f"{max(float(Path('/proc/uptime').read_text().split()[0]) - ago_s, 0):.2f}"


def left_by(device: Shell, holder: Holder | str, beat: str, number: int = 1) -> Path:
    """What a holder has left on the phone."""
    folder = Path(device.work_root()) / "harness-lock" / str(number)
    folder.mkdir(parents=True)
    (folder / "holder").write_text(f"{holder if isinstance(holder, str) else holder.line}\n")
    (folder / "beat").write_text(f"{beat}\n")
    return folder


def test_one_holder_at_a_time_and_nothing_left(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    me = Holder.me("mine")
    first, second = lock_of(me), lock_of()
    assert first.acquire()
    assert not second.acquire()
    assert second.holder == me and 170 < second.stale_in_s <= 180
    second.release()
    first.release()
    assert list(Path(device.work_root()).iterdir()) == []
    assert second.acquire()
    second.release()
    assert list(Path(device.work_root()).iterdir()) == []


def test_signs_of_life_keep_it(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    held = lock_of()
    assert held.acquire()
    beat = Path(device.work_root()) / "harness-lock" / "1" / "beat"
    beat.write_text(f"{BOOT} 1.0\n")  # as if it had been silent for long
    deadline = 100
    while beat.read_text() == f"{BOOT} 1.0\n" and deadline:
        held._let_go.wait(0.05)
        deadline -= 1
    assert not lock_of().acquire()
    held.release()


@pytest.mark.parametrize(
    ("boot", "ago_s", "is_free"),
    [
        (BOOT, 60, False),
        (BOOT, -10000, True),  # of a time to come: not of this boot
        ("another-boot", 0, True),  # the phone has been up for longer than a holder is silent
        (BOOT, 200, True),
        (BOOT, "soon", True),
        ("", "", True),
    ],
    ids=["a minute ago", "in time to come", "of another boot", "long ago", "no time", "empty"],
)
def test_a_silent_holder_of_another_host_is_taken_over(
    device: Shell, lock_of: Callable[..., PhoneLock], boot: str, ago_s: float | str, is_free: bool
) -> None:
    left_by(device, ELSEWHERE, f"{boot} {ago_s if isinstance(ago_s, str) else uptime(ago_s)}")
    said: list[str] = []
    mine = lock_of(None, said.append)
    assert mine.acquire() is is_free
    assert bool(said) is is_free and all("their run" in text and "taken over" in text for text in said)
    mine.release()
    assert (not list(Path(device.work_root()).iterdir())) is is_free


def test_a_dead_holder_of_this_host_is_taken_over_at_once(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    left_by(device, replace(Holder.me(), start=1), f"{BOOT} {uptime()}")
    mine = lock_of()
    assert mine.acquire()
    mine.release()


def test_a_damaged_lock_is_said_and_taken_over_when_it_is_silent(
    device: Shell, lock_of: Callable[..., PhoneLock]
) -> None:
    folder = left_by(device, "\\x1b[31m{garbage", f"{BOOT} {uptime()}")
    said: list[str] = []
    mine = lock_of(None, said.append)
    assert not mine.acquire() and mine.holder is None
    (folder / "beat").unlink()
    (folder.parent / "not a number").mkdir()
    assert mine.acquire()
    assert said == ["a damaged lock was left on the device: taken over"]
    mine.release()
    assert [path.name for path in folder.parent.iterdir()] == ["not a number"]


def test_of_many_that_take_over_one_gets_it(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    left_by(device, ELSEWHERE, "another-boot 5")
    locks = [lock_of() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda lock: lock.acquire(), locks))
    assert sum(got) <= 1  # two at the same moment may both step back
    for lock in locks:
        lock.release()
    last = lock_of()
    assert last.acquire()
    last.release()
    assert list(Path(device.work_root()).iterdir()) == []


def test_an_answer_that_was_lost(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    me = Holder.me()
    left_by(device, me, f"{BOOT} {uptime()}")  # taken, but the connection broke before the answer
    mine = lock_of(me)
    assert mine.acquire()
    mine.release()
    assert list(Path(device.work_root()).iterdir()) == []


def test_whoever_gets_no_answer_asks_again_and_does_not_take_the_phone_for_free(
    device: Shell, lock_of: Callable[..., PhoneLock]
) -> None:
    left_by(device, ELSEWHERE, f"{BOOT} {uptime()}")
    slow = DeadlineExceeded("sh took longer than 15 s")
    device.failures = [DeviceLost("gone")]
    with pytest.raises(DeviceLost):
        lock_of().acquire()
    device.failures = [slow, slow]
    assert not lock_of().acquire()
    device.failures = [slow, slow, slow]
    with pytest.raises(DeadlineExceeded):
        lock_of().acquire()
    device.failures = [DeviceError("more than one device")]
    with pytest.raises(DeviceError, match="more than one"):
        lock_of().acquire()


def test_a_cut_answer_is_asked_for_again(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    left_by(device, ELSEWHERE, f"{BOOT} {uptime()}")
    whole = device.run
    answers = 0

    def cut(argv: Sequence[str], **rest: Any) -> Completed:
        nonlocal answers
        answers += 1
        done = whole(argv, **rest)
        return replace(done, stdout=done.stdout[:30]) if answers < cuts else done

    device.run = cut  # type: ignore[method-assign]
    cuts = 3
    assert not lock_of().acquire() and answers == 3
    cuts = 100
    with pytest.raises(TransientError, match="did not tell which harness"):
        lock_of().acquire()


def test_whoever_was_silent_for_too_long_is_told_that_another_one_took_it_over(
    device: Shell, lock_of: Callable[..., PhoneLock]
) -> None:
    said: list[str] = []
    mine = lock_of(None, said.append)
    assert mine.acquire()
    for stranger in ("99999999999999999999", "007x", "0"):
        (Path(device.work_root()) / "harness-lock" / stranger).mkdir()
    mine._let_go.wait(0.3)
    assert said == []
    left_by(device, ELSEWHERE, f"{BOOT} {uptime()}", 2)
    assert mine._renewer is not None
    mine._renewer.join(10)
    assert said == ["the lock on the phone is gone: another harness may have used it since"]
    mine.release()


def test_whoever_lost_it_is_told(device: Shell, lock_of: Callable[..., PhoneLock]) -> None:
    said: list[str] = []
    mine = lock_of(None, said.append)
    assert mine.acquire()
    shutil.rmtree(Path(device.work_root()) / "harness-lock")
    assert mine._renewer is not None
    mine._renewer.join(10)
    assert said == ["the lock on the phone is gone: another harness may have used it since"]
    mine.release()


@given(st.lists(st.text(alphabet='abc 0123456789.-\t{}"\x1b\n', max_size=30), max_size=8))
def test_whatever_a_phone_says(lines: list[str]) -> None:
    seen = parse(
        "noise\nT\n" + "".join(f"{kind} {line}\n" for line in lines for kind in ("now", "beat", "held")) + "end T\n",
        "T",
    )
    assert all(0 < held.number < 10**8 and held.holder is None for held in seen.held)
    assert all(0 <= seen.stale_in_s(held) <= 180 for held in seen.held)


ANSWER = f"\nT\nnow {BOOT} 900.00\nbeat 1 {BOOT} 890.00\nheld 1 {ELSEWHERE.line}\nend T\n"


@given(mutated(ANSWER.encode()))
def test_a_mutated_answer(said: bytes) -> None:
    try:
        seen = parse(said.decode("utf-8", "replace"), "T")
    except TransientError:
        return
    assert all(0 < held.number < 10**8 for held in seen.held)
    assert all(0 <= seen.stale_in_s(held) <= 180 for held in seen.held)
    assert all(str(held.holder).isprintable() for held in seen.held)


@pytest.mark.parametrize("output", ["", "T\n", "\nT\nnow b 1\n", "\nend T\n"])
def test_a_cut_answer_is_no_answer(output: str) -> None:
    with pytest.raises(TransientError):
        parse(output, "T")
