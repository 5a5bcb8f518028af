"""Who may send: invitations, admitted keys, certificates, revocation. Functions over an open connection.

A journal is one key of one agent. What changes who may send is entered in the ledger in the same transaction.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from collector.agents.authority import Issued
from collector.errors import EnrolmentError
from collector.names import SITE_ID, SITE_ID_RULE
from collector.store.schema import certificates, invitations, journals
from gate_contract.checkpoint import Verifier, journal_origin
from gate_contract.v1.ledger_pb2 import Admission, LedgerEntry, Revocation

AppendEntries = Callable[[Connection, Sequence[LedgerEntry]], int]
"""Enters into the ledger within the connection's transaction; returns the ledger index of the first entry."""

_AGENT_ID = re.compile(r"[a-z0-9-]{1,63}")
_TOKEN_BYTES = 24  # 192 bits
_LEDGER_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Journal:
    """One admitted key and how far its journal is durable here. Times are nanoseconds since 1970-01-01T00:00:00Z."""

    journal_id: int
    origin: str
    agent_id: str
    site_id: str
    verifier_key: str
    admitted_ns: int
    admission_index: int
    revoked_ns: int | None
    revoked_reason: str | None
    size: int
    peaks: bytes
    receipt: bytes
    dead_lettered: int
    last_seen_ns: int | None

    @property
    def verifier(self) -> Verifier:
        """The key that signs its checkpoints."""
        return Verifier.from_vkey(self.verifier_key)

    def refuse_revoked(self, what: str) -> None:
        """EnrolmentError when the key is revoked; `what` names that which is refused because of it."""
        if self.revoked_ns is not None:
            raise EnrolmentError(
                f"{what} of agent {self.agent_id} was revoked on {moment(self.revoked_ns):%Y-%m-%d %H:%M} UTC",
                cause=f"the operator's reason: {self.revoked_reason}",
                fix="if the machine is to send again, invite the agent anew and enrol it with an empty state directory",
            )


_JOURNAL_COLUMNS = [journals.c[name] for name in Journal.__slots__]


@dataclass(frozen=True, slots=True)
class AgentState:
    """A line of the list of agents: an admitted key, or an invitation of an agent that has none.

    Attributes:
        state: "enrolled", "revoked", or "invited" (then `origin` is None).
        records: durable here.
        certificate_end_ns: when the latest certificate ends; None when there is none.
        open_invitations: of this agent, not used and not expired.
    """

    agent_id: str
    site_id: str
    state: str
    origin: str | None
    records: int
    last_seen_ns: int | None
    certificate_end_ns: int | None
    open_invitations: int
    revoked_reason: str | None


def nanoseconds(at: datetime) -> int:
    """Nanoseconds since 1970-01-01T00:00:00Z, as the tables hold times."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def moment(at_ns: int) -> datetime:
    """The UTC time of nanoseconds since 1970-01-01T00:00:00Z."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_ns // 1000)


def invite(conn: Connection, agent_id: str, site_id: str, lifetime: timedelta, now: datetime) -> str:
    """A one-time token for an agent; an earlier invitation of it that is still open ends now.

    The token is returned once and stored only as its SHA-256. Raises EnrolmentError when an id breaks the rules.
    """
    if not _AGENT_ID.fullmatch(agent_id):
        raise EnrolmentError(
            f"{agent_id!r} cannot be an agent id", fix="use 1 to 63 lower-case letters, digits and hyphens"
        )
    if not SITE_ID.fullmatch(site_id):
        raise EnrolmentError(f"{site_id!r} cannot be a site id", fix=SITE_ID_RULE)
    _close_invitations(conn, agent_id, now)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    conn.execute(
        insert(invitations).values(
            token_sha256=_digest(token),
            agent_id=agent_id,
            site_id=site_id,
            created_ns=nanoseconds(now),
            expires_ns=nanoseconds(now + lifetime),
        )
    )
    return token


