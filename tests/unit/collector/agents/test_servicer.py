"""The enrolment servicer alone: what it answers when the database fails, and to whom it stops to listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, cast

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, select
from structlog.testing import capture_logs

from collector.agents import registry
from collector.agents.guesses import ALLOWED, WITHIN
from collector.agents.servicer import Context, EnrolmentServicer
from collector.errors import StoreError
from collector.keys import CollectorKeys
from collector.store.engine import Store
from collector.store.schema import certificates, invitations
from gate_contract.v1.enrolment_pb2 import EnrolRequest, EnrolResponse
from tests.migrated import open_new

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


class AbortedError(Exception):
    """A call that ended with a status."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(code, text)
        self.code, self.text = code, text


class FakeContext:
    """A call from this peer."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def peer(self) -> str:
        return self._peer

    async def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise AbortedError(code, text)


class FullDisk(Store):
    """A database that takes nothing."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        raise StoreError("the database could not do what was asked", cause="disk full")
        yield


class Bench:
    """A servicer with a clock that is set by hand."""

    def __init__(self, directory: Path, store: Store) -> None:
        self.now, self.store = START, store
        keys = CollectorKeys.load_or_create(directory, "hainan.example", ["localhost"], START)
        self.servicer = EnrolmentServicer(store, keys, lambda _conn, _entries: 0, 90, lambda: self.now)

    def token(self) -> str:
        with self.store.write() as conn:
            return registry.invite(conn, "gate-1", "haikou", timedelta(days=1), self.now)

    def enrol(
        self, token: str, peer: str = "ipv4:10.0.0.7:50001", tls_key: rsa.RSAPrivateKey | None = None
    ) -> EnrolResponse:
        key = Ed25519PrivateKey.generate()
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        csr = builder.sign(tls_key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        der = csr.public_bytes(serialization.Encoding.DER)
        request = EnrolRequest(
            token=token,
            csr_der=der,
            journal_key=key.public_key().public_bytes_raw(),
            signature=key.sign(b"tidegate/enrol/v1\n" + token.encode() + b"\n" + der),
        )
        return asyncio.run(self.servicer.Enrol(request, cast("Context", FakeContext(peer))))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_new(f"sqlite:///{tmp_path / 'collector.db'}")
    yield opened
    opened.close()


@pytest.fixture
def bench(tmp_path: Path, store: Store) -> Bench:
    return Bench(tmp_path, store)


def aborted(work: Callable[[], object]) -> AbortedError:
    with pytest.raises(AbortedError) as caught:
        work()
    return caught.value


def test_what_was_issued_is_kept(bench: Bench) -> None:
    answer = bench.enrol(bench.token())
    with bench.store.read() as conn:
        [row] = conn.execute(select(certificates)).all()
    assert (row.origin, row.agent_id, row.pem.encode()) == (answer.origin, "gate-1", answer.certificate_pem)
    leaf = x509.load_pem_x509_certificate(answer.certificate_pem)
    assert int(row.serial, 16) == leaf.serial_number
    assert registry.moment(row.not_after_ns) == leaf.not_valid_after_utc == START + timedelta(days=90)


def test_a_request_that_is_refused_does_not_use_the_token_up(bench: Bench) -> None:
    token = bench.token()
    refused = aborted(lambda: bench.enrol(token, tls_key=rsa.generate_private_key(65537, 2048)))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert "not for an ECDSA P-256 key" in refused.text
    with bench.store.read() as conn:
        assert conn.execute(select(func.count(invitations.c.used_ns))).scalar() == 0
    assert bench.enrol(token).agent_id == "gate-1"


def test_a_peer_that_guesses_tokens_is_not_listened_to_for_a_while_and_others_are(bench: Bench) -> None:
    with capture_logs() as logs:
        for _ in range(ALLOWED):
            assert "unknown token" in aborted(lambda: bench.enrol("wrong")).text
        token = bench.token()
        stopped = [aborted(lambda: bench.enrol(token)) for _ in range(3)]
    assert {each.code for each in stopped} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert "try again in 60 s" in stopped[0].text
    assert len(logs) == ALLOWED
    assert bench.enrol(token, "ipv4:10.0.0.8:50001").agent_id == "gate-1"
    token = bench.token()
    bench.now += WITHIN
    assert bench.enrol(token).agent_id == "gate-1"


def test_a_database_that_takes_nothing_is_told_as_unavailable_and_counts_against_nobody(
    tmp_path: Path, store: Store
) -> None:
    full = FullDisk(store._engine)
    bench = Bench(tmp_path, full)
    with capture_logs() as logs:
        for _ in range(ALLOWED + 1):
            refused = aborted(lambda: bench.enrol("token"))
    assert refused.code is grpc.StatusCode.UNAVAILABLE
    assert "nothing was changed, try again later" in refused.text
    assert (logs[0]["log_level"], logs[0]["reason"]) == ("error", "the database could not do what was asked. disk full")
