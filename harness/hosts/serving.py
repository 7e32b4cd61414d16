"""A host at its scheduler: a Dask worker in this process, registered again whenever the scheduler is back."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from typing import Any

from harness import __version__
from harness.errors import HarnessError, InfrastructureError
from harness.hosts import spool
from harness.hosts.address import Address, check_listening, is_loopback
from harness.hosts.bench import Bench, Say
from harness.hosts.calls import ATTRIBUTE
from harness.hosts.engine import distributed
from harness.hosts.schema import VERSION
from harness.hosts.sources import sources_digest
from harness.paths import state_folder

KEY = "harness"  # of what a worker tells of itself at the scheduler
_THREADS = 512  # devices at work at the same time; each waits most of its time
_LOOK_S, _TURN_S, _AGAIN_S = 10.0, 0.5, 5.0
_TAKEN_S = 60.0  # that a front end has for taking what a host that ends has measured
_CONNECT_S = 10.0
# Dask serves pages over plain HTTP beside the encrypted port, on all interfaces if it is not told otherwise, and
# --no-dashboard only leaves some of them out.
_PAGES = "127.0.0.1:0"
START_SCHEDULER = f"dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard --dashboard-address {_PAGES}"


def serve(bench: Bench, address: Address, security: Any, stop: threading.Event, say: Say) -> None:
    """Offers the phones until ``stop`` is set, and what was at work has ended in order.

    Raises InfrastructureError where no scheduler answers at first; one that goes away later is waited for.
    """
    sources_digest()  # as they were read when this process began, not as they are when somebody asks
    spool.clear_old()
    bench.content.clear_old()
    asyncio.run(_serve(bench, address, security, stop, say))


async def _serve(bench: Bench, address: Address, security: Any, stop: threading.Event, say: Say) -> None:
    await asyncio.to_thread(bench.look)
    await check_scheduler(address, security)
    while not stop.is_set():
        worker = _worker(bench, address, security)
        try:
            async with asyncio.timeout(6 * _CONNECT_S):
                await worker
        except (OSError, TimeoutError, RuntimeError) as error:
            say(f"the scheduler at {address} does not take this host: {error or type(error).__name__}")
        else:
            say(f"{bench.name}: {len(bench.offer().phones)} phones offered at {address}")
            await _registered(bench, worker, stop, say)
        finally:
            bench.stop_all()  # at once: closing waits for a while for what is at work
            await worker.close(timeout=5, executor_wait=False, nanny=False)
        if not stop.is_set():
            say(f"{bench.name}: cut off from {address}: what was at work is ended in order; trying again")
            await _idle(bench)
            bench.begin_again()
            await _back(address, security, stop)


async def _registered(bench: Bench, worker: Any, stop: threading.Event, say: Say) -> None:
    """Returns when the scheduler is gone, or ``stop`` is set and all that was at work has ended and is taken."""
    looked, ending_since = time.monotonic(), 0.0
    offered = bench.resources
    while worker.status.name in ("running", "paused", "init"):
        for each in bench.active:
            task = worker.state.tasks.get(each.key)
            if task is None or task.state in ("cancelled", "released", "forgotten"):
                each.stop.set()  # nobody waits for it any more
        if stop.is_set():
            bench.stop_all()
            ending_since = ending_since or time.monotonic()
            if not bench.active and (not worker.state.tasks or time.monotonic() > ending_since + _TAKEN_S):
                return
        elif time.monotonic() > looked + _LOOK_S:
            looked = time.monotonic()
            try:
                await asyncio.to_thread(bench.look)
            except HarnessError as error:
                say(f"{bench.name}: {error.message}")
            if bench.resources != offered:
                gone = dict.fromkeys(offered.keys() - bench.resources.keys(), 0.0)
                offered = bench.resources
                await worker.set_resources(**gone, **offered)
                say(f"{bench.name}: {len(bench.offer().phones)} phones offered")
        await asyncio.sleep(_TURN_S)


async def _idle(bench: Bench) -> None:
    bench.stop_all()
    while bench.active:
        await asyncio.sleep(_TURN_S)


async def _back(address: Address, security: Any, stop: threading.Event) -> None:
    """Waits until the scheduler answers."""
    while not stop.is_set():
        try:
            await check_scheduler(address, security)
            return
        except InfrastructureError:
            await asyncio.sleep(_AGAIN_S)


def _worker(bench: Bench, address: Address, security: Any) -> Any:
    module = distributed("harness host", "distributed.worker")
    worker = module.Worker(
        str(address),
        name=f"{bench.name}-{secrets.token_hex(4)}",  # a host that comes back is another worker
        nthreads=_THREADS,
        resources=bench.resources,
        security=security,
        memory_limit=0,
        dashboard=False,
        dashboard_address=_PAGES,
        local_directory=str(state_folder("hosts/dask")),
        host="127.0.0.1" if is_loopback(address.host) else None,
        metrics={**module.DEFAULT_METRICS, KEY: lambda _: bench.progress()},
        startup_information={
            **module.DEFAULT_STARTUP_INFORMATION,
            KEY: lambda _: _about(bench),
        },
    )
    setattr(worker, ATTRIBUTE, bench)
    return worker


def _about(bench: Bench) -> dict[str, Any]:
    """What front ends are told of this host."""
    return {"version": __version__, "schema": VERSION, "name": bench.name, "sources": sources_digest()}


async def check_scheduler(address: Address, security: Any) -> None:
    """Raises InfrastructureError where no scheduler answers there, UsageError where one listens to everybody."""
    core = distributed("--scheduler", "distributed.core")
    arguments = {} if security is None else security.get_connection_args("worker")
    try:
        async with core.rpc(str(address), timeout=_CONNECT_S, connection_args=arguments) as scheduler:
            identity = await asyncio.wait_for(scheduler.identity(n_workers=0), _CONNECT_S)
    except Exception as error:
        raise no_scheduler(address, error) from error
    check_listening(str(identity.get("address")))


def no_scheduler(address: Address, error: BaseException) -> InfrastructureError:
    """What is to be said where a connection failed of ``error``."""
    words: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(words) < 8:
        words.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    told = " ".join(words)
    if any(mark in told for mark in ("CERTIFICATE", "certificate", "SSL", "TLS", "UNKNOWN_CA", "ALERT")):
        return InfrastructureError(
            f"the scheduler at {address} and this machine do not accept each other's certificates",
            "both have to be of one authority (docs/hosts.md): name this machine's folder with --certificates DIR",
        )
    maybe = ", or it takes no certificate of this authority" if address.is_encrypted else ""
    return InfrastructureError(
        f"no scheduler answers at {address}{maybe}",
        f"start one: {START_SCHEDULER} (docs/hosts.md)",
    )