def redeem(
    conn: Connection, token: str, journal_key: bytes, deployment: str, now: datetime, *, append_entries: AppendEntries
) -> Journal:
    """Admit a journal key (Ed25519, 32 bytes) under a token, once.

    The same token from the same key is accepted again: the answer to the first time may have been lost.
    Raises EnrolmentError that tells unknown, used and expired tokens apart.
    """
    invitation = (
        conn.execute(select(invitations).where(invitations.c.token_sha256 == _digest(token))).mappings().first()
    )
    if invitation is None:
        raise EnrolmentError(
            "unknown token", cause="this collector did not make it, or it is misspelt", fix="ask for a new invitation"
        )
    agent_id, site_id = invitation["agent_id"], invitation["site_id"]
    origin = journal_origin(deployment, agent_id, journal_key)
    known = find_journal(conn, origin)
    if known is not None:
        known.refuse_revoked("the key")
        _refuse_other_site(known, site_id)
    if known is None or invitation["used_ns"] is None:
        _use(conn, invitation, now)
    return known or _admit(conn, Verifier(origin, journal_key), agent_id, site_id, now, append_entries)


def find_journal(conn: Connection, origin: str) -> Journal | None:
    """The journal with this origin, revoked or not; None when its key was never admitted."""
    row = conn.execute(select(*_JOURNAL_COLUMNS).where(journals.c.origin == origin)).mappings().first()
    return None if row is None else Journal(**row)


def is_revoked(conn: Connection, origin: str) -> bool:
    """Whether a journal's key is revoked: asked again and again while a stream lives."""
    return conn.execute(select(journals.c.revoked_ns).where(journals.c.origin == origin)).scalar() is not None


def record_certificate(conn: Connection, journal: Journal, issued: Issued) -> None:
    """Keep what was issued."""
    conn.execute(
        insert(certificates).values(
            serial=issued.serial,
            origin=journal.origin,
            agent_id=journal.agent_id,
            not_before_ns=nanoseconds(issued.not_before),
            not_after_ns=nanoseconds(issued.not_after),
            pem=issued.chain_pem.decode(),
        )
    )


def revoke(conn: Connection, agent: str, reason: str, now: datetime, *, append_entries: AppendEntries) -> list[Journal]:
    """Revoke every key of an agent id, or the one key of an origin; open invitations of an agent id end as well.

    Returns the journals that were revoked. Raises EnrolmentError when nothing of that name is left to revoke.
    """
    named = or_(journals.c.agent_id == agent, journals.c.origin == agent)
    rows = conn.execute(select(*_JOURNAL_COLUMNS).where(named).order_by(journals.c.journal_id)).mappings().all()
    found = [Journal(**row) for row in rows]
    valid = [journal for journal in found if journal.revoked_ns is None]
    closed = _close_invitations(conn, agent, now)
    if not valid and not closed:
        for journal in found[-1:]:
            journal.refuse_revoked("the key")
        raise EnrolmentError(f"there is no agent {agent}", fix="see `gate-collector agents list`")
    if valid:
        append_entries(conn, [_revocation(journal, reason, now) for journal in valid])
        conn.execute(
            update(journals)
            .where(named, journals.c.revoked_ns.is_(None))
            .values(revoked_ns=nanoseconds(now), revoked_reason=reason)
        )
    return valid


