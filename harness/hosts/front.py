"""A front end's run on the hosts of a lab: which phones there are, and each device's part from its host."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from harness import __version__
from harness.devices.base import Attached, Device, Key, Unusable
from harness.devices.discovery import ALL
from harness.errors import DeviceError, InfrastructureError, NoDeviceError
from harness.hosts import artefacts, calls
from harness.hosts.address import parse
from harness.hosts.choosing import attached, choose, distinct
from harness.hosts.connection import Connection, NoAnswer, connected
from harness.hosts.described import DescribedPhone
from harness.hosts.dispatch import Dispatch, Task
from harness.hosts.schema import Lacks, Offer, WorkerQuestion, read
from harness.hosts.security import security
from harness.hosts.sources import sources_digest
from harness.hosts.watch import Host, Watch
from harness.measure.called import Named
from harness.measure.context import Newcomers, Say, Work
from harness.measure.fitness import Read
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.store.manifest import KeptScheduler
from harness.store.rundir import RunDir

_ANSWER_S = 30.0
_JOIN_S = 5.0  # between two looks for phones that join: the scheduler is asked, and hosts with new ones
_NOT_FOUND = ("NOT_READY",)


class LabRun:
    """Of one command; what it needs of a lab's hosts (harness.measure.run.elsewhere.Elsewhere)."""

    def __init__(self, connection: Connection, say: Say, certificates: Path | None = None) -> None:
        self._connection = connection
        self._say = say
        self._certificates = certificates
        self._phones: list[DescribedPhone] = []
        self._watch = Watch()
        self._seen: frozenset[str] = frozenset()  # digests of phones that hosts offered when they were asked last
        self._looked = 0.0  # when newcomers were looked for last
        self.portable: Sequence[str] = ()

    @property
    def scheduler(self) -> KeptScheduler:
        """Where it is, and with which certificates it is reached."""
        folder = None if self._certificates is None else str(self._certificates.resolve())
        return KeptScheduler(address=str(self._connection.address), certificates=folder)

    def hosts(self) -> list[Host]:
        """Those that are there now, by name. Raises InfrastructureError."""
        return self._connection.hosts()

    def why_not(self, devices: Sequence[Device], read_files: Read) -> list[DeviceError | None]:
        """As Elsewhere has it; of a host that gives no answer its sessions will tell."""
        phones = cast(Sequence[DescribedPhone], devices)
        calls_by_host: dict[str, Sequence[object]] = {}
        for address in {phone.address for phone in phones}:
            digests = [phone.phone.digest for phone in phones if phone.address == address]
            calls_by_host[address] = (WorkerQuestion.of(digests, read_files).model_dump_json(),)
        answers = self._connection.ask(calls.lacks_for_workers, calls_by_host, _ANSWER_S)
        found: dict[tuple[str, str], DeviceError] = {}
        for address, answer in answers.items():
            if not isinstance(answer, Exception):
                lacks = read(Lacks, answer, f"host {address}").phones
                found |= {(address, each): DeviceError(lack.message, lack.remedy) for each, lack in lacks.items()}
        return [found.get((phone.address, phone.phone.digest)) for phone in phones]

    def newcomers_of(self, wanted: Sequence[str]) -> Newcomers | None:
        """``newcomers``, where --device says that all phones are meant."""
        return self.newcomers if ALL in wanted else None

    def _hosts_of_two_tries(self) -> list[Host]:
        try:
            return self.hosts()
        except NoAnswer as error:
            self._say(f"{error.message}; asked again")
            return self.hosts()

    def _offers(self, hosts: Sequence[Host]) -> dict[str, Any]:
        """What each host answers; one that is busy, or slow to be reached, is asked twice."""
        answers = self._connection.ask(calls.offer, {host.address: () for host in hosts}, _ANSWER_S / 2)
        silent = [host for host in hosts if isinstance(answers[host.address], Exception)]
        for host in silent:
            self._say(f"host {host.name}: no answer yet ({_words(answers[host.address])}); asked again")
        if silent:
            answers |= self._connection.ask(calls.offer, {host.address: () for host in silent}, _ANSWER_S)
        return answers

    def newcomers(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        """Phones that hosts offer by now and did not before: of hosts that have joined, or that were attached there."""
        if time.monotonic() < self._looked + _JOIN_S:
            return Attached()
        self._looked = time.monotonic()
        offering = [host for host in self._connection.hosts() if host.fits and not host.phones <= self._seen]
        answers = self._connection.ask(calls.offer, {host.address: () for host in offering}, _JOIN_S)
        found: list[DescribedPhone] = []
        for host in offering:
            with suppress(InfrastructureError):
                found += _offered(host, answers[host.address])[0]
                self._seen |= host.phones
        new = [phone for phone in distinct([*self._phones, *found]) if phone not in self._phones]
        self._phones += new
        return Attached(devices=cast(tuple[Device, ...], tuple(new)))

    def find(self, wanted: Sequence[str]) -> Attached:
        """The phones that --device means; ``portable`` says in whose place others will do.

        Raises NoDeviceError where there is no host or no such phone, UsageError, InfrastructureError.
        """
        hosts = self._hosts_of_two_tries()
        if not hosts:
            address = self._connection.address
            raise NoDeviceError(f"no host is at the scheduler {address}", f"harness host --scheduler {address}")
        strangers = [host for host in hosts if not host.fits]
        unusable = [_stranger(host) for host in strangers]
        fitting = [host for host in hosts if host.fits]
        answers = self._offers(fitting)
        found: list[DescribedPhone] = []
        for host in fitting:
            try:
                phones, bad = _offered(host, answers[host.address])
                found += phones
                unusable += bad
            except InfrastructureError as error:
                unusable.append(_unusable(host, f"it tells of no phones: {error.message}", error.remedy))
        self._phones = distinct(found)
        self._seen = frozenset(phone.phone.digest for phone in found)
        self._looked = time.monotonic()
        for stranger in unusable[: len(strangers)]:
            self._say(f"{stranger.serial}: {stranger.state}")
        if strangers and not self._phones:
            names = "; ".join(f"{each.serial}: {each.state}" for each in unusable)
            raise InfrastructureError(f"no host can be used: {names}", unusable[0].remedy)
        chosen = choose(wanted, self._phones)
        self.portable = chosen.names_of_portable
        return attached(chosen, unusable, wanted)

    def measure(
        self,
        run: RunDir,
        devices: Sequence[Named],
        work: Work,
        shown: Mapping[str, DeviceProgress],
        joining: Callable[[], Sequence[Named]],
    ) -> list[SessionOutcome]:
        """As Elsewhere has it."""
        kept = run.manifest()
        plans = artefacts.plans_by_device(run)
        tasks = [
            Task(
                name,
                cast(DescribedPhone, device),
                name in kept.portable and not run.device(name).identity.exists(),
                SessionOutcome(name),
                plans.get(name, b""),
            )
            for name, device in devices
        ]
        dispatch = Dispatch(
            self._connection, self._say, self._phones, self._watch, run, kept, work, tasks, shown, joining
        )
        dispatch.to_its_end()
        return [task.outcome for task in tasks]


def _offered(host: Host, answer: object) -> tuple[list[DescribedPhone], list[Unusable]]:
    """What a host offers. Raises InfrastructureError where it is not to be understood."""
    if isinstance(answer, Exception):
        raise InfrastructureError(_words(answer), "look after that host")
    offer = read(Offer, answer, f"host {host.name}")
    phones = [DescribedPhone(phone, host.name, host.address) for phone in offer.phones]
    for phone in phones:
        phone.identity  # noqa: B018  read, and checked
        phone.topology()
    return phones, [bad.read(host.name) for bad in offer.unusable]


def _words(error: Exception) -> str:
    """Of a call that gave no answer."""
    if isinstance(error, TimeoutError):
        return "it is up, and gives no answer in time"
    return f"{type(error).__name__}: {str(error)[:200]}"


def _stranger(host: Host) -> Unusable:
    state = f"it has version {host.version} of the harness, this is {__version__}"
    if host.version == __version__:
        state = (
            f"its harness has the sources {host.sources[:12] or 'of an older one'}, this one {sources_digest()[:12]}"
        )
    return _unusable(host, state, "have the same version on every host and here, of one commit, and start hosts again")


def _unusable(host: Host, state: str, remedy: str) -> Unusable:
    return Unusable(f"host {host.name}", state, remedy, _NOT_FOUND, host.address)


@contextmanager
def lab_run(scheduler: str, certificates: Path | None, say: Say) -> Iterator[LabRun]:
    """A connection to the lab at that scheduler within the block. Raises UsageError, InfrastructureError."""
    address = parse(scheduler)
    with connected(address, security(address, certificates)) as connection:
        yield LabRun(connection, say, certificates)
