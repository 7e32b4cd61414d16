"""Phones that are attached while a run is at work: they get a name in it, and are measured like the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.devices.base import Device, Key, Unusable, key_of
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError, UsageError
from harness.measure.admission import admit, mended
from harness.measure.called import Named, called, named
from harness.measure.context import Context, Say, Work
from harness.measure.fitness import asked_here, unfit
from harness.measure.tables import Tables, find_tables, keep_tables
from harness.model.condition import Condition
from harness.store.rundir import RunDir, device_names

Namer = Callable[[Device], str | None]  # the name of a phone in the run; None: it is none of the run's
Seen = Mapping[Key, Sequence[Condition]]

_AGAIN_S = 180.0  # until a phone that was refused is asked again: a battery that was low may be full enough


class Joining:
    """Looks for phones that have joined. A phone that the run has already, by whatever address, is none."""

    def __init__(
        self,
        run: RunDir,
        devices: Sequence[Named],
        context: Context,
        work: Work,
        name_of: Namer | None = None,
        refused: Sequence[Unusable] = (),
    ) -> None:
        """``name_of``: of a run that is resumed, which takes its own phones alone. ``refused``: at the run's start."""
        self._run = run
        self._context = context
        self._work = work
        self._name_of = name_of or self._new_name
        self._devices = list(devices)
        self._phones = {name: PhoneId.of(device.identity) for name, device in devices}
        self._known = {key_of(device) for _, device in devices}
        self._lacking = dict(work.unfit)
        self._conditions = dict(work.conditions)
        self._to_ask = set(work.to_ask)
        self._in_use: set[Key] = set()  # when they were to be asked
        self._refused: dict[Key, Unusable] = {}
        self._again: dict[Key, float] = {}  # when a refused one is asked again
        for bad in refused:
            self._refuse(bad)
        self.joined: list[Named] = []

    @property
    def work(self) -> Work:
        """What sessions go by, those of phones that joined too."""
        return replace(self._work, unfit=self._lacking, conditions=self._conditions, to_ask=self._to_ask)

    @property
    def refused(self) -> list[Unusable]:
        """Those that might have been measured, and may not be until now; those refused at the run's start too."""
        return list(self._refused.values())

    def __call__(self) -> list[Named]:
        """Those that have joined since the last look; what fails with one is said, and costs nobody else anything."""
        if self._context.newcomers is None:
            return []
        now = time.monotonic()
        known = self._known | {key for key, again in self._again.items() if again > now}
        try:
            found = self._context.newcomers(known, [device for _, device in self._devices])
        except HarnessError:
            return []  # the adb server is away: who needs it says so
        strangers = [device for device in found.devices if not self._is_known(device) and self._name_of(device)]
        self._known |= {key_of(device) for device in found.devices if device not in strangers}
        joined = [
            pair
            for device, stamps in self._admitted(strangers, found.conditions)
            for pair in self._join(device, stamps)
        ]
        self.joined += joined
        return joined

    def _admitted(self, found: Sequence[Device], seen: Seen) -> Iterator[tuple[Device, Sequence[Condition]]]:
        """Those whose conditions let them be measured, as when a run begins, with what they are stamped with.

        Those that were refused before are asked in silence, until they may be measured.
        """
        again = [device for device in found if key_of(device) in self._refused]
        yield from self._admitted_of([device for device in found if device not in again], seen, self._context.say)
        for device in again:
            words: list[str] = []
            for pair in self._admitted_of([device], seen, words.append):
                for text in words:
                    self._context.say(text)
                yield pair

    def _admitted_of(
        self, devices: Sequence[Device], seen: Seen, say: Say
    ) -> Iterator[tuple[Device, Sequence[Condition]]]:
        request = self._work.request
        if self._context.elsewhere is not None:  # who has them asks them
            yield from ((device, ()) for device in devices)
            return
        names = called([*(device for _, device in self._devices), *devices])
        admission = admit(devices, request.allow, say, seen, mended(request.policy), names=names)
        for bad in admission.refused:
            say(f"{names[bad.key]}: does not join: {bad.state}\n  {bad.remedy}")
            self._refuse(bad)
        self._in_use |= {key_of(device) for device in admission.devices if admission.is_to_ask(device)}
        yield from ((device, admission.of(device)) for device in admission.devices)

    def _refuse(self, bad: Unusable) -> None:
        self._refused[bad.key] = bad
        self._again[bad.key] = time.monotonic() + _AGAIN_S

    def _join(self, device: Device, stamps: Sequence[Condition]) -> Iterator[Named]:
        """The phone with its name, unless something fails with it."""
        name = None if self._is_known(device) else self._name_of(device)
        if name is None:
            return
        try:
            self._prepare(name, device)
        except HarnessError as error:
            bad = Unusable.of(device, f"not measured: {error.message}", error.remedy, ("NOT_READY",))
            if self._refused.get(bad.key) != bad:
                self._context.say(f"{name}: does not join: {error}")
            self._refuse(bad)
            return
        self._conditions[name] = stamps
        self._to_ask |= {name} if key_of(device) in self._in_use else set()
        self._phones[name] = PhoneId.of(device.identity)
        self._devices.append((name, device))
        self._known.add(key_of(device))
        self._refused.pop(key_of(device), None)
        self._again.pop(key_of(device), None)
        self._context.say(f"{name}: joins the run")
        yield name, device

    def _is_known(self, device: Device) -> bool:
        return any(PhoneId.of(device.identity).is_same(phone) for phone in self._phones.values())

    def _prepare(self, name: str, device: Device) -> None:
        """Writes the phone down, with its tables. Raises HarnessError."""
        pair, kept = (name, device), self._run.manifest()
        lacking: dict[str, DeviceError] = {}
        try:
            elsewhere = self._context.elsewhere
            asked = asked_here if elsewhere is None else elsewhere.why_not
            lacking = unfit([pair], self._work.request.workers, asked)
        except UsageError as error:  # a mistake where it is all of the run
            lacking = {name: DeviceError(error.message, error.remedy)}
        tables: Tables = {}
        try:
            tables = find_tables(self._work.request, [pair], self._context.say)
        except UsageError as error:
            self._context.say(f"{name}: {error}")
        if name not in kept.devices:
            tuned = {**kept.tuned, **keep_tables(self._run, tables)}
            self._run.update_manifest(devices=[*kept.devices, name], tuned=tuned)
        self._lacking |= lacking

    def _new_name(self, device: Device) -> str:
        ((name, _),) = named([device])
        pair = (device.identity.model, PhoneId.of(device.identity).key)
        return name if name not in self._phones else device_names([pair, pair])[0]
