"""The devices of a run at their hosts: given to them, followed, taken back; what becomes of those of a lost host."""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError, InfrastructureError
from harness.exit_codes import ExitCode
from harness.hosts import artefacts, calls
from harness.hosts.connection import Connection, NoAnswer
from harness.hosts.described import DescribedPhone
from harness.hosts.schema import Answer, Job, read
from harness.hosts.serving import KEY
from harness.hosts.watch import Watch
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
_BEGIN_S = 10.0  # that a host has for beginning with a phone that nobody else has
_TRIES = 5  # how often a device is given to its host, where the connection to the scheduler breaks
_FORGET_S = 10.0  # that hosts have, at the end, for removing what has come back


@dataclass
class Task:
    """A device at its host."""

    name: str
    phone: DescribedPhone
    movable: bool  # any other phone of the model will do
    outcome: SessionOutcome
    plan: bytes = b""  # its lines of plan.jsonl before
    future: Any = None
    given: float = 0.0  # when it was given to its host
    times: int = 0  # how often it was
    begun: bool = False  # there
    tried: list[str] = field(default_factory=list)  # digests of phones
    done: bool = False


@dataclass
class Dispatch:
    """The devices of one call of ``measure``."""

    connection: Connection
    say: Say
    phones: Sequence[DescribedPhone]
    watch: Watch
    run: RunDir
    kept: Manifest
    work: Work
    tasks: list[Task]
    shown: Mapping[str, DeviceProgress]
    joining: Callable[[], Sequence[Named]] = lambda: ()
    gone: dict[str, str] = field(default_factory=dict)  # hosts, by address: why
    ended: queue.SimpleQueue[Task] = field(default_factory=queue.SimpleQueue)
    told_to_stop: bool = False
    silent_since: float | None = None  # when the scheduler did not answer first, since it did last
    forgetting: list[Any] = field(default_factory=list)  # futures: the one that is dropped may never run

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
                    if not self.work.stop.is_set():
                        self._join()
        except Exception as error:  # a fault of ours must not cost what has come back
            if not isinstance(error, HarnessError):
                traceback.print_exc()
                error = InfrastructureError(f"{type(error).__name__}: {error}")
            left = [task for task in self.tasks if not task.done]
            self.connection.cancel(*(task.future for task in left if task.future is not None))
            for task in left:
                self._fail(task, error)
        finally:
            self._wait_for_forgetting()

    def _wait_for_forgetting(self) -> None:
        """Where one does not come to it, its host keeps the files for a while, that is all."""
        until = time.monotonic() + _FORGET_S
        while not all(future.done() for future in self.forgetting) and time.monotonic() < until:
            time.sleep(0.05)

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

    def _begin(self, task: Task) -> None:
        """Gives the device to its host; to another one where that is gone and another phone will do."""
        if self.work.stop.is_set() and not task.done:
            self._leave(task)
        if task.done:
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
        task.given, task.times, task.begun = time.monotonic(), task.times + 1, False
        task.future = self.connection.submit(
            calls.measure, job.model_dump_json(by_alias=True), data, at=task.phone.address,
            resources={f"phone-{digest}": 1},
        )  # fmt: skip
        future = task.future
        future.add_done_callback(lambda _: self.ended.put(task))

    def _abi(self, task: Task) -> str:
        """Of its program. Raises DeviceError where none that was built fits."""
        device = cast(Device, task.phone)
        self.work.programs.of(device)
        return self.work.programs.abi_of(device)

    def _take(self, task: Task) -> None:
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

    def _told(self, task: Task, answer: Answer, data: bytes, whose: str) -> None:
        try:
            told = SessionOutcome.of_told(task.name, answer.outcome)
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(f"{whose}: what it says of the device is damaged ({error})") from error
        told.messages = [self._said_here(text, answer.folder) for text in told.messages]
        artefacts.take(self.run, task.name, data, whose, task.plan)
        task.outcome.__dict__.update(told.__dict__)
        self.forgetting.append(self.connection.submit(calls.forget, self.kept.run, task.name, at=task.phone.address))
        if answer.stopped and not self.work.stop.is_set():
            self._fail(task, DeviceError(f"host {task.phone.host} was stopped", "what it measured is kept: --resume"))
        self.shown[task.name].finish("stopped" if answer.stopped else "failed" if task.outcome.codes else "done")

    def _said_here(self, text: str, folder: str) -> str:
        """A host's message, about the run directory here instead of its ``folder``."""
        text = text.replace(f"harness run --resume {folder}", self.run.resume_command())
        return text.replace(folder, str(self.run.path))

    def _failed(self, task: Task, future: Any) -> None:
        """The host did not get to an answer."""
        error = None if future.status == "cancelled" else future.exception(timeout=_ANSWER_S)
        if isinstance(error, HarnessError):
            raise error
        if error is None or type(error).__name__ in ("KilledWorker", "CommClosedError", "FutureCancelledError"):
            task.future = None  # the next look tells whether the host is gone, or the connection broke
            return
        raise InfrastructureError(f"host {task.phone.host} failed: {type(error).__name__}: {str(error)[:300]}")

    def _workers(self) -> Mapping[str, Mapping[str, Any]] | None:
        """What the scheduler knows of its workers; None where it does not answer, which is borne for a while.

        Raises InfrastructureError where it has not answered for long.
        """
        try:
            found = self.connection.workers()
        except NoAnswer:
            now = time.monotonic()
            if self.silent_since is None:
                self.silent_since = now
            if now - self.silent_since >= self.watch.silence_s:
                raise
            return None
        if self.silent_since is not None:
            self.silent_since = None
            self.watch.begin_again(time.monotonic())
        return found

    def _look(self) -> None:
        """At the hosts: who is gone, and what they say of their devices."""
        workers = self._workers()
        if workers is None:
            return
        at_work = {task.phone.address for task in self.tasks if not task.done}
        self.gone |= self.watch.gone(workers, at_work, time.monotonic())
        for task in self.tasks:
            if task.done:
                continue
            if task.phone.address in self.gone:
                self._lost(task)
                continue
            if task.future is None:
                self._give_again(task)
                continue
            told = workers[task.phone.address].get("metrics", {}).get(KEY)
            state = told.get(f"{self.kept.run}/{task.name}") if isinstance(told, Mapping) else None
            if isinstance(state, list | tuple) and len(state) == 3:
                task.begun = True
                self.shown[task.name].told(state[0], f"host {task.phone.host}: {state[1]}", state[2])
        self._drop_waiting()

    def _join(self) -> None:
        """Phones that hosts offer by now are given to them too."""
        joined = self.joining()
        if not joined:
            return
        self.kept = self.run.manifest()  # it names them
        tasks = [Task(name, cast(DescribedPhone, device), False, SessionOutcome(name)) for name, device in joined]
        self.tasks += tasks
        self._send_files({task.phone.address for task in tasks})
        for task in tasks:
            try:
                self._begin(task)
            except HarnessError as error:
                self._fail(task, error)

    def _give_again(self, task: Task) -> None:
        """The connection broke: hosts have ended the work of who was away, and go on from what they have measured."""
        try:
            if task.times >= _TRIES:
                raise InfrastructureError(
                    f"the connection to the scheduler broke {task.times} times", "see to the network, then --resume"
                )
            self._begin(task)
        except HarnessError as error:
            self._fail(task, error)

    def _drop_waiting(self) -> None:
        """Devices that did not begin within --wait: somebody else has the phone."""
        now, wait_s = time.monotonic(), max(self.work.wait_s, _BEGIN_S)
        late = [task for task in self.tasks if not (task.done or task.begun) and now > task.given + wait_s]
        if not late:
            return
        answers = self.connection.ask(calls.at_work, {task.phone.address: (self.kept.run,) for task in late}, _ANSWER_S)
        for task in late:
            begun = answers[task.phone.address]
            if not isinstance(begun, list) or task.future is None or task.future.done():
                continue
            task.begun = task.name in begun
            if not task.begun:
                self.connection.cancel(task.future)
                text = f"host {task.phone.host} did not begin in {now - task.given:.0f} s: another run has the phone"
                self._fail(task, DeviceError(text, "wait for it with --wait S, or until that run has ended"))

    def _lost(self, task: Task) -> None:
        """Its host is gone: another phone of the model where any will do, else it is kept for --resume."""
        why = self.gone[task.phone.address]
        if task.future is not None:
            self.connection.cancel(task.future)
            task.future = None
        other = self._other(task) if task.movable and not self.work.stop.is_set() else None
        if other is None:
            text = f"host {task.phone.host} is lost: {why}"
            remedy = f"when it is back: {self.run.resume_command()}"
            self._fail(task, DeviceError(text, remedy))
            return
        self.shown[task.name].remark(f"host {task.phone.host} is lost ({why}): tried on host {other.host}")
        task.phone = other
        try:
            self._send_files({other.address})
            self._begin(task)
        except HarnessError as error:
            self._fail(task, error)

    def _other(self, task: Task) -> DescribedPhone | None:
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
            if task.done or (task.future is not None and task.future.done()):
                continue
            if task.future is None or (isinstance(at_work, list) and task.name not in at_work):
                self._leave(task)

    def _leave(self, task: Task) -> None:
        """It was told to end before the device has begun."""
        if task.future is not None:
            self.connection.cancel(task.future)
        task.done, task.outcome.unfinished = True, True
        self.shown[task.name].finish("stopped")

    def _fail(self, task: Task, error: HarnessError) -> None:
        task.outcome.fail(ExitCode(error.exit_code), str(error))
        self.shown[task.name].finish("failed")
        task.done = True


def _files_of(run: RunDir, kept: Manifest, work: Work) -> dict[str, Path]:
    """What a host needs beside the request, by SHA-256."""
    built = work.programs.by_abi
    files = {str(kept.toolchain[abi]["sha256"]): built[abi].path for abi in built}
    files |= {p.sha256: kept_program(run, abi, p) for o in kept.against for abi, p in o.programs.items()}
    workers = [*kept.workers, *(one for each in kept.comparators for one in each.by_abi.values() if not one.lack)]
    return files | {each.sha256[path.name]: path for each in workers for path in map(Path, (each.program, *each.files))}


def _has(lacks: object, digest: str) -> bool:
    return isinstance(lacks, list) and digest in lacks


def _pair(value: object, whose: str) -> tuple[object, bytes]:
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], bytes):
        return value[0], value[1]
    raise InfrastructureError(f"{whose}: its answer is none", "have the same version of the harness everywhere")
