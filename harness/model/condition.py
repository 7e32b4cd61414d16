"""Conditions of a device, or of this host, that a measurement has to know of: each has a name, a reason, a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.errors import UsageError


@dataclass(frozen=True)
class Kind:
    """What is known of a condition beforehand. ``stops``: a device with it is not measured, unless it is allowed.

    ``about``: ``numbers`` that are measured under it, which it is stamped on; the ``work``, which is told of it;
    a device that is ``away`` and cannot be measured whatever is allowed; or the ``host``.
    """

    why: str  # why it matters
    remedy: str
    stops: bool = False
    about: Literal["numbers", "work", "away", "host"] = "numbers"
    usual: bool = False  # so common that it is stamped without a message and a mark at each row


# By name; a name stands in no other place but where the condition is found.
KINDS: dict[str, Kind] = {
    # What a phone is like: the numbers depend on it.
    "EMULATED": Kind(
        "it has no CPU of its own: its times say nothing about any phone",
        "measure a real phone",
        usual=True,
    ),
    "LOW_BATTERY": Kind(
        "phones lower their clocks, or unplug big cores, on a low battery, even while they are charged",
        "charge the phone",
        stops=True,
    ),
    "HOT": Kind(
        "a hot phone lowers its clocks: the times are those of a throttled phone",
        "let it cool: out of the sun, off the charger for a while, without its cover",
        stops=True,
    ),
    "CHARGING": Kind(
        "charging warms the phone",
        "nothing has to be done; for long runs a full battery warms it less",
        usual=True,
    ),
    "LOW_POWER_MODE": Kind(
        "battery saver caps the clocks",
        "switch battery saver off: settings put global low_power 0, or in the phone's settings",
        stops=True,
    ),
    "THERMAL_OVERRIDE": Kind(
        "somebody has set the thermal status by hand: it no longer tells whether the phone throttles",
        "cmd thermalservice reset",
        stops=True,
    ),
    "THERMAL_FROZEN": Kind(
        "sensors that do not move while load changes tell nothing: the heat is unknown, it is not low",
        "reboot the phone; what the clock probes say of its speed still holds",
    ),
    "THERMAL_UNKNOWN": Kind(
        "nobody tells whether the phone throttles: a status of 0 means unknown then, not cool",
        "reboot the phone; let it rest before a run; what the clock probes say of its speed still holds",
    ),
    "PAGE_SIZE": Kind(
        "memory in pages of another size is faster or slower to walk: compare it with phones of the same page size",
        "on a Pixel: Developer options, 'Boot with 16KB page size'",
    ),
    "CORES_OFFLINE": Kind(
        "clusters that are offline are not measured (exit code 3), and the others have more heat and power to spend",
        "switch battery saver off, let the phone cool, reboot it; then: harness run --resume RUN",
    ),
    "CORES_FORBIDDEN": Kind(
        "the phone keeps its shell off these CPUs: their clusters cannot be measured (exit code 3)",
        "wake and unlock the phone, and try again; where it stays so for good: --allow CORES_FORBIDDEN",
    ),
    "NO_AFFINITY": Kind(
        "the system alone chooses the core: a sample may have run on several, and a level of performance is asked for"
        " by a thread's quality of service, which also slows the clock of the efficient cores",
        "nothing can be done on macOS; compare runs of many launches, with nothing else at work",
    ),
    "GAME_MODE": Kind(
        "a performance or game mode of the maker moves the caps of the clocks",
        "switch it off in the phone's settings, or measure all that is compared with it on",
    ),
    "SCREEN": Kind(
        "a phone that sleeps may keep its shell on few and slow cores, and may stop in the middle",
        "wake the phone and unlock it: input keyevent KEYCODE_WAKEUP",
    ),
    "SETTING_REFUSED": Kind(
        "the phone may change while it is measured (screen off, lower clocks)",
        "on the phone: Developer options, 'USB debugging (Security settings)' or the like; or set it by hand",
    ),
    "SENSOR_SILENT": Kind(
        "a file that never answers holds up whoever reads it; it is left out",
        "nothing to do; where the phone has no other sensor that moves, reboot it",
    ),
    "SETTING_CHANGED": Kind(
        "somebody else, or the phone itself, set it meanwhile: a part may have been measured under that value",
        "keep others from the phone while it is measured; set it by hand where it is not as you want it",
    ),
    "JOURNAL_DAMAGED": Kind(
        "it tells what an earlier run changed on the phone: that may not be put back",
        "look at the file that was kept aside, and set by hand what it names",
        about="work",
    ),
    "QUARANTINE_DAMAGED": Kind(
        "it told why the phone must not be measured for a while: nobody knows that any more",
        "look after the phone; the next run on it keeps the file aside",
        about="work",
    ),
    "JOURNAL_UNWRITABLE": Kind(
        "after a kill no other host can put the phone's settings back, only this one",
        "let the shell write to the phone's /data/local/tmp; do not remove this host's state folder before the end",
        about="work",
    ),
    "SPACE_UNKNOWN": Kind(
        "a phone whose disk fills up ends the measurement in the middle",
        "see that the phone has some space left",
        about="work",
    ),
    "UNLOCKED": Kind(
        "another harness, of this host or of another one, may measure on the same device at the same time",
        "mend what the message names; until then let one run at a time use the device",
    ),
    "STARTING": Kind(
        "a phone that starts is busy with it",
        "wait until Android has started; where it has, and does not say so: --allow STARTING",
        stops=True,
    ),
    "WORK_FOLDER": Kind(
        "programs and records lie there: nothing can be measured without it",
        "mend it, or reboot the phone",
        stops=True,
    ),
    "QUARANTINED": Kind(
        "the phone was left in a state in which it must not be measured",
        "look after the phone, then: harness doctor --release DEVICE",
        stops=True,
    ),
    # What the work needs to know; what is measured is the same.
    "LITTLE_SPACE": Kind(
        "the program and its records may not fit",
        "free some space on the phone; harness-* folders of runs that are done with may be removed",
        about="work",
    ),
    "TWO_CONNECTIONS": Kind(
        "one phone is listed by several addresses: it is measured once, by one of them",
        "nothing has to be done; --device takes either name",
        about="work",
    ),
    "SAME_SERIAL": Kind(
        "phones with one serial number are taken for each other where nothing else tells them apart",
        "nothing has to be done where they are told apart by android_id; else leave each on its USB port or address",
        about="work",
    ),
    "ORPHANS": Kind(
        "what a dead run left would compute beside a measurement, or takes up space",
        "a run stops such programs before it measures; harness restore removes folders; what has records is for "
        "harness run --resume, or to be dropped: harness restore --drop RUN",
        about="work",
    ),
    "PENDING_SETTINGS": Kind(
        "they are not as the phone's owner has set them",
        "harness restore; the next run on the phone puts them back too",
        about="work",
    ),
    # Why a phone cannot be used at all.
    "UNAUTHORIZED": Kind(
        "the phone does not let this host in",
        "unlock the phone and accept its question about USB debugging",
        stops=True,
        about="away",
    ),
    "OFFLINE": Kind("the phone does not answer adb", "plug it in again", stops=True, about="away"),
    "NO_PERMISSIONS": Kind(
        "this user may not open the USB device", "install Android's udev rules", stops=True, about="away"
    ),
    "NO_ANSWER": Kind("adb lists the phone, but it answers nothing", "plug it in again", stops=True, about="away"),
    "NO_SHELL_V2": Kind(
        "its adb daemon gives no exit codes: no failure could be told from a success",
        "such phones (Android before 7.0) are not supported",
        stops=True,
        about="away",
    ),
    "ABI": Kind(
        "the program does not run there", "leave the phone out, with --device for the others", stops=True, about="away"
    ),
    "NOT_READY": Kind("the phone is in no state to run programs", "start Android on it", stops=True, about="away"),
    # This host.
    "ADB_VERSION": Kind(
        "adb ends a server that speaks another version, in the middle of a run",
        "use one adb: the one that started the server, or end that server and start it with this one",
        about="host",
    ),
    "ADB_SERVER": Kind(
        "who started the server may also end it, in the middle of a run",
        "close what started it (Android Studio, scrcpy, another user), or leave it alone until the run is over",
        about="host",
    ),
    "NDK": Kind(
        "programs for phones are built with zig instead",
        "install an Android NDK (r27 or newer) and name it: ANDROID_NDK_HOME",
        about="host",
    ),
    "HOST_DISK": Kind("records and builds may not fit", "free some space", about="host"),
    "LEASES": Kind("a phone is in use, or cannot be reserved", "wait until that run ends", about="host"),
}


def can_be_allowed() -> list[str]:
    """The names that --allow takes."""
    return [name for name, kind in KINDS.items() if kind.about in ("numbers", "work")]


def allowed(names: Iterable[str]) -> tuple[str, ...]:
    """The names of --allow, each once. Raises UsageError for what is none, or cannot be allowed."""
    found, can = tuple(dict.fromkeys(names)), can_be_allowed()
    for name in found:
        if name not in can:
            what = "cannot be allowed" if name in KINDS else "is no condition"
            raise UsageError(f"--allow {name}: {what}", f"there are: {', '.join(can)}")
    return found


@dataclass(frozen=True)
class Condition:
    """A condition that was found: its name, what was seen, what to do."""

    name: str
    what: str
    remedy: str = ""  # where the one of its kind does not fit

    @property
    def kind(self) -> Kind:
        """What is known of it beforehand."""
        return KINDS[self.name]

    @property
    def advice(self) -> str:
        """What to do."""
        return self.remedy or self.kind.remedy

    @property
    def text(self) -> str:
        """One message: what, and the remedy on a line of its own."""
        return f"{self.name}: {self.what}\n  {self.advice}"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Condition | None:
        """Back from ``as_json``; None for what is no condition that this version knows."""
        name, what, remedy = (value.get(key) for key in ("name", "what", "remedy"))
        known = isinstance(name, str) and name in KINDS and isinstance(what, str) and isinstance(remedy, str)
        return cls(str(name), str(what), str(remedy)) if known else None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON-ready values, as it stands in events.jsonl and in --json."""
        return {**asdict(self.kind), **asdict(self), "remedy": self.advice}
