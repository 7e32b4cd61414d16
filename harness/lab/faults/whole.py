"""Faults of the phone as a whole: it reboots, never boots, is another one, kills programs, is crowded."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import yaml

from harness.lab.faults.files import replaced
from harness.lab.faults.kind import End, Kind, Site, Value, number, words
from harness.lab.faults.kind import choice as one_of
from harness.lab.faults.load import command_line, programs
from harness.lab.model import phone_model
from harness.lab.properties import properties, serial_number, spec_of, write_state
from harness.lab.root import SHELL_UID, own_tree
from harness.lab.state import State
from harness.model import catalog

_BOOTED = "sys.boot_completed"
_OURS = ("model", "cpus", "zone_scales", "banner", "environment")


def _reboot(site: Site, seconds: int) -> None:
    site.reboot(seconds if seconds >= 0 else None)


def _boot(site: Site, _: str) -> End:
    """The supervisor looks at the list of faults before it says that the boot is complete."""
    state = State(site.folder)
    state.set_property(_BOOTED, None)
    return lambda: state.set_property(_BOOTED, "1") if site.init else None


def _kill(site: Site, text: str) -> None:
    for pid in programs(site.spec["id_base"]):
        if text in command_line(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _property(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name or "/" in name or name in (".", "..") or any(ord(c) < 32 for c in text):
        raise ValueError("NAME:VALUE, for example ro.serialno:0123456789ABCDEF")
    return name, value


def _set_property(site: Site, wanted: tuple[str, str]) -> End:
    name, value = wanted
    return replaced({site.folder / "properties" / name: value})


def _model(text: str) -> str:
    names = catalog.names("devices")
    if text not in names:
        raise ValueError(f"there is {', '.join(names)}")
    return text


def _stranger(site: Site, name: str) -> End:
    """Another phone at this address: its own /sys, properties, settings and /data/local/tmp; after a reboot."""
    model = phone_model(name, yaml.safe_load((catalog.folder("devices") / f"{name}.yaml").read_text()))
    props = properties(model, serial_number(model, site.spec["port"], "stranger"), {})
    kept = {key: site.spec[key] for key in _OURS}
    other = site.folder / ".other"
    write_state(other, model, props)
    _change_places(site, other)
    site.spec.update(spec_of(model, props))
    State(site.folder).write_spec(site.spec)
    site.cpus.become(model.numbers)
    site.reboot()

    def end() -> None:
        _change_places(site, other)
        shutil.rmtree(other)
        site.spec.update(kept)
        State(site.folder).write_spec(site.spec)
        site.cpus.become(tuple(kept["cpus"]))
        site.reboot()

    return end


def _change_places(site: Site, other: Path) -> None:
    """Changes what two state folders hold; the folders themselves are bound into the phone and stay."""
    base = site.spec["id_base"]
    for name, owner in (("sys", base), ("properties", base), ("kernel", base), ("settings", base + SHELL_UID)):
        _swap(site.folder / name, other / name)
        own_tree(site.folder / name, owner)
    work, aside = site.root / "data" / "local" / "tmp", site.root / "data" / "local" / ".other"
    spare = aside.with_name(".spare")
    if not aside.exists():
        aside.mkdir()
        aside.chmod(work.stat().st_mode & 0o7777)
        os.chown(aside, work.stat().st_uid, work.stat().st_gid)
    work.rename(spare)
    aside.rename(work)
    spare.rename(aside)


def _swap(first: Path, second: Path) -> None:
    spare = second.with_name(f".{second.name}.spare")
    spare.mkdir()
    for source, target in ((first, spare), (second, first), (spare, second)):
        for member in list(source.iterdir()):
            member.rename(target / member.name)
    spare.rmdir()


def _crowd(site: Site, count: int) -> End:
    site.tell({"order": "crowd", "count": count})
    return lambda: site.tell({"order": "crowd", "count": 0})


def _shell(site: Site, _: str) -> End:
    known = site.spec["shell_v2"]
    site.spec["shell_v2"] = False
    site.drop()

    def end() -> None:
        site.spec["shell_v2"] = known
        site.drop()

    return end


KINDS: dict[str, Kind[Any]] = {
    "reboot": Kind(
        "The phone reboots and is away for so long: new boot id, every program gone; /data, settings and faults stay.",
        number("SECONDS", -1, 600, default=-1),
        _reboot,
        at_once=True,
    ),
    "boot": Kind("sys.boot_completed is not set, now and after reboots.", one_of("never", default="never"), _boot),
    "stranger": Kind(
        "Another phone, of this model, has the address: it reboots as that one, and at the end as itself.",
        Value("MODEL", _model, "galaxy-s8"),
        _stranger,
        reconnects=True,
    ),
    "property": Kind("A property has this value.", Value("NAME:VALUE", _property), _set_property, many=True),
    "kill": Kind(
        "The system kills programs whose command line holds TEXT (SIGKILL), as when memory is low.",
        words("TEXT", "convbench"),
        _kill,
        at_once=True,
    ),
    "crowd": Kind("So many more processes are there.", number("COUNT", 0, 2000, default=500), _crowd),
    "shell": Kind(
        "adbd has no shell v2, from the next connection on.", one_of("v1", default="v1"), _shell, reconnects=True
    ),
}
