"""Signatures by ssh-keygen -Y: the keys, and who may sign, are those that people have for git and SSH."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from harness.bundle.layout import SIGNATURE, SUMS
from harness.errors import UsageError

NAMESPACE = "harness-bundle"  # of the signature: one that was made for something else does not count
_PROGRAM = "ssh-keygen"
_LONGEST_WAIT = 120.0  # seconds: somebody may have to enter a passphrase, or touch a key


def sign(file: Path, key: Path) -> bytes:
    """The signature of a file. ``key``: a private one, or a public one whose private one an agent holds.

    Raises UsageError where it cannot be made.
    """
    if not key.is_file():
        raise UsageError(f"--sign {key}: there is no such file", "name an SSH key: --sign ~/.ssh/id_ed25519")
    made = file.with_name(f"{file.name}.sig")
    done = _ssh_keygen(["-Y", "sign", "-f", str(key.resolve()), "-n", NAMESPACE, str(file)], f"--sign {key}")
    if done.returncode != 0 or not made.is_file():
        raise UsageError(f"--sign {key}: {_PROGRAM} could not sign: {_said(done)}", "name a key that it can use")
    data = made.read_bytes()
    made.unlink()
    return data


def signer_of(sums: bytes, signature: bytes, allowed: Path, bundle: str) -> str:
    """Who signed it: a principal of the file of allowed signers. Raises UsageError where nobody of them did."""
    option = f"--allowed-signers {allowed}"
    if not allowed.is_file():
        raise UsageError(f"{option}: there is no such file", "see ALLOWED SIGNERS in: man ssh-keygen")
    with tempfile.TemporaryDirectory(prefix="harness-signature-") as folder:
        file = Path(folder) / SIGNATURE
        file.write_bytes(signature)
        base = ["-s", str(file), "-f", str(allowed.resolve())]
        found = _ssh_keygen(["-Y", "find-principals", *base], option)
        why = _said(found)
        for principal in found.stdout.decode("utf-8", "replace").splitlines() if found.returncode == 0 else ():
            done = _ssh_keygen(["-Y", "verify", "-n", NAMESPACE, "-I", principal, *base], option, sums)
            if done.returncode == 0:
                return principal
            why = _said(done)
    raise UsageError(
        f"{bundle}: {SIGNATURE}: nobody of {allowed} signed this {SUMS}: {why}",
        "ask where it was made for the signer's line, or do not trust it",
    )


def _ssh_keygen(argv: list[str], option: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([_PROGRAM, *argv], input=data, capture_output=True, timeout=_LONGEST_WAIT, check=False)
    except FileNotFoundError as error:
        raise UsageError(
            f"{option}: {_PROGRAM} is not installed", "install OpenSSH's client: apt-get install openssh-client"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"{option}: {_PROGRAM} took longer than {_LONGEST_WAIT:.0f} s", "put the key into an agent: ssh-add KEY"
        ) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line that it printed."""
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return " ".join(lines[-1].split())[:300] if lines else f"it ended with {done.returncode}"
