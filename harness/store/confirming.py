"""Which launches of a run are a second look at what was slower in the first one: events that tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.store.journal import EventLog

CONFIRMING = "confirming"  # an event: of a cluster, by layer, the first fresh launch and how many there are


class Fresh(NamedTuple):
    """Launches from ``first`` to before ``end``."""

    first: int
    end: int


def note_fresh(events: EventLog, cluster: str, launches: Mapping[str, Fresh]) -> None:
    """Writes down what is to be measured again on a cluster."""
    value = {layer: [fresh.first, fresh.end - fresh.first] for layer, fresh in launches.items()}
    events.add(CONFIRMING, cluster=cluster, launches=value)


def fresh_launches(events: EventLog) -> dict[tuple[str, str], Fresh]:
    """By cluster and layer; what is no such event is left out. There is one look: the first that was noted stands."""
    found: dict[tuple[str, str], Fresh] = {}
    for event in events.named(CONFIRMING):
        launches = event.get("launches")
        for layer, value in launches.items() if isinstance(launches, dict) else ():
            if isinstance(value, list) and len(value) == 2 and all(type(n) is int and n >= 0 for n in value):
                found.setdefault((str(event.get("cluster")), layer), Fresh(value[0], value[0] + value[1]))
    return found
