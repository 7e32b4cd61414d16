"""The file of `harness selfcheck`: bundles of its runs, and what was found beside them; no number stands in it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bundle import layout
from harness.bundle.archive import write_archive
from harness.bundle.copying import devices_of, names_in, names_under
from harness.bundle.making import make_bundle
from harness.bundle.redaction import Redaction, redaction_of
from harness.devices.base import Attached, as_json
from harness.devices.phone_id import PhoneId
from harness.digest import sha256_of
from harness.errors import HarnessError, InfrastructureError
from harness.export.output import write_file
from harness.store.pseudonym_key import made_key
from harness.store.rundir import RunDir, device_names

ABOUT = layout.ABOUT_SELFCHECK


@dataclass(frozen=True)
class Packed:
    """The file, and what is inside: its name there, its bytes, what it is. ``not_there``: why it is not where it was
    to be.
    """

    out: Path
    not_there: HarnessError | None
    size: int  # bytes
    inside: Sequence[tuple[str, int, str]]
    unpacked: Mapping[str, str]  # why a run is not in it, by the part's name


def pack(
    outs: Sequence[Path],
    about: Mapping[str, Any],
    found: Mapping[str, Any],
    runs: Mapping[str, Path],
    attached: Attached,
) -> Packed:
    """Writes the file, to the first of ``outs`` that takes it. ``about``: what was done and how it ended; ``found``: of
    the doctor; ``runs``: run directories by the part of the check that made them; ``attached``: all whose numbers must
    not be told.

    A run that cannot be bundled is left out. Raises UsageError or InfrastructureError where the file can be nowhere,
    InfrastructureError where something would still tell a number.
    """
    key = made_key()
    with tempfile.TemporaryDirectory(prefix="harness-selfcheck-") as temporary:
        folder = Path(temporary) / "selfcheck"
        folder.mkdir()
        words = {ABOUT: "what was done, with what, and how each part ended", "doctor.json": "what the doctor found"}
        unpacked: dict[str, str] = {}
        for part, run in runs.items():
            try:
                made = make_bundle(run, folder / f"{part}.zip")
            except HarnessError as error:
                unpacked[part] = str(error)
                continue
            words[f"{part}.zip"] = f"the run {made.manifest.run}: harness report {part}.zip shows it"
        redaction = _redaction(runs.values(), attached, key)
        parts = [each | {"messages": _with(each, unpacked)} for each in about["parts"]]
        _write(folder / ABOUT, {**about, "parts": parts}, redaction)
        _write(folder / "doctor.json", found, redaction)
        sums = {name: sha256_of(folder / name) for name in words}
        (folder / layout.SUMS).write_bytes(layout.sums_text(sums))
        words[layout.SUMS] = "digests of these files"
        packed = Path(temporary) / "packed"
        write_archive(packed, folder, list(words))
        out, not_there = _placed(packed, outs)
        inside = [(name, (folder / name).stat().st_size, what) for name, what in words.items()]
        return Packed(out, not_there, packed.stat().st_size, inside, unpacked)


def _placed(packed: Path, outs: Sequence[Path]) -> tuple[Path, HarnessError | None]:
    """Where it was written, and why not to the first place. Raises what the first place said where none took it."""
    refusal: HarnessError | None = None
    for out in outs:
        try:
            with packed.open("rb") as file:
                write_file(out, iter(lambda: file.read(1 << 20), b""))
        except HarnessError as error:
            refusal = refusal or error
        else:
            return out, refusal
    raise refusal or ValueError("no place was named")


def _with(part: Mapping[str, Any], unpacked: Mapping[str, str]) -> list[str]:
    why = unpacked.get(str(part["part"]))
    return [*part["messages"], *([] if why is None else [f"not in this file: {why}"])]


def _redaction(runs: Iterable[Path], attached: Attached, key: bytes) -> Redaction:
    identities = [device.identity for device in attached.devices]
    called = device_names([(identity.model, PhoneId.of(identity).key) for identity in identities])
    known: dict[str, Any] = {
        name: {"identity": as_json(identity)} for name, identity in zip(called, identities, strict=True)
    }
    devices = [*known.values(), *({"identity": {"serial": bad.serial, "host": bad.host}} for bad in attached.unusable)]
    names = names_under(known, (), key)
    for path in runs:
        with suppress(HarnessError):  # of what is no run directory nothing is told
            run = RunDir(path)
            of_run = devices_of(run)
            devices += [value for value in of_run.values() if value is not None]
            names |= names_under(of_run, names_in(run.manifest()), key)
    return redaction_of(devices, names, key)


def _write(file: Path, value: Mapping[str, Any], redaction: Redaction) -> None:
    data = (json.dumps(redaction.value(value), indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    if redaction.number_in(data) is not None:
        raise InfrastructureError(
            f"{file.name} would still tell a phone's number: nothing was written",
            "please report it, without the number",
        )
    file.write_bytes(data)
