"""The records of one device as they arrive: what they say of the outcome, and of where the device rests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.control import baseline
from harness.control.heat import Heat
from harness.devices.phone_id import PhoneId
from harness.judge.gate import is_hotter_than_ever, is_of_a_cool_device
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.store import records
from harness.store.journal import EventLog
from harness.store.system_records import State, Telemetry

_MOST_UNREADABLE = 200  # events: garbage may be another one each time


class Intake:
    """Takes each record once. ``heat`` is what the gates of the next cluster go by: those before it teach it."""

    def __init__(self, phone: PhoneId, outcome: SessionOutcome, progress: DeviceProgress, events: EventLog) -> None:
        self.heat = Heat()
        self._events = events
        self._unreadable: set[tuple[str, str, str]] = set()  # cluster, source and reason that events tell of
        self._phone = phone
        self._outcome = outcome
        self._progress = progress

    def take(self, cluster: str, record: records.Record) -> None:
        """A record of the cluster with that label."""
        self._progress.take(record)
        if isinstance(record, records.Worker) and record.table is not None and record.table.refused:
            self._warn(f"cluster {cluster}: {record.table.refused}: it is not used, `auto` goes by the model")
        if isinstance(record, records.Gate):
            self._take_gate(cluster, record)
        if isinstance(record, records.Job):
            self.heat = replace(self.heat, measured_s=self.heat.measured_s + record.elapsed_s)
        if isinstance(record, Telemetry | State):
            self._take_reasons(cluster, record.why)
        if isinstance(record, records.Sample):
            self._outcome.samples += 1
        elif isinstance(record, records.Error) and record.external:
            what = f"{record.variant} on {record.layer}, launch {record.launch + 1}"
            self._outcome.warn(f"cluster {cluster}: {what}: {record.reason}: no fault of its own")
        elif isinstance(record, records.Error) or (isinstance(record, records.Check) and not record.ok):
            self._outcome.fault(record)

    def _take_reasons(self, cluster: str, reasons: Mapping[str, str]) -> None:
        """A source that gives garbage, or nothing, is an event: once for each reason."""
        for source, why in reasons.items():
            told = (cluster, source, why)
            if why and told not in self._unreadable and len(self._unreadable) < _MOST_UNREADABLE:
                self._unreadable.add(told)
                self._events.add("evidence unreadable", cluster=cluster, source=source, why=why)

    def _take_gate(self, cluster: str, gate: records.Gate) -> None:
        self.heat = replace(self.heat, waited_s=self.heat.waited_s + gate.waited_s)
        if gate.mhz is not None and is_of_a_cool_device(gate):
            self._take_clock(cluster, gate.mhz, settled=gate.status == "settled")
        if gate.learned is None:
            return
        self.heat = replace(self.heat, rest=replace(self.heat.rest, today_c=gate.learned))
        if is_hotter_than_ever(gate):
            self._warn(
                f"it rests at {gate.learned:.1f} °C ({gate.source}), hotter than in any run before "
                f"({gate.baseline:.1f} °C): its clocks may be lower than they were then"
            )
        # At a cap there was no time to see it rest; and later gates find it hot from our own work.
        if gate.status == "passed" and gate.plateau is None:
            baseline.store(self._phone, self.heat.source.name, gate.learned, self._warn)

    def _take_clock(self, cluster: str, mhz: float, *, settled: bool) -> None:
        known = self.heat.cool_mhz.get(cluster)
        if settled or known is None or mhz > known:
            self.heat = replace(self.heat, cool_mhz={**self.heat.cool_mhz, cluster: mhz})
            baseline.store_clock(self._phone, cluster, mhz, self._warn)

    def _warn(self, text: str) -> None:
        """Said once, at once and at the end."""
        if self._outcome.warn(text):
            self._progress.remark(text)
