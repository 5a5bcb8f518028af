"""Enrolment and renewal over gRPC. Every refusal is told to the machine in words and leaves one line in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias

import grpc
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from collector.agents import registry
from collector.agents.guesses import Guesses
from collector.agents.identity import PeerIdentity, authorise, identity_of
from collector.agents.registry import AppendEntries, Journal
from collector.errors import EnrolmentError, StoreError
from collector.keys import CollectorKeys
from collector.store.engine import Store
from gate_contract.v1.enrolment_pb2 import EnrolRequest, EnrolResponse, RenewRequest, RenewResponse
from gate_contract.v1.enrolment_pb2_grpc import EnrolmentServiceServicer

__all__ = ["EnrolmentServicer", "PeerIdentity", "authorise", "identity_of"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in the stubs, not at run time

log = structlog.get_logger()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EnrolmentServicer(EnrolmentServiceServicer):
    """Admits keys under one-time tokens and gives admitted keys fresh certificates.

    Refusals are PERMISSION_DENIED; RESOURCE_EXHAUSTED for a peer that was refused too often; UNAVAILABLE when the
    database cannot: then nothing has happened and the same request may come again.
    """

    def __init__(
        self,
        store: Store,
        keys: CollectorKeys,
        append_entries: AppendEntries,
        certificate_days: int,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._store, self._keys, self._append = store, keys, append_entries
        self._days, self._now = certificate_days, now
        self._guesses = Guesses()

    async def Enrol(self, request: EnrolRequest, context: Context) -> EnrolResponse:  # noqa: N802 - gRPC's name
        """Admit a key under a token."""
        journal, chain_pem = await self._answer("enrolment", lambda conn: self._enrol(conn, request), context)
        return EnrolResponse(
            agent_id=journal.agent_id,
            site_id=journal.site_id,
            origin=journal.origin,
            certificate_pem=chain_pem,
            collector_keys=self._keys.vkeys(),
        )

    async def Renew(self, request: RenewRequest, context: Context) -> RenewResponse:  # noqa: N802 - gRPC's name
        """A fresh certificate for an admitted key."""
        _, chain_pem = await self._answer("renewal", lambda conn: self._renew(conn, request), context)
        return RenewResponse(certificate_pem=chain_pem)

    def _enrol(self, conn: Connection, request: EnrolRequest) -> tuple[Journal, bytes]:
        signed = b"tidegate/enrol/v1\n" + request.token.encode() + b"\n" + request.csr_der
        _check_possession(request.journal_key, request.signature, signed)
        journal = registry.redeem(
            conn,
            request.token,
            request.journal_key,
            self._keys.deployment,
            self._now(),
            append_entries=self._append,
        )
        return journal, self._issue(conn, journal, request.csr_der)

    def _renew(self, conn: Connection, request: RenewRequest) -> tuple[Journal, bytes]:
        journal = registry.find_journal(conn, request.origin)
        if journal is None:
            raise EnrolmentError(
                f"this collector never admitted a journal {request.origin[:200]}",
                fix=f"if the machine belongs to {self._keys.deployment}, invite its agent and enrol it",
            )
        signed = b"tidegate/renew/v1\n" + request.origin.encode() + b"\n" + request.csr_der
        _check_possession(journal.verifier.public_key, request.signature, signed)
        journal.refuse_revoked("the key")
        return journal, self._issue(conn, journal, request.csr_der)

    def _issue(self, conn: Connection, journal: Journal, csr_der: bytes) -> bytes:
        issued = self._keys.issue(csr_der, journal.agent_id, journal.origin, self._days, self._now())
        registry.record_certificate(conn, journal, issued)
        return issued.chain_pem

    async def _answer(
        self, what: str, work: Callable[[Connection], tuple[Journal, bytes]], context: Context
    ) -> tuple[Journal, bytes]:
        """Do the work in one transaction off the event loop; turn what goes wrong into a status and a log line."""
        peer = context.peer()
        wait = self._guesses.wait(peer, self._now())
        if wait:
            # Not logged: what led here was, line by line.
            text = f"too many refused requests from this address; try again in {wait.total_seconds():.0f} s"
            await _abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        try:
            journal, chain_pem = await asyncio.to_thread(self._in_transaction, work)
        except EnrolmentError as error:
            self._guesses.refused(peer, self._now())
            log.warning("request refused", request=what, peer=peer, reason=str(error))
            await _abort(context, grpc.StatusCode.PERMISSION_DENIED, str(error))
        except StoreError as error:
            log.error("request not possible", request=what, peer=peer, reason=str(error))  # noqa: TRY400 - no traceback: it is in words
            text = "the collector's database cannot be written now; nothing was changed, try again later"
            await _abort(context, grpc.StatusCode.UNAVAILABLE, text)
        log.info("request granted", request=what, peer=peer, agent=journal.agent_id, origin=journal.origin)
        return journal, chain_pem

    def _in_transaction(self, work: Callable[[Connection], tuple[Journal, bytes]]) -> tuple[Journal, bytes]:
        with self._store.write() as conn:
            return work(conn)


def _check_possession(public_key: bytes, signature: bytes, signed: bytes) -> None:
    """The sender holds the private half of the journal's key; EnrolmentError when it does not."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise EnrolmentError("the request is not signed with the journal's key") from None


async def _abort(context: Context, code: grpc.StatusCode, text: str) -> NoReturn:
    await context.abort(code, text)
    raise AssertionError("abort does not return")
