"""Who is at the other end of a mutual TLS connection, and whether it may send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.x509.oid import NameOID
from sqlalchemy import Connection, and_, or_, select, update

from collector.agents import registry
from collector.agents.authority import ORIGIN_SCHEME
from collector.agents.registry import Journal
from collector.errors import EnrolmentError
from collector.store.schema import certificates


class Authenticated(Protocol):
    """A gRPC servicer's context, as far as it is needed here."""

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """What TLS found out about the peer."""


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """What a client certificate, verified by TLS against our authority, says.

    Attributes:
        origin: of the journal whose machine this is.
        agent_id: its agent.
        serial: serial number of the certificate, hexadecimal.
    """

    origin: str
    agent_id: str
    serial: str


def identity_of(context: Authenticated) -> PeerIdentity:
    """The peer of a call on the mutual TLS port; EnrolmentError when its certificate names no journal."""
    for pem in context.auth_context().get("x509_pem_cert", ()):
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        origins = [uri.removeprefix(ORIGIN_SCHEME) for uri in _uris(certificate) if uri.startswith(ORIGIN_SCHEME)]
        if len(names) == 1 and len(origins) == 1:
            return PeerIdentity(origins[0], str(names[0].value), f"{certificate.serial_number:x}")
    raise EnrolmentError(
        "the client shows no certificate that names a journal", fix="enrol the machine with `edge-agent enrol`"
    )


def authorise(conn: Connection, identity: PeerIdentity) -> Journal:
    """The journal this peer may send records of; EnrolmentError, ready for PERMISSION_DENIED, when it may not."""
    what = f"certificate {identity.serial}"
    journal = registry.find_journal(conn, identity.origin)
    if journal is None:
        raise EnrolmentError(
            f"{what} of agent {identity.agent_id}: this collector never admitted its journal {identity.origin}",
            cause="the collector's database is older than the admission, or it is another deployment's",
            fix="invite the agent and enrol it again",
        )
    journal.refuse_revoked(what)
    _refuse_replaced(conn, identity, what)
    return journal


def note_used(conn: Connection, identity: PeerIdentity, now_ns: int) -> None:
    """Note in the caller's write transaction that this certificate is in use: those before it are over."""
    first = certificates.c.used_ns.is_(None)
    conn.execute(update(certificates).where(certificates.c.serial == identity.serial, first).values(used_ns=now_ns))


def _refuse_replaced(conn: Connection, identity: PeerIdentity, what: str) -> None:
    """A certificate is over once a newer one of the same journal was used: it may have been copied before.

    Until then both count, so a machine that lost the answer to its renewal is not shut out.
    """
    table, own = certificates.c, certificates.alias("own").c
    later = or_(
        table.not_before_ns > own.not_before_ns,
        and_(table.not_before_ns == own.not_before_ns, table.used_ns > own.used_ns),  # made within one second
    )
    newer = select(table.serial).where(
        own.serial == identity.serial, table.origin == identity.origin, table.used_ns.is_not(None), later
    )
    serial = conn.scalars(newer.order_by(table.not_before_ns.desc()).limit(1)).first()
    if serial is not None:
        raise EnrolmentError(
            f"{what} of agent {identity.agent_id} was replaced by certificate {serial}, which is in use",
            cause="an old certificate was copied, or the machine was put back to an older state",
            fix="if the machine is the right one it renews by itself; if nobody knows this one, revoke the agent",
        )


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
