"""kill -9 with six settings changed: put back by another host, with the phone away, and under another address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

CHANGED = {
    "global stay_on_while_plugged_in": ("1", "7"),
    "system screen_off_timeout": ("60000", "2147483647"),
    "global low_power": ("1", "0"),
    "system screen_brightness_mode": ("1", "0"),
    "system screen_brightness": ("102", "1"),
}
SERIALNO = {"ro.serialno": "8A9X0B1C2"}
JOURNAL = "/data/local/tmp/.harness-settings.json"


def values(bench: Any, phone: PhoneHandle) -> list[str]:
    """The phone's settings, and the mode that no program of it tells."""
    asked = "; ".join(f"settings get {key}" for key in CHANGED)
    fixed = (phone.root / "services" / "power" / "fixed_performance").read_text().strip()
    return [*bench.lab.shell(phone, asked).split(), fixed]


def put(bench: Any, phone: PhoneHandle, which: int) -> None:
    bench.lab.shell(phone, "; ".join(f"settings put {key} {both[which]}" for key, both in CHANGED.items()))


def test_six_settings_after_a_kill(bench: Any, tmp_path: Path) -> None:
    before = [*(both[0] for both in CHANGED.values()), "false"]
    ours = [*(both[1] for both in CHANGED.values()), "true"]
    with bench.lab.phone("pixel-3", properties=SERIALNO) as phone:
        put(bench, phone, 0)
        asked = "{battery_saver_off: true, dim_screen: true, fixed_performance: true, airplane_mode: true}"
        began = bench.begin(bench.suite(launches=3, rounds=100, min_ms=20, block_budget_s=300, settings=asked))
        began.until_samples()
        began.process.kill()
        began.process.wait()
        assert values(bench, phone) == ours
        assert bench.run.steps("fixed_performance") == ["read", "changed"]
        stamped = [event for event in bench.run.lines("events.jsonl") if event["event"] == "condition"]
        assert sorted(event["name"] for event in stamped) == ["CHARGING", "EMULATED", "SETTING_REFUSED"]
        (refused,) = [event for event in stamped if event["name"] == "SETTING_REFUSED"]
        assert (refused["name"], "airplane_mode" in refused["what"]) == ("SETTING_REFUSED", True)
        assert SERIALNO["ro.serialno"] not in bench.lab.shell(phone, f"cat {JOURNAL}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(bench.lab.environment, "XDG_STATE_HOME", str(tmp_path / "another host"))
            restored = bench("restore")
            assert (restored.code, restored.out.count("put back to")) == (0, 5)
            (said,) = restored.err.splitlines()
            assert "the lock of a harness that is gone" in said and said.endswith("taken over")
            assert "fixed_performance cannot be read: reset to its default, 'false'" in restored.out
            again = bench("restore").out
            assert "has records here" in again and "put back" not in again  # they stay for --resume
        assert values(bench, phone) == before
        assert JOURNAL not in bench.lab.shell(phone, f"ls {JOURNAL} 2>&1; true").split()
        left, port = phone.serial, phone.port + 40
    away = bench("restore")
    assert away.code == 3 and f"{left} (Pixel 3" in away.err and "not attached" in away.err
    with bench.lab.phone(
        "pixel-3", properties=SERIALNO, port=port
    ) as phone:  # as the kill left it, but for its own journal
        assert phone.serial != left
        put(bench, phone, 1)
        restored = bench("restore")
        assert (restored.code, restored.out.count("put back to"), restored.err) == (0, 5, "")
        assert values(bench, phone) == before
        assert "nothing to restore" in bench("restore").out
