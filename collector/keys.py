"""The collector's keys: its ledger key, its receipt key, and the small certificate authority of the deployment.

All are made on the first start, together or not at all, and never again by themselves: whoever trusts the collector
trusts these keys. Signing keys are kept in the one-line form of C2SP signed-note ("PRIVATE+KEY+name+hash+key"), which
names the key and carries a checksum; X.509 keys as PEM (PKCS#8).
"""

from __future__ import annotations

import base64
import binascii
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.agents.authority import Authority, Issued, key_pem, server_certificate_is_due
from collector.durable import sync_directory
from collector.errors import CollectorError
from gate_contract.checkpoint import COSIGNATURE, ED25519, Signer

_LEDGER, _RECEIPTS, _CA, _SERVER = "ledger.key", "receipts.key", "ca.pem", "server.pem"
_ROOTS = (_LEDGER, _RECEIPTS, _CA)  # what others trust; the server's certificate is renewed now and then
_SKEY_PREFIX = "PRIVATE+KEY+"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_RESTORE = "restore the whole keys directory from a backup; new keys would not be trusted by anyone who knows the old"


@dataclass(frozen=True, slots=True)
class CollectorKeys:
    """The collector's keys, loaded.

    Attributes:
        deployment: whose they are.
        ledger: signs the ledger's checkpoints.
        receipts: cosigns journals' checkpoints, which makes them receipts.
        server_chain_pem: the server's certificate and the authority's, for both ports.
        server_key_pem: its key, ECDSA P-256.
        authority: issues certificates.
    """

    deployment: str
    ledger: Signer
    receipts: Signer
    server_chain_pem: bytes
    server_key_pem: bytes
    authority: Authority

    @classmethod
    def load_or_create(cls, state_dir: Path, deployment: str, hostnames: Sequence[str], now: datetime) -> CollectorKeys:
        """Keys in `state_dir`/keys; all are made when there is no such directory.

        The server's certificate is made anew when less than a third of its life is left or the host names changed.
        Raises CollectorError when a file is missing, damaged, readable by others or another deployment's.
        """
        directory = state_dir / "keys"
        try:
            if not directory.exists():
                _create(state_dir, directory, deployment, hostnames, now)
            _refuse_unsafe(directory)
            return cls._load(directory, deployment, hostnames, now)
        except OSError as error:
            raise CollectorError(
                f"the keys in {directory} cannot be used",
                cause=f"{error.strerror} ({error.filename})",
                fix="run as the user that owns the collector's state, and check that its disk has room",
            ) from error

    @classmethod
    def _load(cls, directory: Path, deployment: str, hostnames: Sequence[str], now: datetime) -> CollectorKeys:
        ledger = _load_signer(directory / _LEDGER, f"{deployment}/ledger", ED25519)
        receipts = _load_signer(directory / _RECEIPTS, f"{deployment}/collector", COSIGNATURE)
        authority = Authority(*_load_pair(directory / _CA, _RESTORE))
        server = directory / _SERVER
        if not server.exists():
            _write(server, _server_files(authority, hostnames, now))
        server_key, server_pem = _load_pair(server, f"delete {server}: it is made anew on the next start")
        if server_certificate_is_due(server_pem, hostnames, now):
            _write(server, _server_files(authority, hostnames, now))
            server_key, server_pem = _load_pair(server, _RESTORE)
        return cls(deployment, ledger, receipts, server_pem, key_pem(server_key), authority)

    @property
    def ca_pem(self) -> bytes:
        """Certificate of the authority; agents trust it alone."""
        return self.authority.certificate_pem

    def vkeys(self) -> list[str]:
        """Verifier keys as lines of text (C2SP vkeys): the ledger's and the receipts'."""
        return [self.ledger.verifier.vkey(), self.receipts.verifier.vkey()]

    def issue(self, csr_der: bytes, agent_id: str, origin: str, days: int, now: datetime) -> Issued:
        """A client certificate for an agent's TLS key: (chain_pem, serial, not_before, not_after).

        Raises EnrolmentError when the request is not a P-256 request signed with its own key.
        """
        return self.authority.issue_client(csr_der, agent_id, origin, days, now)


