"""A front end's run on the hosts of a lab: which phones there are, and each device's part from its host."""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from harness import __version__
from harness.devices.base import Attached, Device, Unusable
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError, InfrastructureError, NoDeviceError
from harness.exit_codes import ExitCode
from harness.hosts import artefacts, calls
from harness.hosts.address import parse
from harness.hosts.choosing import attached, choose, distinct
from harness.hosts.connection import Connection, connected
from harness.hosts.described import DescribedPhone
from harness.hosts.schema import Answer, Job, Offer, read
from harness.hosts.security import security
from harness.hosts.serving import KEY
from harness.hosts.watch import Host, Watch
from harness.measure.called import Named
from harness.measure.context import Say, Work
from harness.measure.other_builds import kept_program
from harness.measure.run import identity_file
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.model.wording import printable
from harness.store.manifest import Manifest
from harness.store.rundir import RunDir, slug

_ANSWER_S, _SEND_S = 30.0, 300.0
_LOOK_S = 2.0  # between two looks at the hosts' signs of life
_NOT_FOUND = ("NOT_READY",)


@dataclass
class _Task:
    """A device at its host."""

    name: str
    phone: DescribedPhone
    movable: bool  # any other phone of the model will do
    outcome: SessionOutcome
    plan: bytes = b""  # its lines of plan.jsonl before
    future: Any = None
    tried: list[str] = field(default_factory=list)  # digests of phones
    done: bool = False


class LabRun:
    """Of one command; what it needs of a lab's hosts (harness.measure.run.elsewhere.Elsewhere)."""

    def __init__(self, connection: Connection, say: Say) -> None:
        self._connection = connection
        self._say = say
        self._phones: list[DescribedPhone] = []
        self._watch = Watch()
        self.portable: Sequence[str] = ()

    def hosts(self) -> list[Host]:
        """Those that are there now, by name. Raises InfrastructureError."""
        return self._connection.hosts()

    def find(self, wanted: Sequence[str]) -> Attached:
        """The phones that --device means; ``portable`` says in whose place others will do.

        Raises NoDeviceError where there is no host or no such phone, UsageError, InfrastructureError.
        """
        hosts = self.hosts()
        if not hosts:
            address = self._connection.address
            raise NoDeviceError(f"no host is at the scheduler {address}", f"harness host --scheduler {address}")
        strangers = [host for host in hosts if not host.fits]
        unusable = [_stranger(host) for host in strangers]
        fitting = [host for host in hosts if host.fits]
        answers = self._connection.ask(calls.offer, {host.address: () for host in fitting}, _ANSWER_S)
        found: list[DescribedPhone] = []
        for host in fitting:
            try:
                phones, bad = _offered(host, answers[host.address])
                found += phones
                unusable += bad
            except InfrastructureError as error:
                unusable.append(_unusable(host, f"it tells of no phones: {error.message}", error.remedy))
        self._phones = distinct(found)
        for stranger in unusable[: len(strangers)]:
            self._say(f"{stranger.serial}: {stranger.state}")
        if strangers and not self._phones:
            names = "; ".join(f"{each.serial}: {each.state}" for each in unusable)
            raise InfrastructureError(f"no host can be used: {names}", unusable[0].remedy)
        chosen = choose(wanted, self._phones)
        self.portable = chosen.names_of_portable
        return attached(chosen, unusable, wanted)

    def measure(
        self, run: RunDir, devices: Sequence[Named], work: Work, shown: Mapping[str, DeviceProgress]
    ) -> list[SessionOutcome]:
        """As Elsewhere has it."""
        artefacts.recover(run)
        kept = run.manifest()
        plans = artefacts.plans_by_device(run)
        tasks = [
            _Task(
                name,
                cast(DescribedPhone, device),
                name in kept.portable and not run.device(name).identity.exists(),
                SessionOutcome(name),
                plans.get(name, b""),
            )
            for name, device in devices
        ]
        _Round(self._connection, self._say, self._phones, self._watch, run, kept, work, tasks, shown).to_its_end()
        return [task.outcome for task in tasks]


