"""The key of pseudonyms: 32 random bytes in the state folder, made once, that no bundle holds.

Without it nobody finds out which serial number a pseudonym stands for, also by trying all of them: serial numbers are
short, so that a hash alone would give them away.
"""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path

from harness.errors import InfrastructureError, UsageError
from harness.paths import state_folder, state_root

_NAME = "pseudonyms.key"
_BYTES = 32


def known_key() -> bytes | None:
    """The key; None where none was made yet. Raises UsageError for a file that is none."""
    file = state_root() / _NAME
    try:
        text = file.read_text("ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InfrastructureError(f"cannot read {file}: {error.strerror or error}", "mend its permissions") from error
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise UsageError(
            f"{file}: it is no key of pseudonyms",
            "put back a copy of it; or remove it: phones then get new pseudonyms, unlike those of earlier bundles",
        )
    return key


def made_key() -> bytes:
    """The key, made where there is none. Raises UsageError, InfrastructureError."""
    found = known_key()
    if found is not None:
        return found
    file = state_folder("") / _NAME
    temporary = file.with_name(f".{_NAME}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        _published(temporary, file)
    except OSError as error:
        raise InfrastructureError(
            f"cannot write {file}: {error.strerror or error}", "mend its permissions, or set XDG_STATE_HOME"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    made = known_key()
    if made is None:
        raise InfrastructureError(f"{file} was removed while it was made", "try again")
    return made


def _published(temporary: Path, file: Path) -> None:
    """Whole, or not at all; of two that make it at one time, one key stays."""
    try:
        os.link(temporary, file)
    except FileExistsError:
        return


def key_id(key: bytes) -> str:
    """What tells two keys apart: 16 hex digits, which tell nothing of the key."""
    return sha256(b"harness pseudonyms key\0" + key).hexdigest()[:16]
