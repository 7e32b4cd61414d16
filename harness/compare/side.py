"""One of the two runs that are compared: its results, and who its devices are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.devices.phone_id import PhoneId
from harness.devices.pseudonyms import under
from harness.model.policy import Policy
from harness.results.results import Results, make_results, own_rows
from harness.results.rows import Row
from harness.store.pseudonym_key import key_id, known_key
from harness.store.rundir import RunDir


@dataclass(frozen=True)
class Side:
    """A run. ``phones``: by the name of a device's folder; None where its device.json tells of none.

    ``title``: of one or several builds within a run, where that is what is compared; ``own``: they are the run's own.
    """

    path: Path
    results: Results
    phones: Mapping[str, PhoneId | None]
    title: str = ""
    own: bool | None = None

    @property
    def name(self) -> str:
        """The run's name, or that of its builds."""
        return self.title or self.run_name

    @property
    def run_name(self) -> str:
        """The run's name."""
        return self.results.run.name

    @property
    def policy(self) -> Policy:
        """That its samples were measured under."""
        return self.results.verdicts.policy

    @property
    def builds(self) -> list[str]:
        """The programs that were measured, each once."""
        return list(dict.fromkeys(row.key.build for row in self.rows if row.has_samples))

    @property
    def rows(self) -> list[Row]:
        """Its rows: of the run's own build and workers of somebody else, or of the builds that it is about.

        Second ones of A/A pairs are left out.
        """
        every = [row for row in self.results.rows if not row.is_copy]
        if self.own is None:
            return own_rows(every)
        return [row for row in every if not row.is_foreign and bool(row.other_build) != self.own]

    def manifest(self, key: str) -> Any:
        """What the manifest has there; None for nothing."""
        return self.results.run.manifest.get(key)


def read_side(path: Path) -> Side:
    """Reads a run directory. Raises UsageError where it is none, InfrastructureError for duplicate samples."""
    run = RunDir(path.resolve())
    run.manifest()
    results = make_results(run.path)
    phones = {device.name: PhoneId.read_or_none(run.device(device.name).identity) for device in results.run.devices}
    return Side(run.path, results, phones)


def alike_known(base: Side, new: Side) -> tuple[Side, Side]:
    """Both with phones that can be told to be the same: where one is of a bundle, the other's are known by pseudonyms
    too, if they were made with the key of this user. Raises UsageError, InfrastructureError for a damaged key.
    """
    ids = {phone.pseudonyms for side in (base, new) for phone in side.phones.values() if phone}
    if len(ids) < 2 or (key := known_key()) is None or key_id(key) not in ids:
        return base, new

    def known(side: Side) -> Side:
        phones = {name: phone and under(phone, key, key_id(key)) for name, phone in side.phones.items()}
        return replace(side, phones=phones)

    return known(base), known(new)


def counterparts(base: Side, new: Side) -> dict[str, str]:
    """Which device of the base is which of the new run: the same phone, else the one of the same name."""
    found: dict[str, str] = {}
    for name, phone in new.phones.items():
        same = (other for other, known in base.phones.items() if phone and known and known.is_same(phone))
        match = next((other for other in same if other not in found), None)
        if match is not None:
            found[match] = name
    for name in new.phones:  # by name what is left: no phone that is known loses its own to that
        if name not in found.values() and name in base.phones and name not in found:
            found[name] = name
    return found