@dataclass
class _Round:
    """The devices of one call of ``measure``."""

    connection: Connection
    say: Say
    phones: Sequence[DescribedPhone]
    watch: Watch
    run: RunDir
    kept: Manifest
    work: Work
    tasks: Sequence[_Task]
    shown: Mapping[str, DeviceProgress]
    gone: dict[str, str] = field(default_factory=dict)  # hosts, by address: why
    ended: queue.SimpleQueue[_Task] = field(default_factory=queue.SimpleQueue)
    told_to_stop: bool = False

    def to_its_end(self) -> None:
        """Whatever fails is in the outcomes."""
        self.connection.listen(calls.topic(self.kept.run), self._remark)
        try:
            self._send_files({task.phone.address for task in self.tasks})
            for task in self.tasks:
                try:
                    self._begin(task)
                except HarnessError as error:
                    self._fail(task, error)
            looked = time.monotonic()
            while any(not task.done for task in self.tasks):
                with suppress(queue.Empty):
                    self._take(self.ended.get(timeout=0.5))
                if self.work.stop.is_set() and not self.told_to_stop:
                    self._stop()
                if time.monotonic() > looked + _LOOK_S:
                    looked = time.monotonic()
                    self._look()
        except Exception as error:  # a fault of ours must not cost what has come back
            if not isinstance(error, HarnessError):
                traceback.print_exc()
                error = InfrastructureError(f"{type(error).__name__}: {error}")
            left = [task for task in self.tasks if not task.done]
            self.connection.cancel(*(task.future for task in left if task.future is not None))
            for task in left:
                self._fail(task, error)

    def _remark(self, text: str) -> None:
        self.say(printable(text.replace("\n", "; ")))

    def _send_files(self, addresses: set[str]) -> None:
        """Programs, and what workers need, to the hosts that lack them."""
        files = _files_of(self.run, self.kept, self.work)
        lacking = self.connection.ask(calls.lacks, {at: (list(files),) for at in addresses}, _ANSWER_S)
        for digest, path in files.items():
            to = {where: (digest, path.read_bytes()) for where, found in lacking.items() if _has(found, digest)}
            sent = self.connection.ask(calls.take, to, _SEND_S) if to else {}
            lacking |= {where: answer for where, answer in sent.items() if isinstance(answer, Exception)}
        for at, answer in lacking.items():
            if isinstance(answer, Exception):
                self.gone[at] = f"it did not take what it needs ({type(answer).__name__}: {str(answer)[:200]})"

    def _begin(self, task: _Task) -> None:
        """Gives the device to its host; to another one where that is gone and another phone will do."""
        if task.done or self.work.stop.is_set():
            task.done = True
            return
        if task.phone.address in self.gone:
            self._lost(task)
            return
        digest = task.phone.phone.digest
        task.tried.append(digest)
        directory = self.run.device(task.name)
        if not task.movable and not directory.identity.exists():
            identity_file.write(directory.identity, task.name, task.phone.identity, task.phone.topology())
        part = artefacts.part_of(self.run, task.name, task.plan)
        data = artefacts.packed(part) if set(part.files) - {"device.json"} else b""
        job = Job(manifest=self.kept, device=task.name, phone=digest, abi=self._abi(task), wait_s=self.work.wait_s)
        self.shown[task.name].phase(f"host {task.phone.host}: waiting")
        task.future = self.connection.submit(
            calls.measure, job.model_dump_json(by_alias=True), data, at=task.phone.address,
            resources={f"phone-{digest}": 1},
        )  # fmt: skip
        future = task.future
        future.add_done_callback(lambda _: self.ended.put(task))

    def _abi(self, task: _Task) -> str:
        """Of its program. Raises DeviceError where none that was built fits."""
        device = cast(Device, task.phone)
        self.work.programs.of(device)
        return self.work.programs.abi_of(device)

    def _take(self, task: _Task) -> None:
        """What came back of a device."""
        future = task.future
        if task.done or future is None or not future.done():
            return
        whose = f"{task.name}: host {task.phone.host}"
        try:
            if future.status != "finished":
                self._failed(task, future)
                return
            text, data = _pair(future.result(timeout=_ANSWER_S), whose)
            self._told(task, read(Answer, text, whose), data, whose)
        except HarnessError as error:
            self._fail(task, error)
        except Exception as error:
            self._fail(task, InfrastructureError(f"{whose}: nothing came back ({type(error).__name__}: {error})"))
        finally:
            if task.future is future:
                task.done = True
            future.release()

    def _told(self, task: _Task, answer: Answer, data: bytes, whose: str) -> None:
        try:
            told = SessionOutcome.of_told(task.name, answer.outcome)
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(f"{whose}: what it says of the device is damaged ({error})") from error
        told.messages = [text.replace(answer.folder, str(self.run.path)) for text in told.messages]
        artefacts.take(self.run, task.name, data, whose, task.plan)
        task.outcome.__dict__.update(told.__dict__)
        self.connection.submit(calls.forget, self.kept.run, task.name, at=task.phone.address)
        if answer.stopped and not self.work.stop.is_set():
            self._fail(task, DeviceError(f"host {task.phone.host} was stopped", "what it measured is kept: --resume"))
        self.shown[task.name].finish("stopped" if answer.stopped else "failed" if task.outcome.codes else "done")

    def _failed(self, task: _Task, future: Any) -> None:
        """The host did not get to an answer."""
        error = None if future.status == "cancelled" else future.exception(timeout=_ANSWER_S)
        if isinstance(error, HarnessError):
            raise error
        if error is None or type(error).__name__ in ("KilledWorker", "CommClosedError", "FutureCancelledError"):
            self.connection.workers()  # raises where it is the scheduler that is lost
            self.gone.setdefault(task.phone.address, "it was lost while it measured")
            task.done = False
            self._lost(task)
            return
        raise InfrastructureError(f"host {task.phone.host} failed: {type(error).__name__}: {str(error)[:300]}")

    def _look(self) -> None:
        """At the hosts: who is gone, and what they say of their devices."""
        workers = self.connection.workers()
        at_work = {task.phone.address for task in self.tasks if not task.done}
        self.gone |= self.watch.gone(workers, at_work, time.monotonic())
        for task in self.tasks:
            if task.done:
                continue
            if task.phone.address in self.gone:
                self._lost(task)
                continue
            told = workers[task.phone.address].get("metrics", {}).get(KEY)
            state = told.get(f"{self.kept.run}/{task.name}") if isinstance(told, Mapping) else None
            if isinstance(state, list | tuple) and len(state) == 3:
                self.shown[task.name].told(state[0], f"host {task.phone.host}: {state[1]}", state[2])

    def _lost(self, task: _Task) -> None:
        """Its host is gone: another phone of the model where any will do, else it is kept for --resume."""
        why = self.gone[task.phone.address]
        if task.future is not None:
            self.connection.cancel(task.future)
            task.future = None
        other = self._other(task) if task.movable and not self.work.stop.is_set() else None
        if other is None:
            text = f"host {task.phone.host} is lost: {why}"
            remedy = f"when it is back: harness run --resume {self.run.path}"
            self._fail(task, DeviceError(text, remedy))
            return
        self.shown[task.name].remark(f"host {task.phone.host} is lost ({why}): tried on host {other.host}")
        task.phone = other
        try:
            self._send_files({other.address})
            self._begin(task)
        except HarnessError as error:
            self._fail(task, error)

    def _other(self, task: _Task) -> DescribedPhone | None:
        used = {digest for each in self.tasks for digest in (*each.tried, each.phone.phone.digest)}
        model = slug(task.phone.identity.model)
        free = [
            phone
            for phone in self.phones
            if phone.address not in self.gone
            and phone.phone.digest not in used
            and slug(phone.identity.model) == model
            and not any(PhoneId.of(phone.identity).is_same(PhoneId.of(each.phone.identity)) for each in self.tasks)
        ]
        return free[0] if free else None

    def _stop(self) -> None:
        """Ends the hosts' work in order; what has not begun there does not begin."""
        self.told_to_stop = True
        addresses = {task.phone.address for task in self.tasks if not task.done} - set(self.gone)
        answers = self.connection.ask(calls.stop, dict.fromkeys(addresses, (self.kept.run,)), _ANSWER_S)
        for task in self.tasks:
            at_work = answers.get(task.phone.address)
            if not task.done and isinstance(at_work, list) and task.name not in at_work and not task.future.done():
                self.connection.cancel(task.future)
                task.done, task.outcome.unfinished = True, True
                self.shown[task.name].finish("stopped")

    def _fail(self, task: _Task, error: HarnessError) -> None:
        task.outcome.fail(ExitCode(error.exit_code), str(error))
        self.shown[task.name].finish("failed")
        task.done = True


