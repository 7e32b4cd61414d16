"""A lab's certificates: of one authority, each machine's with its key, and nothing else is taken for one."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.hosts.address import parse
from harness.hosts.certificates import make
from harness.hosts.security import security

pytestmark = pytest.mark.unit

pytest.importorskip("cryptography")
TLS = parse("tls://lab:8786")


def handshake(server: Path, client: Path) -> None:
    """In memory, both sides asking for a certificate of the authority that they know. Raises SSLError."""
    sides = []
    for folder, is_server in ((server, True), (client, False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        sides.append((context, is_server))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    (one, _), (other, _) = sides
    objects = [
        one.wrap_bio(to_server, to_client, server_side=True),
        other.wrap_bio(to_client, to_server, server_side=False),
    ]
    for _ in range(4):
        for each in objects:
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_machines_of_one_authority_accept_each_other_and_others_do_not(tmp_path: Path) -> None:
    scheduler, hosts = make(tmp_path / "lab", ["scheduler", "hosts"])
    (later,) = make(tmp_path / "lab", ["later"])
    (stranger,) = make(tmp_path / "other", ["hosts"])
    handshake(scheduler, hosts)
    handshake(scheduler, later)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(scheduler, stranger)
    for key in (tmp_path / "lab").rglob("*key.pem"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_nothing_is_made_twice_or_under_another_name(tmp_path: Path) -> None:
    make(tmp_path, ["hosts"])
    with pytest.raises(UsageError, match="is there already"):
        make(tmp_path, ["hosts"])
    with pytest.raises(UsageError, match="not a name of a machine"):
        make(tmp_path, ["../hosts"])
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(UsageError, match="not both there and whole"):
        make(tmp_path, ["more"])


def test_what_dask_gets(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    hosts, users = make(tmp_path, ["hosts", "users"])
    assert security(TLS, hosts).tls_worker_cert == str(hosts / "cert.pem")
    assert security(parse("tcp://127.0.0.1:1"), None) is None
    with pytest.raises(UsageError, match="is not encrypted"):
        security(parse("tcp://127.0.0.1:1"), hosts)
    with pytest.raises(UsageError, match="no certificates"):
        security(TLS, None)
    (hosts / "key.pem").write_bytes((users / "key.pem").read_bytes())
    with pytest.raises(UsageError, match="not a certificate and its key"):
        security(TLS, hosts)
    (hosts / "key.pem").unlink()
    with pytest.raises(UsageError, match=r"key\.pem: No such file"):
        security(TLS, hosts)
