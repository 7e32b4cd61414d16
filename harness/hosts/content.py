"""Programs and other files that came from front ends, by their SHA-256: what a host has once is not sent again."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from harness.digest import sha256_of
from harness.errors import InfrastructureError
from harness.hosts.schema import DIGEST
from harness.paths import state_folder
from harness.store.journal import write_atomically

MOST_BYTES = 256 << 20  # of one file
_KEPT_S = 30 * 24 * 3600.0  # since it was used last


class Content:
    """The files of this host, in its state folder."""

    @property
    def _folder(self) -> Path:
        return state_folder("hosts/content")

    def lacks(self, digests: Iterable[str]) -> list[str]:
        """Those of the files that are not here, or not whole."""
        return [digest for digest in digests if not self._has(digest)]

    def take(self, digest: str, data: bytes) -> None:
        """Keeps a file. Raises InfrastructureError where it is another one than it is said to be."""
        if len(data) > MOST_BYTES or sha256(data).hexdigest() != digest:
            raise InfrastructureError(f"a file of {len(data)} bytes is not the one with SHA-256 {digest[:80]}")
        write_atomically(self._file(digest), data)

    def put(self, digest: str, to: Path) -> None:
        """A copy of a file that runs. Raises InfrastructureError where it is not here."""
        if not self._has(digest):
            raise InfrastructureError(f"this host lacks the file with SHA-256 {digest[:80]}", "run again")
        to.parent.mkdir(parents=True, exist_ok=True)
        copy = to.with_name(f".{to.name}.new")
        try:
            shutil.copyfile(self._file(digest), copy)
            copy.chmod(0o755)
            copy.replace(to)
        except OSError as error:
            raise InfrastructureError(f"cannot write {to}: {error.strerror or error}", "make room") from error

    def clear_old(self) -> None:
        """Removes what was not used for a long time."""
        for file in self._folder.iterdir():
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > _KEPT_S:
                    file.unlink()

    def _has(self, digest: str) -> bool:
        file = self._file(digest)
        try:
            whole = sha256_of(file) == digest
            file.touch()
        except OSError:
            return False
        return whole

    def _file(self, digest: str) -> Path:
        if not re.fullmatch(DIGEST, digest):
            raise InfrastructureError(f"{digest[:80]!r} is no SHA-256")
        return self._folder / digest
