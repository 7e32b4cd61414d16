"""What a front end has a host do: the functions that travel, by their names alone, with checked values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.hosts.engine import distributed

if TYPE_CHECKING:
    from harness.hosts.bench import Bench

ATTRIBUTE = "harness_bench"  # of the Dask worker


def topic(run: str) -> str:
    """Where remarks of a run's devices are told."""
    return f"harness-{run}"


def offer() -> str:
    """The host's phones, as JSON of an Offer."""
    return _bench().offer().model_dump_json()


def lacks(digests: list[str]) -> list[str]:
    """Which of these files the host has not."""
    return _bench().content.lacks(digests)


def take(digest: str, data: bytes) -> None:
    """Keeps a file."""
    _bench().content.take(digest, data)


def lacks_for_workers(question: str) -> str:
    """Which phones of the host cannot run workers, as JSON of Lacks."""
    return _bench().lacks_for_workers(question)


def measure(job: str, data: bytes) -> tuple[str, bytes]:
    """Measures one device; see Bench.measure."""
    worker: Any = distributed().get_worker()
    run = topic(_run_of(job))
    return _bench().measure(job, data, str(worker.get_current_task()), lambda text: worker.log_event(run, text))


def at_work(run: str) -> list[str]:
    """The devices that are at work for a run."""
    return [each.device for each in _bench().active if each.run == run]


def stop(run: str) -> list[str]:
    """Ends the work of a run in order; the devices that are at work for it."""
    return _bench().stop(run)


def forget(run: str, device: str) -> None:
    """The front end has all that was measured of that device."""
    from harness.hosts.spool import forget as forget_spool  # noqa: PLC0415  front ends do not need it

    forget_spool(run, device)


def _bench() -> Bench:
    bench: Bench = getattr(distributed().get_worker(), ATTRIBUTE)
    return bench


def _run_of(job: str) -> str:
    from harness.hosts.schema import Job, read  # noqa: PLC0415

    return read(Job, job, "a front end").manifest.run
