"""A front end's connection to a scheduler, and calls of the hosts there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from harness.errors import HarnessError, InfrastructureError
from harness.hosts.address import Address
from harness.hosts.engine import distributed
from harness.hosts.serving import check_scheduler, no_scheduler
from harness.hosts.watch import SILENCE_S, Host

_INFO_S = 10.0


class NoAnswer(InfrastructureError):
    """The scheduler did not answer this time; it may the next time."""


class Connection:
    """To one scheduler."""

    def __init__(self, client: Any, address: Address) -> None:
        self._client = client
        self.address = address

    def workers(self) -> dict[str, dict[str, Any]]:
        """All that the scheduler knows of its workers now, by address.

        Raises NoAnswer where it gives none now, InfrastructureError where the connection to it is lost for good.
        """
        client = self._client
        if client.status == "connecting":
            raise NoAnswer(f"the scheduler at {self.address} does not answer", "see that it is up, then --resume")
        if client.status != "running":
            raise InfrastructureError(f"the scheduler at {self.address} is away", "start it again, then --resume")
        try:
            found = client.sync(client.scheduler.identity, n_workers=-1, callback_timeout=_INFO_S)
        except Exception as error:
            raise NoAnswer(
                f"the scheduler at {self.address} does not answer any more ({type(error).__name__})",
                "see that it is up, then --resume",
            ) from error
        return dict(found["workers"])

    def hosts(self) -> list[Host]:
        """The hosts there are, by name."""
        found = [Host.of(address, worker) for address, worker in self.workers().items()]
        return sorted((host for host in found if host is not None), key=lambda host: (host.name, host.address))

    def submit(
        self, function: Callable[..., Any], *arguments: object, at: str, resources: Mapping[str, float] | None = None
    ) -> Any:
        """Has one host do something; its future."""
        return self._client.submit(
            function, *arguments, workers=[at], allow_other_workers=False, resources=resources, pure=False, retries=0
        )

    def ask(
        self, function: Callable[..., Any], calls: Mapping[str, Sequence[object]], seconds: float
    ) -> dict[str, Any]:
        """What each of these hosts answers, an exception where it does not in time. ``calls``: arguments by address."""
        until = time.monotonic() + seconds
        futures = {at: self.submit(function, *arguments, at=at) for at, arguments in calls.items()}
        found: dict[str, Any] = {}
        for at, future in futures.items():
            try:
                found[at] = future.result(timeout=max(0.1, until - time.monotonic()))
            except Exception as error:
                found[at] = error
                self.cancel(future)
        return found

    def listen(self, topic: str, say: Callable[[str], None]) -> None:
        """Remarks on a topic."""
        self._client.subscribe_topic(topic, lambda event: say(str(event[1])[:2000]))

    def cancel(self, *futures: Any) -> None:
        """Nobody waits for these any more."""
        with suppress(Exception):
            self._client.cancel(list(futures), asynchronous=False)


@contextmanager
def connected(address: Address, security: Any) -> Iterator[Connection]:
    """Raises InfrastructureError where no scheduler answers there, or a certificate is refused."""
    with ThreadPoolExecutor(1) as pool:  # a loop of its own
        pool.submit(asyncio.run, check_scheduler(address, security)).result()
    try:
        client = distributed().Client(  # timeout: also for connecting again when the connection breaks
            str(address), security=security, timeout=SILENCE_S, set_as_default=False, heartbeat_interval=5000
        )
    except HarnessError:
        raise
    except Exception as error:
        raise no_scheduler(address, error) from error
    try:
        yield Connection(client, address)
    finally:
        with suppress(Exception):
            client.close(timeout=5)


def reasons(answers: Mapping[str, Any], hosts: Collection[Host]) -> dict[str, str]:
    """Of hosts that answered with an exception: which, by address."""
    return {
        host.address: f"{type(answer).__name__}: {str(answer)[:200]}"
        for host in hosts
        if isinstance(answer := answers.get(host.address), Exception)
    }
