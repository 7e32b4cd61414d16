"""A lab host: the phones that it offers, and the devices that it measures for front ends."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from harness import __version__
from harness.devices.base import Attached, Device, Unusable, key_of
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError
from harness.exit_codes import ExitCode
from harness.hosts.content import Content
from harness.hosts.described import LINKERS
from harness.hosts.schema import Answer, Job, Lack, Lacks, Offer, Phone, Useless, WorkerQuestion, read
from harness.hosts.source import Source
from harness.hosts.spool import Spool
from harness.measure.admission import admit, mended
from harness.measure.context import Context
from harness.measure.fitness import asked_here, read_workers
from harness.measure.run import manifest
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.measure.run.session import Session
from harness.measure.stop import Stop
from harness.store.rundir import slug

Say = Callable[[str], None]


@dataclass
class Active:
    """A device that is at work for a front end."""

    run: str
    device: str
    phone: str  # its digest
    key: str  # of the task, at the scheduler
    progress: DeviceProgress
    stop: Stop = field(default_factory=Stop)


class Bench:
    """The phones of one host. Its methods are called from the threads of several front ends' tasks."""

    def __init__(self, name: str, source: Source, say: Say) -> None:
        """``name``: of the host, for people; ``say``: on this host."""
        self.name = name
        self.content = Content()
        self._source = source
        self._say = say
        self._lock = threading.Lock()
        self._phones: dict[str, tuple[Phone, Device]] = {}  # by PhoneId.digest
        self._unusable: tuple[Unusable, ...] = ()
        self._active: list[Active] = []
        self._stopping = False

    def look(self) -> None:
        """Looks for phones that have come and gone, the first time for all. Raises HarnessError."""
        if not self._phones:
            found = self._source.attached()
        else:
            self._drop_gone()
            devices = [device for _, device in self._phones.values()]
            found = self._source.newcomers([key_of(device) for device in devices], devices)
        here = {key_of(device) for _, device in self._phones.values()}
        self._unusable = tuple(bad for bad in found.unusable if bad.key not in here)
        for device in found.devices:
            self._offer(device)

    def _drop_gone(self) -> None:
        """Phones that are not attached any more; those that are at work are waited for by their sessions."""
        present, at_work = self._source.present(), {each.phone for each in self.active}
        kept = {
            digest: (phone, device)
            for digest, (phone, device) in self._phones.items()
            if key_of(device) in present or digest in at_work
        }
        self._phones = kept  # never changed in place: others read it at the same time

    def _offer(self, device: Device) -> None:
        digest = PhoneId.of(device.identity).digest
        if digest in self._phones:
            return
        try:
            phone = Phone.of(digest, device.identity, device.topology(), _linkers(device))
        except DeviceError as error:
            bad = Unusable.of(device, "no answer", error.message, ("NO_ANSWER",))
            self._unusable = (*(each for each in self._unusable if each.key != bad.key), bad)
            return
        self._phones = {**self._phones, digest: (phone, device)}
        self._unusable = tuple(each for each in self._unusable if each.key != key_of(device))

    @property
    def resources(self) -> dict[str, float]:
        """What it offers at the scheduler: each phone, and how many there are of each model."""
        found = {f"phone-{digest}": 1.0 for digest in self._phones}
        for _, device in self._phones.values():
            model = f"model-{slug(device.identity.model)}"
            found[model] = found.get(model, 0.0) + 1.0
        return found

    def offer(self) -> Offer:
        """Its phones and how they are."""
        phones = [phone for phone, _ in self._phones.values()]
        fields = ("serial", "state", "remedy", "host", "model")
        unusable = [
            Useless(
                conditions=list(bad.conditions), **{key: value for key, value in asdict(bad).items() if key in fields}
            )
            for bad in self._unusable
        ]
        return Offer(name=self.name, harness=__version__, phones=phones, unusable=unusable)

    def lacks_for_workers(self, text: object) -> str:
        """Which of its phones cannot run workers, and why; a WorkerQuestion as JSON, and Lacks."""
        question = read(WorkerQuestion, text, "a front end")
        known = {digest: self._phones[digest][1] for digest in question.phones if digest in self._phones}
        reasons = asked_here(list(known.values()), question.read())
        found = {
            digest: Lack(message=why.message, remedy=why.remedy)
            for digest, why in zip(known, reasons, strict=True)
            if why is not None
        }
        return Lacks(phones=found).model_dump_json()

    def progress(self) -> dict[str, list[Any]]:
        """By run and device: percent, what is done, seconds left."""
        with self._lock:
            active = list(self._active)
        return {
            f"{each.run}/{each.device}": [each.progress.percent(), each.progress.text, each.progress.seconds_left()]
            for each in active
        }

    def stop(self, run: str) -> list[str]:
        """Ends the work of a run in order: records taken over, settings put back; the devices that were at work."""
        with self._lock:
            found = [each for each in self._active if each.run == run]
        for each in found:
            each.stop.set()
        return [each.device for each in found]

    def stop_all(self) -> None:
        """The host ends: nothing begins any more."""
        with self._lock:
            self._stopping = True
            active = list(self._active)
        for each in active:
            each.stop.set()

    def begin_again(self) -> None:
        """After stop_all, for another scheduler."""
        with self._lock:
            self._stopping = False

    @property
    def active(self) -> list[Active]:
        """Devices that are at work."""
        with self._lock:
            return list(self._active)

    def measure(self, text: object, data: bytes, key: str, tell: Say) -> tuple[str, bytes]:
        """Does what ``harness run`` does for one device; an Answer as JSON, and its part of the run directory.

        ``data``: what is on record so far; ``tell``: the front end. Raises HarnessError for what is no job; whatever
        fails with the device is in the answer.
        """
        job = read(Job, text, "a front end")
        spool = Spool(job)
        with self._at_work(job, key, tell) as active:
            outcome = SessionOutcome(job.device)
            with spool_lock(spool):
                try:
                    outcome = self._measure(job, spool, data, active, outcome)
                except HarnessError as error:
                    outcome.fail(error.exit_code, str(error))
                except Exception as error:  # a fault of ours on one device must not take the others with it
                    traceback.print_exc()
                    outcome.fail(ExitCode.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
                answer = Answer(outcome=outcome.told(), stopped=active.stop.is_set(), folder=str(spool.run.path))
                return answer.model_dump_json(), spool.packed()

    @contextmanager
    def _at_work(self, job: Job, key: str, tell: Say) -> Iterator[Active]:
        def say(words: str) -> None:
            self._say(words)
            tell(words)

        active = Active(job.manifest.run, job.device, job.phone, key, DeviceProgress(job.device, say=say))
        with self._lock:
            self._active.append(active)
            if self._stopping:
                active.stop.set()
        try:
            yield active
        finally:
            with self._lock:
                self._active.remove(active)

    def _measure(self, job: Job, spool: Spool, data: bytes, active: Active, outcome: SessionOutcome) -> SessionOutcome:
        device, attached = self._device(job.phone)
        spool.open(PhoneId.of(device.identity), data, "a front end")
        programs = spool.prepare(self.content)
        if active.stop.is_set():
            return outcome
        request, say = manifest.request_of(spool.run.manifest(), None), active.progress.remark
        context = Context(request, attached, say, _never, wait_s=job.wait_s)
        named = [(job.device, device)]
        (why,) = asked_here([device], read_workers(request.workers))
        lacking = {} if why is None else {job.device: why}
        seen, to_mend, own = attached.conditions, mended(request.policy), job.manifest.run
        admission = admit([device], request.allow, say, seen, to_mend, own=own, names={key_of(device): ""})
        for bad in admission.refused:
            raise DeviceError(bad.state, bad.remedy)
        work = admission.work(context, named, programs, active.stop, lacking)
        return Session(device, job.device, spool.run, work, active.progress).measure()

    def _device(self, digest: str) -> tuple[Device, Attached]:
        """The phone, asked anew. Raises HarnessError where it is not there."""
        known = self._phones.get(digest)
        if known is None:
            raise DeviceError(f"host {self.name} has no such phone any more", "attach it there, then --resume")
        try:
            attached = self._source.again(known[1])
        except HarnessError as error:  # of one device, whatever it would be of a command line
            raise DeviceError(error.message, f"see to it on host {self.name}, then --resume") from error
        for bad in attached.unusable:
            raise DeviceError(f"it cannot be used on host {self.name}: {bad.state}", bad.remedy)
        for device in attached.devices:
            if PhoneId.of(device.identity).is_same(PhoneId.of(known[1].identity)):
                return device, attached
        raise DeviceError(f"another phone is at its address on host {self.name}", "attach the first, then --resume")


def _linkers(device: Device) -> list[str]:
    """The loaders of dynamic programs that it has: real phones have those of their ABIs, and are not asked."""
    names = ["linker", "linker64"]
    if not device.identity.emulated:
        return names
    there = device.list_dir(LINKERS)
    return [name for name in names if name in there]


@contextmanager
def spool_lock(spool: Spool) -> Iterator[None]:
    """One task at a time has a run's device on this host: a front end that was killed may have left one at work."""
    spool.run.path.mkdir(parents=True, exist_ok=True)
    lock = spool.run.lock()
    try:
        yield
    finally:
        lock.release()


def _never() -> Any:
    raise AssertionError("a host's work is stopped by its front end")
