"""The certificates of a lab that has none: one authority, and a certificate with its key for each machine."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError, UsageError
from harness.extras import needed
from harness.hosts.security import CA, CERTIFICATE, KEY

CA_KEY = "ca-key.pem"
_WHAT = "harness host certificates"
_AUTHORITY = "harness lab authority"
_DAYS = 825  # the longest that common TLS libraries take
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def make(out: Path, names: Sequence[str]) -> list[Path]:
    """The folders OUT/NAME with ca.pem, cert.pem and key.pem. Certificates are of the authority in OUT, which is made
    where it is not there yet.

    Raises UsageError for a name that is none or is there already, InfrastructureError where nothing can be written.
    """
    for name in names:
        if not _NAME.fullmatch(name) or name in (CA, CA_KEY):
            raise UsageError(f"{name!r} is not a name of a machine", "use letters, digits, dots and dashes")
        if (out / name).exists():
            raise UsageError(f"{out / name} is there already", "remove it, or choose another name")
    if len(set(names)) < len(names):
        raise UsageError("a machine is named twice", "name each once")
    x509 = needed("cryptography.x509", _WHAT)
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority, key = _authority(out, x509)
        for name in names:
            _machine(out / name, name, authority, key, x509)
    except OSError as error:
        raise InfrastructureError(f"cannot write {error.filename or out}: {error.strerror or error}") from error
    return [out / name for name in names]


def _authority(out: Path, x509: Any) -> tuple[Any, Any]:
    """The certificate and the key of the authority in that folder; made where there is none."""
    ca, key_file = out / CA, out / CA_KEY
    if ca.exists() or key_file.exists():
        serialization = needed("cryptography.hazmat.primitives.serialization", _WHAT)
        try:
            found = x509.load_pem_x509_certificate(ca.read_bytes())
            return found, serialization.load_pem_private_key(key_file.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"{out}: the authority's {CA} and {CA_KEY} are not both there and whole ({error})",
                "put them back, or make a new authority in another folder: every machine then needs a new certificate",
            ) from error
    key = _new_key()
    made = _signed(_AUTHORITY, _AUTHORITY, key.public_key(), key, x509, is_authority=True)
    _write(key_file, _pem_of_key(key), secret=True)
    _write(ca, _pem(made))
    return made, key


def _machine(folder: Path, name: str, authority: Any, authority_key: Any, x509: Any) -> None:
    key = _new_key()
    made = _signed(name, _AUTHORITY, key.public_key(), authority_key, x509, is_authority=False)
    folder.mkdir(mode=0o700)
    _write(folder / KEY, _pem_of_key(key), secret=True)
    _write(folder / CERTIFICATE, _pem(made))
    _write(folder / CA, _pem(authority))


def _signed(name: str, issuer: str, public: Any, key: Any, x509: Any, *, is_authority: bool) -> Any:
    hashes = needed("cryptography.hazmat.primitives.hashes", _WHAT)
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(_named(name, x509))
        .issuer_name(_named(issuer, x509))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks of a lab are not all right
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    if not is_authority:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(key, hashes.SHA256())


def _named(name: str, x509: Any) -> Any:
    return x509.Name([x509.NameAttribute(needed("cryptography.x509.oid", _WHAT).NameOID.COMMON_NAME, name)])


def _new_key() -> Any:
    ec = needed("cryptography.hazmat.primitives.asymmetric.ec", _WHAT)
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: Any) -> bytes:
    encoding = needed("cryptography.hazmat.primitives.serialization", _WHAT).Encoding.PEM
    return bytes(certificate.public_bytes(encoding))


def _pem_of_key(key: Any) -> bytes:
    forms = needed("cryptography.hazmat.primitives.serialization", _WHAT)
    return bytes(key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()))


def _write(file: Path, data: bytes, *, secret: bool = False) -> None:
    """A new file; one that is secret can be read by its owner alone from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
