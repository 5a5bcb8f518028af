"""The machine's keys: made here, never leaving here.

In `state_dir`/keys: `journal.key` (Ed25519, signs the journal's checkpoints; C2SP signed-note's one-line form),
`tls.pem` (ECDSA P-256 key and certificate chain, replaced together at renewal), `ca.pem` (the only authority trusted),
and `identity.json`, written last: without it the machine is not enrolled. Directory 0700, files 0600.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import EdgeAgentError
from gate_contract.checkpoint import COSIGNATURE, Signer, Verifier, journal_origin, parse_keys

_JOURNAL, _TLS, _CA, _IDENTITY = "journal.key", "tls.pem", "ca.pem", "identity.json"
_SKEY_PREFIX = "PRIVATE+KEY+"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FORMAT = 1
_ENROL = "ask for an invitation (`gate-collector agents invite`) and run `edge-agent enrol --invite FILE`"
_ENROL_ANEW = "move the state directory away, then " + _ENROL


class KeysError(EdgeAgentError):
    """The machine is not enrolled, or its key files are not usable."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the machine is, as the collector said when it admitted its key.

    Attributes:
        deployment: name of the collector's deployment.
        agent_id: this machine.
        site_id: the site it serves.
        origin: of its journal's checkpoints.
        uplink_address: host:port for records, mutual TLS.
        enrol_address: host:port for renewal.
        collector_keys: the collector's verifier keys (C2SP vkeys).
    """

    deployment: str
    agent_id: str
    site_id: str
    origin: str
    uplink_address: str
    enrol_address: str
    collector_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentKeys:
    """The keys of an enrolled machine.

    Attributes:
        state_dir: where they are, in keys/.
        identity: whose they are.
        signer: signs the journal's checkpoints; named by the origin.
        journal_key: its private half.
        ca_pem: the only authority that the collector's certificate may come from.
        tls_key_pem: key of the client certificate.
        certificate_pem: client certificate chain, leaf first.
    """

    state_dir: Path
    identity: Identity
    signer: Signer
    journal_key: Ed25519PrivateKey
    ca_pem: bytes
    tls_key_pem: bytes
    certificate_pem: bytes

    @classmethod
    def load(cls, state_dir: Path) -> AgentKeys:
        """Read the keys; KeysError when the machine is not enrolled or a file is damaged or readable by others."""
        directory = state_dir / "keys"
        try:
            if not (directory / _IDENTITY).exists():
                raise KeysError(f"this machine is not enrolled: there is no {directory / _IDENTITY}", fix=_ENROL)
            _refuse_unsafe(directory)
            identity = _load_identity(directory / _IDENTITY)
            journal_key = _load_journal_key(directory / _JOURNAL, identity.origin)
            tls_key_pem, certificate_pem = _load_tls(directory / _TLS)
            ca_pem = (directory / _CA).read_bytes()
        except OSError as error:
            raise _unusable(directory, error) from error
        signer = Signer(identity.origin, journal_key)
        return cls(state_dir, identity, signer, journal_key, ca_pem, tls_key_pem, certificate_pem)

    @classmethod
    def create(cls, state_dir: Path, identity: Identity, ca_pem: bytes, tls_pem: bytes) -> AgentKeys:
        """Make an enrolled machine of one whose journal key was admitted; `tls_pem` is TLS key and chain."""
        directory = state_dir / "keys"
        shown = {"format": _FORMAT} | {name: getattr(identity, name) for name in Identity.__slots__}
        try:
            _write(directory / _CA, ca_pem)
            _write(directory / _TLS, tls_pem)
            _write(directory / _IDENTITY, json.dumps(shown, indent=2).encode() + b"\n")
        except OSError as error:
            raise _unusable(directory, error) from error
        return cls.load(state_dir)

    def with_certificate(self, tls_pem: bytes) -> AgentKeys:
        """The same machine with a fresh TLS key and certificate chain, durably."""
        directory = self.state_dir / "keys"
        try:
            _write(directory / _TLS, tls_pem)
        except OSError as error:
            raise _unusable(directory, error) from error
        return self.load(self.state_dir)

    @property
    def collector_receipts(self) -> Verifier:
        """The key that the collector's receipts are checked with."""
        return parse_keys(self.identity.collector_keys)[f"{self.identity.deployment}/collector"]

    @property
    def certificate(self) -> x509.Certificate:
        """The client certificate."""
        return x509.load_pem_x509_certificate(self.certificate_pem)

    def certificate_days_left(self, now: datetime) -> int:
        """Whole days until the client certificate ends; negative when it has."""
        return (self.certificate.not_valid_after_utc - now).days

    def renewal_due(self, now: datetime) -> bool:
        """Whether the certificate is in the last third of its life, or over."""
        certificate = self.certificate
        end = certificate.not_valid_after_utc
        return (end - now) * 3 < end - certificate.not_valid_before_utc


