"""The state folder: what phones were like. Settings that wait to be put back stay unless they are named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from harness.clean.item import Item, changed, is_file, is_folder, remove
from harness.control import quarantine
from harness.paths import state_root

KIND = "state"
_FOLDERS = (
    "settings",
    "quarantine",
    "same-serial",
    "calibrations",
    "hosts/content",
    "leases",
)  # leases: of versions that kept them here
_FILES = ("baselines.json", "baselines.lock")


def items() -> Iterator[Item]:
    """The files that the tool keeps between runs; virtual phones (lab/) are ended by `harness lab down`."""
    root = state_root()
    valid = {f"{each.digest}.json": each for each in quarantine.every()}
    for folder in _FOLDERS:
        for path in sorted((root / folder).iterdir()) if is_folder(root / folder) else []:
            if not is_file(path):
                continue
            stays = ""
            if folder == "settings" and path.suffix == ".json":
                stays = "a setting of a phone waits to be put back: harness restore"
            elif folder == "quarantine" and path.name in valid:
                stays = f"a phone is in quarantine {valid[path.name].text}"
            elif folder == "same-serial":
                stays = "phones with that serial number are told apart by it"
            yield Item(KIND, f"{folder}/{path.name}", path, changed(path), partial(str, stays))
    for path in (*(root / name for name in _FILES), *sorted(root.glob("*.damaged.*"))):
        if is_file(path):
            yield Item(KIND, path.name, path, changed(path))


def take_away(item: Item) -> None:
    """Removes it. Raises OSError."""
    remove(item.path)