def _create(state_dir: Path, directory: Path, deployment: str, hostnames: Sequence[str], now: datetime) -> None:
    """Make all files in a directory beside and rename it, so that a power cut leaves all of them or none."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="keys.", dir=state_dir))
    _own_like_parent(made)
    authority = Authority.make(deployment, now)
    ledger, receipts = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    _write(made / _LEDGER, _skey(Signer(f"{deployment}/ledger", ledger), ledger))
    _write(made / _RECEIPTS, _skey(Signer(f"{deployment}/collector", receipts, COSIGNATURE), receipts))
    _write(made / _CA, key_pem(authority.key) + authority.certificate_pem)
    _write(made / _SERVER, _server_files(authority, hostnames, now))
    try:
        made.rename(directory)
    except OSError:
        if not directory.exists():
            raise
        shutil.rmtree(made)  # another process was first; its keys count
    sync_directory(state_dir)


def _server_files(authority: Authority, hostnames: Sequence[str], now: datetime) -> bytes:
    # Key and certificates in one file: they are replaced together or not at all.
    key, chain_pem = authority.issue_server(hostnames, now)
    return key_pem(key) + chain_pem


def _refuse_unsafe(directory: Path) -> None:
    missing = [name for name in _ROOTS if not (directory / name).exists()]
    if missing:
        raise CollectorError(
            f"{directory} lacks {', '.join(missing)}", cause="some keys are there and some are not", fix=_RESTORE
        )
    for path in (directory, *directory.iterdir()):
        mode = path.stat().st_mode
        if mode & _OTHERS:
            raise CollectorError(
                f"{path} can be read or changed by others (mode {stat.S_IMODE(mode):04o})",
                cause="whoever read it can sign in the collector's name",
                fix=f"find out who could, then: chmod -R go= {directory}",
            )


def _load_pair(path: Path, fix: str) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """Key and certificates (PEM, as they stand) of a file; the first certificate is the key's."""
    data = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(data, password=None)
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise CollectorError(f"{path} is damaged", cause=str(error), fix=fix) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificates[0].public_key() != key.public_key():
        raise CollectorError(f"{path} is damaged", cause="its certificate is not its key's", fix=fix)
    return key, b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def _skey(signer: Signer, key: Ed25519PrivateKey) -> bytes:
    verifier = signer.verifier
    secret = base64.b64encode(bytes([verifier.kind]) + key.private_bytes_raw()).decode()
    return f"{_SKEY_PREFIX}{verifier.name}+{verifier.key_id.hex()}+{secret}\n".encode()


def _load_signer(path: Path, name: str, kind: int) -> Signer:
    text = path.read_bytes()
    damaged = CollectorError(f"{path} is damaged", cause="it is no signing key with its checksum", fix=_RESTORE)
    try:
        found, _, secret = text.decode("ascii").removeprefix(_SKEY_PREFIX).split("+", 2)
        raw = base64.b64decode(secret.strip(), validate=True)
        key = Ed25519PrivateKey.from_private_bytes(raw[1:])
        signer = Signer(found, key, kind)
    except (ValueError, binascii.Error):
        raise damaged from None
    if _skey(signer, key) != text:
        raise damaged
    if found != name:
        raise CollectorError(
            f"{path} holds the key {found}, not {name}",
            cause="the deployment's name was changed after the keys were made",
            fix=f'write deployment = "{found.rpartition("/")[0]}" in the configuration, or use another state directory',
        )
    return signer


def _write(path: Path, data: bytes) -> None:
    """Replace a file by one of mode 0600, durably: written beside, fsynced, renamed."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _own_like_parent(Path(beside))
    Path(beside).rename(path)
    sync_directory(path.parent)


def _own_like_parent(path: Path) -> None:
    """When an administrator runs a command as root, the files still belong to the service's user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
