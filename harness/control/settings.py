"""Settings that a run changes on a phone: what was there is written down first, and put back whatever happens.

setting.py has the table of them, settings_journal.py the two files from which the next run on the phone, or
``harness restore`` on any host, puts them back after a kill. settings.jsonl of the run tells what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.control import settings_journal
from harness.control.setting import TABLE, Setting
from harness.control.settings_journal import Change, Pending, Say
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost, InfrastructureError, WrongDevice
from harness.model.condition import Condition
from harness.model.policy import PhoneSettings
from harness.store.journal import append_line, utc_now

Stamp = Callable[[Condition], None]
_GONE = (DeviceLost, WrongDevice)  # nobody knows what is there: it is for whoever waits for the phone
_AGAIN = "attach the phone, then: harness restore"


@dataclass
class Restored:
    """What became of the settings that were to be put back, each in a sentence."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # somebody else has changed them since
    failed: list[str] = field(default_factory=list)  # tried again another time


def pending(phone: PhoneId, say: Say = lambda text: None) -> tuple[Change, ...]:
    """What this host remembers of a phone as not put back; damage is told to ``say``, and left as it is."""
    return settings_journal.kept_here(phone, say, aside=False)


def pending_phones(say: Say = lambda text: None) -> list[Pending]:
    """All phones of which this host remembers something to put back."""
    return settings_journal.all_kept_here(say)


def restore(device: Device, journal: Path | None = None, say: Say = lambda text: None) -> Restored:
    """Puts back what an earlier run left changed, of this host or of another one, in reverse order.

    A value that is neither ours nor the saved one was set by somebody else since then: it is left, and said. Raises
    DeviceLost; what else fails is in the result, and tried again another time.
    """
    return _Changes(device, journal, say).put_back()


@contextmanager
def applied(device: Device, wanted: PhoneSettings, journal: Path, stamp: Stamp) -> Iterator[None]:
    """Keeps a phone as ``wanted`` within the block; before it, puts back what an earlier run left changed.

    What the phone refuses is stamped, and ends nothing. Raises DeviceError at the end where something is not put back.
    """
    changes = _Changes(device, journal, lambda text: stamp(Condition("JOURNAL_DAMAGED", text)))
    earlier = changes.put_back()
    if earlier.failed:
        stamp(Condition("PENDING_SETTINGS", f"not put back from an earlier run: {'; '.join(earlier.failed)}"))
    _stamp_left(earlier, stamp)
    try:
        changes.apply([setting for setting in TABLE.values() if getattr(wanted, setting.wanted_by)], stamp)
        yield
    finally:  # from the moment that a value was sent, whatever came back
        try:
            restored = changes.put_back()
        except DeviceError as error:
            raise DeviceError(f"settings of the phone are not put back yet: {error.message}", _AGAIN) from error
        _stamp_left(restored, stamp)
        if restored.failed:
            raise DeviceError(f"settings of the phone are not put back yet: {'; '.join(restored.failed)}", _AGAIN)


def _stamp_left(restored: Restored, stamp: Stamp) -> None:
    if restored.left:
        stamp(Condition("SETTING_CHANGED", "; ".join(restored.left)))


