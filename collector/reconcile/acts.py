"""What officers did about passages, as far as it counts: signature, office and authority are checked here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select

from collector.ledger.log import Ledger
from collector.reconcile.queue import AT_ONCE, advance, portions, position
from collector.store import schema
from collector.store.alarms import Alarm, raise_alarm
from collector.store.engine import Store
from gate_contract.acts import ActError, OpenedAct, open_act
from gate_contract.v1.order_pb2 import Officer

CURSOR: Final = "reconcile/acts"

BAD_ACT: Final = "officer-act-refused"
"""Kind of alarm: an act that does not hold, e.g. badly signed."""


def acts_of(
    connection: Connection, passage_ids: Collection[str], officers: Mapping[str, Officer], until_ns: int | None = None
) -> dict[str, list[OpenedAct]]:
    """Acts that count, by passage; those told twice are there twice (gate_contract.holds counts them once).

    `until_ns` leaves out what came later, nanoseconds since 1970-01-01T00:00:00Z; None leaves out nothing.
    """
    table = schema.officer_acts.c
    found: dict[str, list[OpenedAct]] = defaultdict(list)
    for some in portions(sorted(passage_ids), AT_ONCE):
        query = select(table.passage_id, table.body).where(table.passage_id.in_(some))
        if until_ns is not None:
            query = query.where(table.received_ns <= until_ns)
        for row in connection.execute(query.order_by(table.at_ns, table.act_id)):
            try:
                found[row.passage_id].append(open_act(row.body, officers))
            except ActError:
                continue  # alarmed when it came
    return found


def packages_counted(acts: Iterable[OpenedAct]) -> int | None:
    """What the last officer who counted packages counted; None when nobody did."""
    counts = [
        (opened.act.at_unix_ns, opened.act.act_id, opened.act.inspection.packages)
        for opened in acts
        if opened.act.WhichOneof("what") == "inspection" and opened.act.inspection.HasField("packages")
    ]
    return max(counts)[2] if counts else None


def alarm_bad_acts(store: Store, ledger: Ledger, officers: Mapping[str, Officer], now_unix_ns: int) -> None:
    """An alarm for each act that came since the last call and does not hold."""
    table, journals = schema.officer_acts.c, schema.journals.c
    with store.read() as connection:
        start = position(connection, CURSOR)
        query = (
            select(journals.origin, table.record_index, table.received_ns, table.body)
            .join(schema.journals, journals.journal_id == table.journal_id)
            .where(table.received_ns >= start)
            .order_by(table.received_ns)
        )
        rows = connection.execute(query).all()
    if not rows:
        return
    alarms = [alarm for row in rows for alarm in _refusal(row.origin, row.record_index, row.body, officers)]
    with store.write() as connection:
        for alarm in alarms:
            raise_alarm(connection, ledger, alarm, now_unix_ns)
        advance(connection, CURSOR, rows[-1].received_ns + 1)


def _refusal(origin: str, index: int, body: bytes, officers: Mapping[str, Officer]) -> Sequence[Alarm]:
    try:
        open_act(body, officers)
    except ActError as error:
        detail = f"record {index}: {error}; it has no effect. See who recorded it at the gate, and under whose name"
        return [Alarm(origin, BAD_ACT, detail, index)]
    return []
