"""Any sequence of runs, kills, faults and restores leaves the phone as its owner has it, or remembers what to do."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from harness.control import settings
from harness.control.setting import TABLE
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError
from harness.model.policy import PhoneSettings
from tests.settings_phone import FIRST, Killed, Phone

pytestmark = pytest.mark.unit

KEYS = {setting.key: setting for setting in TABLE.values() if setting.key}
WANTED = st.builds(PhoneSettings, **dict.fromkeys(PhoneSettings.model_fields, st.booleans()))
OWNERS = {
    key: [v for v in ("2", "3", "40", "77") if setting.is_like(v) and not setting.is_ours(v, setting.ours)]
    for key, setting in KEYS.items()
}
FREE = [key for key in KEYS if OWNERS[key]]
FAULTY = sorted(key for key, setting in KEYS.items() if not setting.is_the_phones)


class Machine(RuleBasedStateMachine):
    """A phone, two hosts, and its owner, who never sets what we would set."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(os, "fsync", lambda descriptor: None)
        self.running: AbstractContextManager[None] | None = None
        self.owner: dict[str, str | None] = dict(FIRST)
        self.phone = Phone("8A9X0B1C2")

    def teardown(self) -> None:
        if self.running is not None:
            self.kill()
        self.patch.undo()
        shutil.rmtree(self.folder)

    @initialize(address=st.sampled_from(["8A9X0B1C2", "10.0.0.7:5555"]))
    def attach(self, address: str) -> None:
        self.on("a")
        self.move(address)

    @precondition(lambda self: self.running is None)
    @rule(host=st.sampled_from("ab"))
    def on(self, host: str) -> None:
        self.patch.setenv("XDG_STATE_HOME", str(self.folder / host))

    @precondition(lambda self: self.running is None)
    @rule(address=st.sampled_from(["8A9X0B1C2", "10.0.0.7:5555", "10.0.0.8:41233"]))
    def move(self, address: str) -> None:
        self.phone.serial, self.phone.identity = address, Phone(address).identity

    @precondition(lambda self: self.running is None)
    @rule(wanted=WANTED, dies_after=st.just(-1) | st.integers(0, 60))
    def start(self, wanted: PhoneSettings, dies_after: int) -> None:
        self.phone.dies_after = dies_after
        self.running = settings.applied(self.phone.device, wanted, self.folder / "s.jsonl", lambda condition: None)
        try:
            self.running.__enter__()
        except (Killed, DeviceError):
            self.running = None
        self.revive()

    @precondition(lambda self: self.running is not None)
    @rule(dies_after=st.just(-1) | st.integers(0, 30))
    def end(self, dies_after: int) -> None:
        running: Any = self.running
        self.phone.dies_after = dies_after
        with suppress(Killed, DeviceError):
            running.__exit__(None, None, None)
        self.running = None
        self.revive()

    @precondition(lambda self: self.running is not None)
    @rule()
    def kill(self) -> None:
        running: Any = self.running
        self.phone.dies_after = 0
        with suppress(Killed):
            running.__exit__(Killed, Killed(), None)
        self.running = None
        self.revive()

    @precondition(lambda self: self.running is None)
    @rule(dies_after=st.just(-1) | st.integers(0, 40))
    def restore(self, dies_after: int) -> None:
        self.phone.dies_after = dies_after
        with suppress(Killed, DeviceError):
            settings.restore(self.phone.device)
        self.revive()

    def revive(self) -> None:
        self.phone.dies_after = -1

    @rule(key=st.sampled_from(FREE), data=st.data())
    def owner_sets(self, key: str, data: st.DataObject) -> None:
        self.owner[key] = self.phone.values[key] = data.draw(st.sampled_from(OWNERS[key]))

    @rule(kind=st.sampled_from(["refuses", "ignores", "unreadable"]), keys=st.sets(st.sampled_from(FAULTY)))
    def faults(self, kind: str, keys: set[str]) -> None:
        vars(self.phone)[kind] = set(keys)

    @rule(programs=st.sets(st.sampled_from(["settings", "cmd"])))
    def hangs(self, programs: set[str]) -> None:
        self.phone.hangs = set(programs)

    @rule(lost=st.booleans())
    def connection(self, lost: bool) -> None:
        self.phone.lost = lost

    @invariant()
    def as_it_was_or_remembered(self) -> None:
        remembered = set()
        for host in "ab":
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("XDG_STATE_HOME", str(self.folder / host))
                changes = settings.pending(PhoneId.of(self.phone.identity))
            remembered |= {(change.setting, change.saved) for change in changes}
        for key, setting in KEYS.items():
            if self.phone.values[key] != self.owner[key]:
                assert (setting.name, self.owner[key]) in remembered, key
        if self.phone.fixed != "false":
            assert ("fixed_performance", "false") in remembered

    @precondition(lambda self: self.running is None)
    @rule()
    def mend_and_restore_everywhere(self) -> None:
        self.faults("refuses", set())
        self.faults("ignores", set())
        self.faults("unreadable", set())
        self.hangs(set())
        self.connection(lost=False)
        for host in "ab":
            self.on(host)
            assert settings.restore(self.phone.device).failed == []
            assert settings.pending_phones() == []
        assert (self.phone.values, self.phone.fixed, self.phone.files) == (self.owner, "false", {})


Machine.TestCase.settings = hypothesis_settings(max_examples=40, stateful_step_count=25, deadline=None)
TestMachine = Machine.TestCase
