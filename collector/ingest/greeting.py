"""What an agent says at its hello, against what is held here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from collector.ledger.journal import JournalHead
from collector.store.alarms import FOREIGN_RECEIPT, RESTORED_COLLECTOR, SHORT_JOURNAL, Alarm
from gate_contract.checkpoint import NoteError, Verifier, open_receipt
from gate_contract.v1.uplink_pb2 import Hello


def misfits(head: JournalHead, hello: Hello, receipts: Verifier) -> Iterator[Alarm]:
    """An alarm for each sign that the gate or this collector has lost something.

    `receipts` is the public half of the cosigning key: the receipt that the agent shows is checked with it.
    """
    held = head.frontier.size
    if hello.size < held:
        text = (
            f"a journal is shorter than its receipt: it has {hello.size} records, {held} are held here; "
            "its machine lost records or was restored"
        )
        yield Alarm(head.origin, SHORT_JOURNAL, text, hello.size)
    if not hello.receipt:
        return
    try:
        receipted = open_receipt(hello.receipt, receipts, head.origin).checkpoint.size
    except NoteError as error:
        yield Alarm(head.origin, FOREIGN_RECEIPT, f"an agent shows a receipt that is not ours: {error}")
        return
    if receipted > held:
        text = (
            f"this collector gave a receipt for {receipted} records and holds {held}: it was restored from an old "
            "backup; the agent sends them again, what it has no more as lost"
        )
        yield Alarm(head.origin, RESTORED_COLLECTOR, text, held)
