"""Phones that are attached while a run is at work: they get a name in it, and are measured like the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError, UsageError
from harness.measure.admission import admit, mended
from harness.measure.campaign import Named, named
from harness.measure.context import Context, Work
from harness.measure.fitness import unfit
from harness.measure.tables import Tables, find_tables, keep_tables
from harness.model.condition import Condition
from harness.store.rundir import RunDir, device_names

Namer = Callable[[Device], str | None]  # the name of a phone in the run; None: it is none of the run's


class Joining:
    """Looks for phones that have joined. A phone that the run has already, by whatever address, is none."""

    def __init__(
        self, run: RunDir, devices: Sequence[Named], context: Context, work: Work, name_of: Namer | None = None
    ) -> None:
        """``name_of``: of a run that is resumed, which takes its own phones alone."""
        self._run = run
        self._context = context
        self._work = work
        self._name_of = name_of or self._new_name
        self._phones = {name: PhoneId.of(device.identity) for name, device in devices}
        self._serials = {device.serial for _, device in devices}
        self._lacking = dict(work.unfit)
        self._conditions = dict(work.conditions)
        self._to_ask = set(work.to_ask)
        self._stamps: dict[str, Sequence[Condition]] = {}  # by serial
        self._in_use: set[str] = set()  # serials
        self.joined: list[Named] = []

    @property
    def work(self) -> Work:
        """What sessions go by, those of phones that joined too."""
        return replace(self._work, unfit=self._lacking, conditions=self._conditions, to_ask=self._to_ask)

    def __call__(self) -> list[Named]:
        """Those that have joined since the last look; what fails with one is said, and costs nobody else anything."""
        if self._context.newcomers is None:
            return []
        try:
            found = self._context.newcomers(self._serials)
        except HarnessError:
            return []  # the adb server is away: who needs it says so
        joined = [(name, device) for device in self._admitted(found) if (name := self._name(device)) is not None]
        for pair in joined:
            self._context.say(f"{pair[0]}: joins the run")
            self._prepare(pair)
        self.joined += joined
        return joined

    def _admitted(self, found: Sequence[Device]) -> Sequence[Device]:
        """Those whose conditions let them be measured, as when a run begins."""
        self._serials |= {device.serial for device in found}
        strangers = [device for device in found if not self._is_known(device)]
        request = self._work.request
        admission = admit(strangers, request.allow, self._context.say, mended=mended(request.policy))
        for bad in admission.refused:
            self._context.say(f"{bad.serial}: does not join: {bad.state}\n  {bad.remedy}")
        self._stamps |= {device.serial: admission.of(device) for device in admission.devices}
        self._in_use |= {device.serial for device in admission.devices if admission.is_to_ask(device)}
        return admission.devices

    def _is_known(self, device: Device) -> bool:
        return any(PhoneId.of(device.identity).is_same(phone) for phone in self._phones.values())

    def _name(self, device: Device) -> str | None:
        name = None if self._is_known(device) else self._name_of(device)
        if name is not None:
            self._phones[name] = PhoneId.of(device.identity)
        return name

    def _prepare(self, pair: Named) -> None:
        name, kept = pair[0], self._run.manifest()
        self._conditions[name] = self._stamps.get(pair[1].serial, ())
        self._to_ask |= {name} if pair[1].serial in self._in_use else set()
        try:
            self._lacking |= unfit([pair], self._work.request.workers)
        except UsageError as error:  # a mistake where it is all of the run
            self._lacking[name] = DeviceError(error.message, error.remedy)
        tables: Tables = {}
        try:
            tables = find_tables(self._work.request, [pair], self._context.say)
        except UsageError as error:
            self._context.say(f"{name}: {error}")
        if name not in kept.devices:
            tuned = {**kept.tuned, **keep_tables(self._run, tables)}
            self._run.update_manifest(devices=[*kept.devices, name], tuned=tuned)

    def _new_name(self, device: Device) -> str:
        ((name, _),) = named([device])
        pair = (device.identity.model, PhoneId.of(device.identity).key)
        return name if name not in self._phones else device_names([pair, pair])[0]
