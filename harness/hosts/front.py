"""A front end's run on the hosts of a lab: which phones there are, and each device's part from its host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from harness import __version__
from harness.devices.base import Attached, Unusable
from harness.errors import InfrastructureError, NoDeviceError
from harness.hosts import artefacts, calls
from harness.hosts.address import parse
from harness.hosts.choosing import attached, choose, distinct
from harness.hosts.connection import Connection, connected
from harness.hosts.described import DescribedPhone
from harness.hosts.dispatch import Dispatch, Task
from harness.hosts.schema import Offer, read
from harness.hosts.security import security
from harness.hosts.sources import sources_digest
from harness.hosts.watch import Host, Watch
from harness.measure.called import Named
from harness.measure.context import Say, Work
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.store.manifest import KeptScheduler
from harness.store.rundir import RunDir

_ANSWER_S = 30.0
_NOT_FOUND = ("NOT_READY",)


class LabRun:
    """Of one command; what it needs of a lab's hosts (harness.measure.run.elsewhere.Elsewhere)."""

    def __init__(self, connection: Connection, say: Say, certificates: Path | None = None) -> None:
        self._connection = connection
        self._say = say
        self._certificates = certificates
        self._phones: list[DescribedPhone] = []
        self._watch = Watch()
        self.portable: Sequence[str] = ()

    @property
    def scheduler(self) -> KeptScheduler:
        """Where it is, and with which certificates it is reached."""
        folder = None if self._certificates is None else str(self._certificates.resolve())
        return KeptScheduler(address=str(self._connection.address), certificates=folder)

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
        Dispatch(self._connection, self._say, self._phones, self._watch, run, kept, work, tasks, shown).to_its_end()
        return [task.outcome for task in tasks]


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
