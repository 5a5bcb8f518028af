"""Who a verified client certificate says it is, and whether that one may send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from collector.agents import registry
from collector.agents.authority import Authority
from collector.agents.identity import PeerIdentity, authorise, identity_of
from collector.errors import EnrolmentError
from tests.migrated import open_new

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AUTHORITY = Authority.make("hainan.example", NOW)


class FakeContext:
    """A call of a peer with this certificate."""

    def __init__(self, *pems: bytes) -> None:
        self._pems = pems

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {"x509_pem_cert": self._pems} if self._pems else {}


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    store = open_new(f"sqlite:///{tmp_path / 'collector.db'}")
    with store.write() as connection:
        yield connection
    store.close()


def admitted(conn: Connection) -> PeerIdentity:
    token = registry.invite(conn, "gate-1", "haikou", timedelta(days=1), NOW)
    journal = registry.redeem(conn, token, bytes(32), "hainan.example", NOW, append_entries=lambda _conn, _entries: 0)
    return PeerIdentity(journal.origin, "gate-1", "abc")


def test_origin_agent_and_serial_are_read_from_the_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    der = request.public_bytes(serialization.Encoding.DER)
    issued = AUTHORITY.issue_client(der, "gate-1", "hainan.example/agent/gate-1/00", 90, NOW)
    leaf = issued.chain_pem[: issued.chain_pem.index(b"-----END") + 26]
    identity = identity_of(FakeContext(leaf))
    assert identity == PeerIdentity("hainan.example/agent/gate-1/00", "gate-1", issued.serial)


def test_a_certificate_without_a_journal_and_no_certificate_are_refused() -> None:
    _, server_chain = AUTHORITY.issue_server(["localhost"], NOW)
    for context in (FakeContext(server_chain), FakeContext(AUTHORITY.certificate_pem), FakeContext()):
        with pytest.raises(EnrolmentError, match="no certificate that names a journal"):
            identity_of(context)


def test_an_admitted_journal_is_found(conn: Connection) -> None:
    identity = admitted(conn)
    assert authorise(conn, identity).origin == identity.origin


def test_a_revoked_one_is_told_when_and_why(conn: Connection) -> None:
    identity = admitted(conn)
    registry.revoke(conn, "gate-1", "stolen", NOW, append_entries=lambda _conn, _entries: 0)
    with pytest.raises(EnrolmentError, match="certificate abc of agent gate-1 was revoked on 2026-11-22 12:00 UTC"):
        authorise(conn, identity)


def test_a_journal_of_which_nothing_is_known_is_refused(conn: Connection) -> None:
    with pytest.raises(EnrolmentError, match=r"never admitted its journal sanya.example/agent/gate-1/00"):
        authorise(conn, PeerIdentity("sanya.example/agent/gate-1/00", "gate-1", "abc"))
