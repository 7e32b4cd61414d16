"""Which devices of farms this host has reserved: on disk before a farm is asked, until it has them back.

A file for each device names the process that has it, so that whoever starts later knows what a dead one left.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.control.damaged import put_aside
from harness.control.holder import LONGEST, Holder
from harness.errors import InfrastructureError
from harness.paths import state_folder, state_root
from harness.store.journal import write_atomically

FOLDER = "farm-leases"
_LARGEST = 16 << 10

Say = Callable[[str], None]


class FarmLease(BaseModel):
    """A device that was asked for, or is held."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    farm: str = Field(max_length=1024)  # the address of its pages
    serial: str = Field(pattern=r"^[\x21-\x7e]{1,128}$")  # the farm's name of the device
    token: str = Field(pattern=r"^[0-9a-f]{12}$")  # a digest of the token that it was reserved with
    holder: str = Field(max_length=LONGEST)  # Holder.line
    adb_server: str = Field(max_length=300)
    address: str = Field(default="", max_length=300)  # where adb reaches it; empty: it is not connected yet
    since: str = Field(default="", max_length=120)  # the farm's time of the reservation; empty: not told yet

    @property
    def who(self) -> Holder:
        """The process that has it."""
        return Holder.parse(self.holder) or Holder.unknown()

    @property
    def is_ours(self) -> bool:
        """Whether it is this process's."""
        return self.who.process == Holder.me().process

    @property
    def file(self) -> Path:
        return _file(self.farm, self.serial)


class HeldHere(InfrastructureError):
    """Another process has the device by this host's journal."""


def claim(lease: FarmLease, *, free: bool, say: Say) -> None:
    """Writes down that this process asks for a device; on disk when this returns.

    ``free``: the farm says that nobody has it, so that an older lease counts only where its process lives.
    Raises HeldHere where another process has it, InfrastructureError where it cannot be written down.
    """
    folder = state_folder(FOLDER)
    with FileLock(folder / ".lock"):
        known = _read(lease.file, say)
        if known is not None and not known.is_ours and not known.who.is_dead and (known.who.is_alive or not free):
            raise HeldHere(f"{lease.serial}: {known.who} has it", "wait until that run ends, or --wait S")
        keep(lease)


def keep(lease: FarmLease) -> None:
    """Writes down what has become of a lease of this process."""
    write_atomically(lease.file, lease.model_dump_json().encode(), durable=True)


def forget(lease: FarmLease) -> None:
    """The farm has it back. Raises InfrastructureError."""
    try:
        lease.file.unlink(missing_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"cannot remove {lease.file}: {error.strerror or error}",
            "mend the permissions, or remove it by hand: the farm has the device back",
        ) from error


def known(say: Say, farm: str = "") -> list[FarmLease]:
    """The leases that are written down on this host; ``farm``: only its."""
    files = sorted((state_root() / FOLDER).glob("*.json"))
    found = [lease for file in files if (lease := _read(file, say)) is not None]
    return [lease for lease in found if farm in ("", lease.farm)]


def _file(farm: str, serial: str) -> Path:
    digest = sha256(f"{farm}\n{serial}".encode()).hexdigest()[:16]
    return state_root() / FOLDER / f"{digest}.json"


def _read(file: Path, say: Say) -> FarmLease | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        lease = FarmLease.model_validate_json(data)
        if lease.file == file and len(data) <= _LARGEST:
            return lease
        why = "it is too long" if len(data) > _LARGEST else "it is of another device"
    except FileNotFoundError:
        return None
    except OSError as error:
        say(f"the lease {file} cannot be read: {error.strerror or error}")
        return None
    except ValidationError as error:
        why = error.errors(include_url=False, include_input=False)[0]["msg"]
    put_aside(file, f"{why}; a device that it tells of is freed by the farm itself", say)
    return None