def list_agents(conn: Connection, now: datetime) -> list[AgentState]:
    """All admitted keys, and agents that are only invited, by agent id and time of admission."""
    open_now = select(invitations).where(invitations.c.used_ns.is_(None), invitations.c.expires_ns > nanoseconds(now))
    invited = {row["agent_id"]: row["site_id"] for row in conn.execute(open_now).mappings()}
    ends = select(certificates.c.origin, func.max(certificates.c.not_after_ns)).group_by(certificates.c.origin)
    end_of: dict[str, int] = {row[0]: row[1] for row in conn.execute(ends)}
    found = [
        AgentState(
            agent_id=row["agent_id"],
            site_id=row["site_id"],
            state="enrolled" if row["revoked_ns"] is None else "revoked",
            origin=row["origin"],
            records=row["size"],
            last_seen_ns=row["last_seen_ns"],
            certificate_end_ns=end_of.get(row["origin"]),
            open_invitations=int(row["agent_id"] in invited),
            revoked_reason=row["revoked_reason"],
        )
        for row in conn.execute(select(journals).order_by(journals.c.journal_id)).mappings()
    ]
    enrolled = {agent.agent_id for agent in found}
    found += [
        AgentState(agent_id, site_id, "invited", None, 0, None, None, 1, None)
        for agent_id, site_id in invited.items()
        if agent_id not in enrolled
    ]
    return sorted(found, key=lambda agent: agent.agent_id)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _close_invitations(conn: Connection, agent_id: str, now: datetime) -> int:
    """End the open invitations of an agent; returns how many there were."""
    at = nanoseconds(now)
    is_open = (invitations.c.agent_id == agent_id, invitations.c.used_ns.is_(None), invitations.c.expires_ns > at)
    return conn.execute(update(invitations).where(*is_open).values(expires_ns=at)).rowcount


def _use(conn: Connection, invitation: RowMapping, now: datetime) -> None:
    agent_id, expires_ns, at = invitation["agent_id"], invitation["expires_ns"], nanoseconds(now)
    by_key = invitations.c.token_sha256 == invitation["token_sha256"]
    # The condition decides between two machines that come with one token at the same moment.
    used = update(invitations).where(by_key, invitations.c.used_ns.is_(None)).values(used_ns=at)
    if invitation["used_ns"] is None and expires_ns <= at:
        raise EnrolmentError(
            f"the token for agent {agent_id} expired on {moment(expires_ns):%Y-%m-%d %H:%M} UTC",
            cause="its time was over, or a newer invitation replaced it",
            fix="use the newest invitation or ask for a new one",
        )
    if conn.execute(used).rowcount == 0:
        used_ns = conn.execute(select(invitations.c.used_ns).where(by_key)).scalar_one()
        raise EnrolmentError(
            f"the token for agent {agent_id} was used on {moment(used_ns):%Y-%m-%d %H:%M} UTC by another key",
            fix="ask for a new invitation; if nobody knows that machine, revoke the agent",
        )


def _refuse_other_site(known: Journal, site_id: str) -> None:
    if known.site_id != site_id:
        raise EnrolmentError(
            f"the key of agent {known.agent_id} serves site {known.site_id}, the invitation is for {site_id}",
            fix="enrol with an empty state directory: another site needs another journal",
        )


def _admit(
    conn: Connection, verifier: Verifier, agent_id: str, site_id: str, now: datetime, append_entries: AppendEntries
) -> Journal:
    admission = Admission(agent_id=agent_id, site_id=site_id, origin=verifier.name, verifier_key=verifier.vkey())
    entry = LedgerEntry(format=_LEDGER_FORMAT, entered_unix_ns=nanoseconds(now), admission=admission)
    values = {
        "origin": verifier.name,
        "agent_id": agent_id,
        "site_id": site_id,
        "verifier_key": verifier.vkey(),
        "admitted_ns": nanoseconds(now),
        "admission_index": append_entries(conn, [entry]),
    }
    row = conn.execute(insert(journals).values(values).returning(*_JOURNAL_COLUMNS)).mappings().one()
    return Journal(**row)


def _revocation(journal: Journal, reason: str, now: datetime) -> LedgerEntry:
    revocation = Revocation(agent_id=journal.agent_id, origin=journal.origin, reason=reason)
    return LedgerEntry(format=_LEDGER_FORMAT, entered_unix_ns=nanoseconds(now), revocation=revocation)
