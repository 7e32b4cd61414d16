"""Runs of many jobs, read: which plan, which shard, which phones, and how much of it was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.devices.phone_id import PhoneId
from harness.errors import UsageError
from harness.farm.artefacts import Found
from harness.measure.request import Request
from harness.measure.run.leftover import unmeasured
from harness.measure.run.manifest import request_of
from harness.store.manifest import Manifest
from harness.store.rundir import RunDir

# What the manifests of one plan have in common. Build ids and devices are looked at apart.
_ASKED = (
    "suite", "policy", "algorithms", "faces", "clusters", "threads", "seed", "aa", "calibration", "confirm", "abi",
)  # fmt: skip


@dataclass(frozen=True)
class Shard:
    """The part of the layers that a job measured: ``index`` from 1 of ``count``; 1 of 1 are all of them."""

    index: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"shard {self.index}/{self.count}"


@dataclass(frozen=True)
class Part:
    """A run of one job."""

    artefact: str
    run: RunDir
    manifest: Manifest
    shard: Shard
    phones: Mapping[str, PhoneId]  # by folder
    silent: Sequence[str]  # devices of which nothing is on record

    @cached_property
    def request(self) -> Request:
        """What was asked, of all shards."""
        return request_of(self.manifest.model_copy(update={"shard": None}), None)

    def left(self, name: str) -> int:
        """How many of its planned jobs a device has not done; of one without a plan more than any."""
        if not self.run.ledger.clusters(name):
            return 1 << 30
        return sum(map(len, unmeasured(self.run, name, self.request).values()))


def read_parts(found: Sequence[Found]) -> tuple[list[Part], list[str]]:
    """The runs, and what is wrong with those that cannot be read, a sentence each.

    Raises UsageError where they are not of one plan.
    """
    parts, wrong = [], []
    for each in found:
        try:
            parts.append(_part(each))
        except _Damaged as damaged:
            wrong.append(f"{each.artefact}: {damaged}")
    for other in parts[1:]:
        _check_same(parts[0], other)
    return parts, wrong


class _Damaged(Exception):
    """Why a run counts as missing."""


def _part(found: Found) -> Part:
    run = RunDir(found.path)
    try:
        raw = json.loads((found.path / "manifest.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        raise _Damaged("its manifest.json is cut short or damaged") from None
    manifest = run.manifest()
    phones, silent = {}, []
    for name in manifest.devices:
        phone = _phone(run, name)
        if phone is None:
            silent.append(name)
        else:
            phones[name] = phone
    return Part(found.artefact, run, manifest, _shard(raw, found.artefact), phones, silent)


def _phone(run: RunDir, name: str) -> PhoneId | None:
    try:
        return PhoneId.from_json(json.loads(run.device(name).identity.read_bytes())["identity"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _shard(manifest: Mapping[str, Any], artefact: str) -> Shard:
    value = manifest.get("shard")
    if value is None:
        return Shard()
    index, count = (value.get(key) if isinstance(value, dict) else None for key in ("index", "count"))
    if type(index) is not int or type(count) is not int or not 1 <= index <= count:
        raise UsageError(f"{artefact}: manifest.json is damaged: shard", "get it again from the service")
    return Shard(index, count)


def _check_same(one: Part, other: Part) -> None:
    """Raises UsageError where two runs are not of one plan: what differs."""
    ours, theirs = (part.manifest.model_dump(mode="json") for part in (one, other))
    differs = [key for key in _ASKED if ours.get(key) != theirs.get(key)]
    if _workers(one.manifest) != _workers(other.manifest):
        differs.append("workers")
    if _builds(one.manifest) != _builds(other.manifest):
        differs.append("against")
    for abi in ours["toolchain"].keys() & theirs["toolchain"].keys():
        if one.manifest.build_id(abi) != other.manifest.build_id(abi):
            differs.append(f"convbench of {abi}")
    if one.shard.count != other.shard.count:
        differs.append(f"{one.shard.count} and {other.shard.count} shards")
    elif (digests := [(part["shard"] or {}).get("plan") for part in (ours, theirs) if part.get("shard")])[1:]:
        differs += ["the plan of the shards"] * (digests[0] != digests[1] and not differs)
    if differs:
        raise UsageError(
            f"{one.artefact} and {other.artefact} are of two different plans: {', '.join(differs)}",
            "collect what one recipe's jobs left, and put the rest elsewhere",
        )


def _workers(manifest: Manifest) -> list[tuple[str, Mapping[str, str]]]:
    """Without their paths, which differ from host to host."""
    return [(worker.name, worker.sha256) for worker in manifest.workers]


def _builds(manifest: Manifest) -> list[tuple[str, Mapping[str, str]]]:
    return [
        (other.name, {abi: program.build_id for abi, program in other.programs.items()}) for other in manifest.against
    ]
