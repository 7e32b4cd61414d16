"""The certificates of one machine of a lab, as ``harness host certificates`` leaves them, for Dask."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.hosts.address import Address
from harness.hosts.engine import distributed

CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
_REMEDY = "name a folder that `harness host certificates --out DIR` made for this machine"


def security(address: Address, folder: Path | None) -> Any:
    """What Dask goes by; None for an address that is not encrypted. Without a folder Dask's own configuration counts.

    Raises UsageError where a file is missing, or is no certificate, or not the key of it.
    """
    if not address.is_encrypted:
        if folder is not None:
            raise UsageError(f"--certificates {folder}: {address} is not encrypted", "use its address with tls://")
        return None
    if folder is None:
        found = distributed().Security(require_encryption=True)
        if found.tls_ca_file is None:
            raise UsageError(
                f"--scheduler {address}: no certificates",
                "name this machine's with --certificates DIR; a lab that has none makes them with: "
                "harness host certificates --out DIR",
            )
        return found
    ca, cert, key = (folder / name for name in (CA, CERTIFICATE, KEY))
    for file in (ca, cert, key):
        try:
            file.read_bytes()
        except OSError as error:
            raise UsageError(f"--certificates: {file}: {error.strerror or error}", _REMEDY) from error
    try:
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, ValueError) as error:
        what = getattr(error, "reason", None) or error
        raise UsageError(f"--certificates {folder}: not a certificate and its key ({what})", _REMEDY) from error
    both = {f"tls_{role}_{what}": str(file) for role in _ROLES for what, file in (("cert", cert), ("key", key))}
    return distributed().Security(tls_ca_file=str(ca), require_encryption=True, **both)


_ROLES = ("client", "worker", "scheduler")
