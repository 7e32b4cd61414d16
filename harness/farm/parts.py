"""Runs of many jobs, read: which plan, which shard, which phones, and how much of it was measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.devices.phone_id import PhoneId
from harness.errors import HarnessError, UsageError
from harness.farm.artefacts import Found
from harness.measure.request import Request
from harness.measure.run.leftover import unmeasured
from harness.measure.run.manifest import request_of
from harness.store.manifest import Manifest
from harness.store.rundir import RunDir

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")  # of a suite
# What the manifests of one plan have in common. Build ids and devices are looked at apart.
_ASKED = (
    "suite", "policy", "algorithms", "faces", "clusters", "threads", "seed", "aa", "calibration", "confirm", "abi",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A run of one job."""

    artefact: str
    run: RunDir
    manifest: Manifest
    phones: Mapping[str, PhoneId]  # by folder
    silent: Sequence[str]  # devices of which nothing is on record

    @property
    def index(self) -> int:
        """Which shard of the layers it measured, from 1 to ``count``."""
        return 1 if self.manifest.shard is None else self.manifest.shard.index

    @property
    def count(self) -> int:
        """Into how many shards the layers are divided; 1: it measured all of them."""
        return 1 if self.manifest.shard is None else self.manifest.shard.count

    @cached_property
    def request(self) -> Request:
        """What was asked, of all shards."""
        return request_of(self.manifest.model_copy(update={"shard": None}), None)

    def left(self, name: str) -> int:
        """How many of its planned jobs a device has not done; of one without a plan more than any."""
        if not self.run.ledger.clusters(name):
            return 1 << 30
        return sum(map(len, unmeasured(self.run, name, self.request).values()))


@dataclass(frozen=True)
class Read:
    """``damaged``: what is wrong with runs that cannot be read; ``passed``: which are no job's; a sentence each."""

    parts: Sequence[Part]
    damaged: Sequence[str]
    passed: Sequence[str]


def read_parts(found: Sequence[Found]) -> Read:
    """The runs that can be read. Raises UsageError where they are not of one plan."""
    parts: list[Part] = []
    damaged: list[str] = []
    passed: list[str] = []
    for each in found:
        try:
            part = _part(each)
        except _Damaged as why:
            damaged.append(f"{each.artefact}: {why}")
            continue
        if (part.manifest.model_extra or {}).get("collected") is not None:
            passed.append(f"{each.artefact}: it is what was collected before, and no job's run: passed over")
        else:
            parts.append(part)
    for other in parts[1:]:
        _check_same(parts[0], other)
    return Read(parts, damaged, passed)


class _Damaged(Exception):
    """Why a run counts as missing."""


def _part(found: Found) -> Part:
    run = RunDir(found.path)
    try:
        json.loads((found.path / "manifest.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        raise _Damaged("its manifest.json is cut short or damaged") from None
    phones, silent = {}, []
    try:
        manifest = run.manifest()
        for name in manifest.devices:
            phone = PhoneId.read_or_none(run.device(name).identity)
            if phone is None:
                silent.append(name)
            else:
                phones[name] = phone
        part = Part(found.artefact, run, manifest, phones, silent)
        if not _NAME.fullmatch(part.request.suite):  # it names the folder of the run that is made
            raise _Damaged("its manifest.json is damaged: suite.name")
    except HarnessError as error:
        raise _Damaged(_without_folder(error.message, found)) from None
    return part


def _without_folder(message: str, found: Found) -> str:
    """Of a zip file the run lies in a folder of ours, which says nothing to anybody."""
    here = str(found.path)
    return message.removeprefix(f"{here}: ").replace(f"{here}/", "its ").replace(here, "it")


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
    if one.count != other.count:
        differs.append(f"{one.count} and {other.count} shards")
    elif (digests := [(part["shard"] or {}).get("plan") for part in (ours, theirs) if part.get("shard")])[1:]:
        differs += ["the plan of the shards"] * (digests[0] != digests[1] and not differs)
    if differs:
        raise UsageError(
            f"{one.artefact} and {other.artefact} are of two different plans: {', '.join(differs)}",
            "collect what one recipe's jobs left, and put the rest elsewhere",
        )


def _workers(manifest: Manifest) -> list[tuple[str, Mapping[str, str]]]:
    """Without their paths, which differ from host to host."""
    workers: list[tuple[str, Mapping[str, str]]] = [(worker.name, worker.sha256) for worker in manifest.workers]
    return workers + [
        (f"{each.name} on {abi}", one.sha256) for each in manifest.comparators for abi, one in each.by_abi.items()
    ]


def _builds(manifest: Manifest) -> list[tuple[str, Mapping[str, str]]]:
    return [
        (other.name, {abi: program.build_id for abi, program in other.programs.items()}) for other in manifest.against
    ]