class _Changes:
    """What is changed on a phone and not put back: read once, then kept as both journals have it."""

    def __init__(self, device: Device, journal: Path | None, say: Say) -> None:
        self._device = device
        self._phone = PhoneId.of(device.identity)
        self._journal = journal
        self._hanging: dict[tuple[str, str], str] = {}  # program on the phone, what it was to do -> what it said
        self._there = settings_journal.kept_there(device, say)
        here = {change.setting: change for change in settings_journal.kept_here(self._phone, say, self._there)}
        there = {change.setting: change for change in (self._there.changes if self._there else ())}
        self._changes = list({**here, **there}.values())  # another host may have used the phone since
        self._is_kept = bool(self._changes)

    # -- changing --

    def apply(self, wanted: Sequence[Setting], stamp: Stamp) -> None:
        """Changes settings, all of them written down before the first; raises DeviceLost."""
        refused: list[str] = []
        ours = self._to_change(wanted, refused)
        if ours:
            self._changes += ours
            self._keep(stamp)
            accepted = [change for change in (self._change(one, refused) for one in ours) if change is not None]
            if accepted != ours:
                self._changes = [change for change in self._changes if change not in ours] + accepted
                self._keep(stamp)
        if refused:
            stamp(Condition("SETTING_REFUSED", "; ".join(refused)))

    def _to_change(self, wanted: Sequence[Setting], refused: list[str]) -> list[Change]:
        identity = self._device.identity
        known = {change.setting for change in self._changes}  # could not be put back: the older value counts
        found = []
        for setting in wanted:
            if not setting.is_needed(identity) or setting.name in known:
                continue
            why = setting.obstacle(identity)
            try:
                saved = setting.default if why or not setting.is_readable else self._read(setting)
            except _GONE:
                raise
            except DeviceError as error:
                why = error.message
            if why:
                refused.append(f"{setting.name}: {why}")
                continue
            boot = "" if setting.is_readable else identity.boot_id
            change = Change(setting=setting.name, saved=saved, ours=setting.ours, boot_id=boot)
            self._note("read", change, saved if setting.is_readable else None)
            if not setting.is_readable or not setting.is_ours(saved, setting.ours):
                found.append(change)
        return found

    def _change(self, change: Change, refused: list[str]) -> Change | None:
        """Writes a value and reads it back: the change as it is now, None where the phone is as it was before."""
        setting = TABLE[change.setting]
        why, is_over = "", True
        try:
            self._write(setting, change.ours)
        except _GONE:
            raise
        except DeviceError as error:
            why, is_over = error.message, not isinstance(error, DeadlineExceeded)
        self._note("changed", change, change.ours)
        if not setting.is_readable:
            if why:
                refused.append(f"{setting.name}: {why}")
                self._note("refused", change, None)
            return None if why and is_over else change  # what hung may have been done
        try:
            now = self._read(setting)
        except _GONE:
            raise
        except DeviceError as error:
            refused.append(f"{setting.name}: {why or error.message}")
            return change  # nobody knows what is there
        if setting.is_ours(now, change.ours):
            self._note("verified", change, now)
            return change
        self._note("refused", change, now)
        refused.append(f"{setting.name}: {why or f'is {_shown(now)} after writing {change.ours!r}'}")
        if now is None or now == change.saved:
            return None if is_over else change  # what hung may still be done: it is looked at again at the end
        return change.model_copy(update={"ours": now})

    # -- putting back --

    def put_back(self) -> Restored:
        """Puts back all that it can; what fails stays in the journals. Raises DeviceLost, InfrastructureError."""
        self._hanging.clear()  # what is changed is worth a further wait
        restored, failed = Restored(), []
        full: InfrastructureError | None = None
        for change in reversed(self._changes):
            try:
                step, text, now = self._put_back_one(change)
            except _GONE:
                raise
            except DeviceError as error:
                step, text, now = "restore failed", f"{change.setting}: {error.message}", None
            if step == "restore failed":
                failed.append(change)
            told = {"restore failed": restored.failed, "left": restored.left}.get(step, restored.done)
            told.append(text)
            try:
                self._note(step, change, now)
            except InfrastructureError as error:  # the disk is full: the phone comes first
                full = error
        if self._changes:
            self._changes = failed[::-1]
            self._keep(lambda condition: None)
        if full is not None:
            raise full
        return restored

    def _put_back_one(self, change: Change) -> tuple[str, str, str | None]:
        """The step that was done, in words, and what is there then. Raises DeviceError: to be tried again."""
        setting = TABLE[change.setting]
        if not setting.is_readable:
            return self._reset(setting, change)
        now, saved = self._read(setting), change.saved
        if now == saved:
            return "already", f"{setting.name} is {_shown(now)}, as it was before", now
        if not setting.is_ours(now, change.ours):
            text = f"{setting.name} is {_shown(now)}, neither ours nor the saved {_shown(saved)}: left as it is"
            return "left", text, now
        return self._write_saved(setting, change)

    def _write_saved(self, setting: Setting, change: Change) -> tuple[str, str, str | None]:
        saved, why = change.saved, ""
        try:
            self._write(setting, saved)
        except _GONE:
            raise
        except DeviceError as error:
            why = error.message
        now = self._read(setting)
        if now == saved:
            return "restored", f"{setting.name} put back to {_shown(saved)}", now
        if setting.is_the_phones and not why:
            return "left", f"{setting.name} is {_shown(now)}: the phone does not take {_shown(saved)} now", now
        if not setting.is_ours(now, change.ours):
            text = f"{setting.name} is {_shown(now)} after writing {_shown(saved)}: left as it is"
            return "left", text, now
        text = why or f"is {_shown(now)} after writing {_shown(saved)}"
        return "restore failed", f"{setting.name}: {text}", now

    def _reset(self, setting: Setting, change: Change) -> tuple[str, str, str | None]:
        try:
            self._write(setting, change.saved)
        except _GONE:
            raise
        except DeviceError:
            boot_id = self._device.identity.boot_id
            if not change.boot_id or change.boot_id == boot_id or not boot_id:
                raise
            return "already", f"{setting.name}: the phone has started anew since it was changed", None
        return "reset", f"{setting.name} cannot be read: reset to its default, {_shown(change.saved)}", change.saved

    # -- the phone and the journals --

    def _read(self, setting: Setting) -> str | None:
        with self._limited("settings", "read"):
            return setting.read(self._device)

    def _write(self, setting: Setting, value: str | None) -> None:
        with self._limited(setting.program, "write"):
            setting.write(self._device, value)

    @contextmanager
    def _limited(self, program: str, verb: str) -> Iterator[None]:
        """What hung once is not waited for again; the program may still do other things."""
        asked = (program, verb)
        if asked in self._hanging:
            raise DeviceError(self._hanging[asked])
        try:
            yield
        except DeadlineExceeded as error:
            self._hanging[asked] = error.message
            raise

    def _keep(self, stamp: Stamp) -> None:
        """Both journals as they have to be. Where there is something to remember this host's comes first, else last.

        The phone's is a help to other hosts: where it cannot be written the measurement goes on.
        """
        if self._changes:
            settings_journal.keep_here(self._phone, self._changes, self._there)
        if self._changes or self._is_kept:
            try:
                settings_journal.keep_there(self._device, self._phone, self._changes)
            except _GONE:
                raise
            except DeviceError as error:
                stamp(Condition("JOURNAL_UNWRITABLE", error.message))
        if not self._changes:
            settings_journal.keep_here(self._phone, (), self._there)
        self._is_kept = bool(self._changes)

    def _note(self, step: str, change: Change, value: str | None) -> None:
        if self._journal is not None:
            line = {"utc": utc_now(), "step": step, **change.model_dump(exclude={"boot_id"}), "value": value}
            append_line(self._journal, line, durable=True)


def _shown(value: str | None) -> str:
    return "unset" if value is None else repr(value)