def _files_of(run: RunDir, kept: Manifest, work: Work) -> dict[str, Path]:
    """What a host needs beside the request, by SHA-256."""
    built = work.programs.by_abi
    files = {str(kept.toolchain[abi]["sha256"]): built[abi].path for abi in built}
    files |= {p.sha256: kept_program(run, abi, p) for o in kept.against for abi, p in o.programs.items()}
    return files | {
        each.sha256[path.name]: path for each in kept.workers for path in map(Path, (each.program, *each.files))
    }


def _has(lacks: object, digest: str) -> bool:
    return isinstance(lacks, list) and digest in lacks


def _pair(value: object, whose: str) -> tuple[object, bytes]:
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], bytes):
        return value[0], value[1]
    raise InfrastructureError(f"{whose}: its answer is none", "have the same version of the harness everywhere")


def _offered(host: Host, answer: object) -> tuple[list[DescribedPhone], list[Unusable]]:
    """What a host offers. Raises InfrastructureError where it is not to be understood."""
    if isinstance(answer, Exception):
        raise InfrastructureError(f"{type(answer).__name__}: {str(answer)[:200]}", "look after that host")
    offer = read(Offer, answer, f"host {host.name}")
    phones = [DescribedPhone(phone, host.name, host.address) for phone in offer.phones]
    for phone in phones:
        phone.identity  # noqa: B018  read, and checked
        phone.topology()
    return phones, [bad.read(host.name) for bad in offer.unusable]


def _stranger(host: Host) -> Unusable:
    state = f"it has version {host.version} of the harness, this is {__version__}"
    return _unusable(host, state, "install the same version on every host and here")


def _unusable(host: Host, state: str, remedy: str) -> Unusable:
    return Unusable(f"host {host.name}", state, remedy, _NOT_FOUND, host.address)


@contextmanager
def lab_run(scheduler: str, certificates: Path | None, say: Say) -> Iterator[LabRun]:
    """A connection to the lab at that scheduler within the block. Raises UsageError, InfrastructureError."""
    address = parse(scheduler)
    with connected(address, security(address, certificates)) as connection:
        yield LabRun(connection, say)
