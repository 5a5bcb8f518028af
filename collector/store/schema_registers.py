"""Tables of what decisions rest on besides declarations, of what officers did, and of cases.

Everything here that a decision rests on is in the ledger or in a journal; the tables serve to find it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
)

from collector.store.base import digest, metadata

# One version of one entry of a register; `body` is the serialised RegisterItem, as in the ledger.
register_items = Table(
    "register_items",
    metadata,
    Column("kind", Integer, nullable=False),  # register_pb2.ItemKind
    Column("item_key", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("site_id", String, nullable=False),  # "": every site
    Column("received_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),  # 0: never
    Column("withdrawn", Boolean, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("ledger_index", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("kind", "item_key", "version"),
    Index("register_items_by_arrival", "ledger_index"),
    Index("register_items_latest", "kind", "latest", "item_key"),
)

# What officers did at a gate, as their machine recorded it. Whether an act counts is judged when it is read:
# signature, authority and office are checked against the register of officers.
officer_acts = Table(
    "officer_acts",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("record_index", BigInteger, nullable=False),
    Column("act_id", String, nullable=False),
    Column("passage_id", String, nullable=False),
    Column("officer_id", String, nullable=False),
    Column("authority", String, nullable=False),
    Column("kind", String, nullable=False),  # lift, inspection, override
    Column("at_ns", BigInteger, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised SignedAct
    PrimaryKeyConstraint("journal_id", "record_index"),
    Index("officer_acts_by_passage", "passage_id"),
    Index("officer_acts_by_id", "act_id"),
    Index("officer_acts_by_time", "received_ns"),
)

actuations = Table(
    "actuations",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("record_index", BigInteger, nullable=False),
    Column("actuation_id", String, nullable=False),
    Column("passage_id", String, nullable=False),
    Column("lane_id", String, nullable=False),
    Column("commanded_ns", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised Actuation
    PrimaryKeyConstraint("journal_id", "record_index"),
    Index("actuations_by_passage", "passage_id"),
)

# Documents shown in passages, for what is asked of other passages of the same document (P05, P08). Derived.
passage_documents = Table(
    "passage_documents",
    metadata,
    Column("pseudonym", LargeBinary, nullable=False),
    Column("passage_id", String, nullable=False),
    Column("site_id", String, nullable=False),
    Column("direction", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    digest("passage_documents"),
    PrimaryKeyConstraint("pseudonym", "passage_id"),
    Index("passage_documents_by_passage", "passage_id"),
)

# Ships heard by a site's AIS receiver: first and last time of one stay in the port. Derived.
vessels_seen = Table(
    "vessels_seen",
    metadata,
    Column("site_id", String, nullable=False),
    Column("mmsi", BigInteger, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    digest("vessels_seen"),
    PrimaryKeyConstraint("site_id", "mmsi", "first_ns"),
    Index("vessels_seen_by_time", "site_id", "last_ns"),
)

# Which declarations each verdict was judged against, those that were superseded too: `matches` has the last ones only.
verdict_declarations = Table(
    "verdict_declarations",
    metadata,
    Column("declaration_id", String, nullable=False),
    Column("passage_id", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("declaration_id", "passage_id", "sequence"),
    Index("verdict_declarations_by_passage", "passage_id", "sequence"),
)

# Tickets of all manifests, so that the crossings of one traveller are found over all sailings (P08). Derived.
manifest_tickets = Table(
    "manifest_tickets",
    metadata,
    Column("sailing_id", String, nullable=False),
    Column("pseudonym", LargeBinary, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("ledger_index", BigInteger, nullable=False),  # of the manifest that named it first
    digest("manifest_tickets"),
    PrimaryKeyConstraint("sailing_id", "pseudonym"),
    Index("manifest_tickets_by_pseudonym", "pseudonym"),
    Index("manifest_tickets_by_subject", "subject_id"),
)

# Findings that need a person. What a case is now; it follows from its events in the ledger.
cases = Table(
    "cases",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("subject", String, nullable=False),
    Column("subject_kind", String, nullable=False),  # passage, declaration, sailing, journal
    Column("authority", String, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", String, nullable=False),  # open, decided
    Column("outcome", Integer, nullable=False),  # case_pb2.CaseOutcome
    Column("assignee", String, nullable=False),
    Column("level", Integer, nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("deadline_ns", BigInteger, nullable=False),
    Column("decided_ns", BigInteger),
    Column("last_sequence", Integer, nullable=False),
    Index("cases_open", "state", "deadline_ns"),
    Index("cases_by_subject", "subject_kind", "subject"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("case_id", String, ForeignKey("cases.case_id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("ledger_index", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised CaseEvent
    PrimaryKeyConstraint("case_id", "sequence"),
)

# Seeds of the draws. The seed is secret until it is published; commitment and publication are in the ledger.
draw_seeds = Table(
    "draw_seeds",
    metadata,
    Column("day", String, primary_key=True),  # UTC, YYYY-MM-DD
    Column("commitment", LargeBinary, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("committed_index", BigInteger, nullable=False),
    Column("published_index", BigInteger),
)
