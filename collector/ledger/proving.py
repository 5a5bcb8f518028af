"""Making bundles: finding a record in the database and gathering what proves it."""

from __future__ import annotations

import base64

from sqlalchemy import Connection, select

from collector.errors import CollectorError
from collector.ledger import log
from collector.ledger.bundle import FORMAT, Bundle, LedgerPart, ProvedEntry, ProvedRecord
from collector.ledger.journal import JournalHead, head_of, stored_records, stored_tree
from collector.ledger.tiles import StoredTree
from collector.store import schema
from gate_contract.envelope import MAX_SIZE
from gate_contract.merkle import inclusion_proof


def prove(connection: Connection, name: str) -> Bundle:
    """A bundle for one record, in the caller's read transaction.

    `name` is "<origin>#<index>", "<agent id>#<index>" (when the agent has one journal only), or the id of a passage,
    whose latest revision is meant. Raises CollectorError when there is no such record.
    """
    journal, index = _find(connection, name)
    if index >= journal.frontier.size and _came_live(connection, journal, index):
        raise CollectorError(
            f"record {index} of {journal.origin} came ahead of the gate's backlog, and no receipt covers it yet",
            fix="prove it when the backlog has come; `gate-collector stats` shows how many are ahead",
        )
    if not 0 <= index < journal.frontier.size:
        raise CollectorError(
            f"there is no record {name}", cause=f"the journal {journal.origin} holds {journal.frontier.size} records"
        )
    return _bundle(connection, journal, index)


def _bundle(connection: Connection, journal: JournalHead, index: int) -> Bundle:
    head = log.read_head(connection)
    tree = log.stored_tree(connection)
    size = head.frontier.size
    raw = stored_records(connection, journal.journal_id, index, index + 1).get(index)
    if raw is None:
        raise CollectorError(
            f"the bytes of record {index} of {journal.origin} were lost at the gate",
            cause="only their hash is under the agent's signature",
            fix="the loss is told by a record of the same journal: `gate-collector incidents`",
        )
    proof = inclusion_proof(index, journal.frontier.size, stored_tree(connection, journal).node)
    return Bundle(
        format=FORMAT,
        record=ProvedRecord(data=_base64(raw), index=index, origin=journal.origin, proof=list(map(_base64, proof))),
        receipt=journal.receipt.decode(errors="replace"),
        ledger=LedgerPart(
            checkpoint=head.checkpoint.decode(errors="replace"),
            admission=_entry(connection, tree, _admission(connection, journal), size),
            growth=_entry(connection, tree, _last_growth(connection, journal), size),
            verdicts=[_entry(connection, tree, at, size) for at in _verdicts(connection, journal, index)],
        ),
    )


def _find(connection: Connection, name: str) -> tuple[JournalHead, int]:
    passage = _passage(connection, name)
    if passage is not None:
        return passage
    owner, mark, number = name.rpartition("#")
    if not (mark and number.isascii() and number.isdigit()):
        raise CollectorError(
            f"there is no passage {name!r}", fix="give a passage id, or a record as ORIGIN#INDEX or AGENT#INDEX"
        )
    return _journal(connection, owner), min(int(number), MAX_SIZE)


def _passage(connection: Connection, passage_id: str) -> tuple[JournalHead, int] | None:
    """The latest revision, in the journal that spoke of the passage first."""
    table, journals = schema.passages.c, schema.journals.c
    query = select(journals.origin, table.record_index).join(schema.journals, journals.journal_id == table.journal_id)
    rows = connection.execute(
        query.where(table.passage_id == passage_id).order_by(table.received_ns, table.journal_id, table.revision)
    ).all()
    if not rows:
        return None
    latest = [row for row in rows if row.origin == rows[0].origin][-1]
    return _journal(connection, latest.origin), latest.record_index


def _came_live(connection: Connection, journal: JournalHead, index: int) -> bool:
    table = schema.live_records.c
    found = select(table.record_index).where(table.journal_id == journal.journal_id, table.record_index == index)
    return connection.scalars(found).one_or_none() is not None


def _journal(connection: Connection, owner: str) -> JournalHead:
    table = schema.journals.c
    origins = connection.scalars(
        select(table.origin).where((table.origin == owner) | (table.agent_id == owner)).order_by(table.journal_id)
    ).all()
    if len(origins) > 1:
        raise CollectorError(
            f"agent {owner} has {len(origins)} journals", fix=f"name one of them: {', '.join(origins)}"
        )
    head = head_of(connection, origins[0]) if origins else None
    if head is None:
        raise CollectorError(f"there is no journal or agent {owner!r}", fix="see `gate-collector stats`")
    return head


def _admission(connection: Connection, journal: JournalHead) -> int:
    table = schema.journals.c
    index: int = connection.scalars(select(table.admission_index).where(table.journal_id == journal.journal_id)).one()
    return index


def _last_growth(connection: Connection, journal: JournalHead) -> int:
    table = schema.batches.c
    newest = select(table.ledger_index).where(table.journal_id == journal.journal_id).order_by(table.first_index.desc())
    index: int = connection.scalars(newest.limit(1)).one()
    return index


def _verdicts(connection: Connection, journal: JournalHead, index: int) -> list[int]:
    """Ledger indices of the verdicts on the passage's revision that this record is."""
    passages, verdicts = schema.passages.c, schema.verdicts.c
    same = (
        (verdicts.passage_id == passages.passage_id)
        & (verdicts.revision == passages.revision)
        & (verdicts.journal_id == passages.journal_id)
    )
    query = select(verdicts.ledger_index).join(schema.passages, same)
    this = query.where(passages.journal_id == journal.journal_id, passages.record_index == index)
    return list(connection.scalars(this.order_by(verdicts.sequence)))


def _entry(connection: Connection, tree: StoredTree, index: int, size: int) -> ProvedEntry:
    found = dict(log.read_entries(connection, index, index + 1))
    if index not in found:
        raise CollectorError(f"ledger entry {index} is missing", fix="run `gate-collector audit`")
    proof = inclusion_proof(index, size, tree.node)
    return ProvedEntry(data=_base64(found[index]), index=index, proof=list(map(_base64, proof)))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