def journal_key_for(state_dir: Path, deployment: str, agent_id: str) -> Ed25519PrivateKey:
    """The key to enrol with: the one a former, unfinished enrolment left, else a fresh one, made durable here.

    KeysError when the machine is enrolled as somebody else: its journal belongs to that key.
    """
    directory = state_dir / "keys"
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            _own_like_parent(directory)
            _sync_directory(directory.parent)
        _refuse_unsafe(directory)
        if (directory / _IDENTITY).exists():
            enrolled = _load_identity(directory / _IDENTITY)
            if (enrolled.deployment, enrolled.agent_id) != (deployment, agent_id):
                raise KeysError(
                    f"this machine is already enrolled as {enrolled.agent_id} of {enrolled.deployment}",
                    cause=f"the invitation is for {agent_id} of {deployment}, and a journal keeps its name",
                    fix="use another --state-dir; move the old one away once its records have reached the collector",
                )
            return _load_journal_key(directory / _JOURNAL, enrolled.origin)
        if (directory / _JOURNAL).exists():
            left = _load_journal_key(directory / _JOURNAL, None)
            origin = journal_origin(deployment, agent_id, left.public_key().public_bytes_raw())
            if (directory / _JOURNAL).read_bytes() == _skey(Signer(origin, left), left):
                return left
        return _make_journal_key(directory / _JOURNAL, deployment, agent_id)
    except OSError as error:
        raise _unusable(directory, error) from error


def tls_pem(key: ec.EllipticCurvePrivateKey, chain_pem: bytes) -> bytes:
    """Contents of `tls.pem`."""
    return _key_pem(key) + chain_pem


def _make_journal_key(path: Path, deployment: str, agent_id: str) -> Ed25519PrivateKey:
    # A key left for another agent id never signed anything: it is replaced.
    key = Ed25519PrivateKey.generate()
    origin = journal_origin(deployment, agent_id, key.public_key().public_bytes_raw())
    _write(path, _skey(Signer(origin, key), key))
    return key


def _skey(signer: Signer, key: Ed25519PrivateKey) -> bytes:
    verifier = signer.verifier
    secret = base64.b64encode(bytes([verifier.kind]) + key.private_bytes_raw()).decode()
    return f"{_SKEY_PREFIX}{verifier.name}+{verifier.key_id.hex()}+{secret}\n".encode()


def _load_journal_key(path: Path, origin: str | None) -> Ed25519PrivateKey:
    """The key in a file; KeysError when it is damaged or, where an origin is given, not that origin's."""
    text = path.read_bytes()
    damaged = KeysError(f"{path} is damaged", cause="it is not this journal's key with its checksum", fix=_ENROL_ANEW)
    try:
        name, _, secret = text.decode("ascii").removeprefix(_SKEY_PREFIX).split("+", 2)
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret.strip(), validate=True)[1:])
        whole = _skey(Signer(name, key), key)
    except ValueError:
        raise damaged from None
    if whole != text or (origin is not None and name != origin):
        raise damaged
    return key


def _load_tls(path: Path) -> tuple[bytes, bytes]:
    data = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(data, password=None)
        chain = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise KeysError(f"{path} is damaged", cause=str(error), fix=_ENROL_ANEW) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or chain[0].public_key() != key.public_key():
        raise KeysError(f"{path} is damaged", cause="its certificate is not its key's", fix=_ENROL_ANEW)
    return _key_pem(key), b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)


def _load_identity(path: Path) -> Identity:
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        names = {name: values[name] for name in Identity.__slots__}
        identity = Identity(**names | {"collector_keys": tuple(names["collector_keys"])})
        receipts = parse_keys(identity.collector_keys)[f"{identity.deployment}/collector"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeysError(f"{path} is damaged", cause=repr(error), fix=_ENROL_ANEW) from None
    if receipts.kind != COSIGNATURE:
        raise KeysError(f"{path} is damaged", cause="the collector's key is not for receipts", fix=_ENROL_ANEW)
    return identity


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _refuse_unsafe(directory: Path) -> None:
    for path in (directory, *directory.iterdir()):
        mode = path.stat().st_mode
        if mode & _OTHERS:
            raise KeysError(
                f"{path} can be read or changed by others (mode {stat.S_IMODE(mode):04o})",
                cause="whoever read it can sign as this machine",
                fix=f"find out who could, then: chmod -R go= {directory}",
            )


def _unusable(directory: Path, error: OSError) -> KeysError:
    return KeysError(
        f"the keys in {directory} cannot be used",
        cause=f"{error.strerror} ({error.filename})",
        fix="run as the user that owns the agent's state directory, and check that its disk has room",
    )


def _write(path: Path, data: bytes) -> None:
    """Replace a file by one of mode 0600, durably: written beside, fsynced, renamed."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _own_like_parent(Path(beside))
    Path(beside).rename(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _own_like_parent(path: Path) -> None:
    """When an administrator enrols as root, the files still belong to the service's user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
