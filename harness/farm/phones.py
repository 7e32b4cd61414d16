"""Which of the jobs measured one phone, and what of it is kept where one measured the same as another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.devices.phone_id import PhoneId
from harness.farm.parts import Part
from harness.store.rundir import device_names


@dataclass
class Phone:
    """A phone, with the run of each shard that is kept of it: the part, and the phone's folder there."""

    id: PhoneId
    name: str  # in the run that is made
    run: str  # the one that it was found in first
    kept: dict[int, tuple[Part, str]] = field(default_factory=dict)

    def is_same(self, found: PhoneId, part: Part) -> bool:
        """Whether a device of a run is this one.

        `local` has no number: two machines of one product cannot be told apart, so each run's is a device of its own.
        """
        if self.id.is_this_machine and part.manifest.run != self.run:
            return False
        return self.id.is_same(found)

    @property
    def key(self) -> str:
        """A text that no other device of the run that is made has."""
        return f"{self.id.key}\n{self.run}" if self.id.is_this_machine else self.id.key

    @property
    def model(self) -> tuple[str, str]:
        """Phones of one kind may divide the shards among themselves."""
        return self.id.model, self.id.board

    @property
    def sources(self) -> list[tuple[Part, str]]:
        """In the order of the shards."""
        return [self.kept[index] for index in sorted(self.kept)]


def group(parts: Sequence[Part]) -> tuple[list[Phone], list[str]]:
    """The phones of all jobs, each once, under names of their own; and what was left out, a sentence each."""
    phones: list[Phone] = []
    remarks: list[str] = []
    for part in parts:
        for folder, found in part.phones.items():
            phone = next((each for each in phones if each.is_same(found, part)), None)
            if phone is None:
                phone = Phone(found, folder, part.manifest.run)
                phones.append(phone)
            remarks += _add(phone, part, folder)
    names = device_names([(phone.name, phone.key) for phone in phones])
    for phone, name in zip(phones, names, strict=True):
        phone.name = name
    return phones, remarks


def _add(phone: Phone, part: Part, folder: str) -> Iterator[str]:
    """Of two runs of the same shard on one phone the one with less left to measure stays, then the later one."""
    index = part.index
    if index not in phone.kept:
        phone.kept[index] = (part, folder)
        return
    other, _ = phone.kept[index]
    first, second = sorted(((other, phone.kept[index][1]), (part, folder)), key=_worth)
    phone.kept[index] = second
    what = "the run" if part.count == 1 else f"shard {index}/{part.count}"
    why = "is the same run" if other.manifest.run == part.manifest.run else _why(first, second)
    both = f"{other.artefact} and {part.artefact}"
    yield f"{folder}: {what} is there twice, in {both}: {second[0].artefact} is kept, {why}"


def _worth(run: tuple[Part, str]) -> tuple[int, str]:
    part, folder = run
    return -part.left(folder), part.manifest.started


def _why(first: tuple[Part, str], second: tuple[Part, str]) -> str:
    return "which lacks less" if first[0].left(first[1]) > second[0].left(second[1]) else "which is the later one"


def missing_shards(phones: Sequence[Phone], count: int) -> dict[tuple[str, str], list[int]]:
    """By kind of phone, the shards that no phone of it measured; kinds without a gap are left out."""
    found: dict[tuple[str, str], set[int]] = {}
    for phone in phones:
        found.setdefault(phone.model, set()).update(phone.kept)
    gaps = {model: sorted(set(range(1, count + 1)) - there) for model, there in found.items()}
    return {model: gap for model, gap in gaps.items() if gap}
