"""Destroying keys, and entering it in the ledger: what was sealed under them is unreadable from then on.

The key goes first. When the program ends between the two, the key store still knows what the ledger is owed, and the
next forgetting, or the next hour of the service, enters it. Should two programs do so at once, an entry stands twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from collector.ledger.log import FORMAT, Ledger, read_entries
from collector.privacy.keystore import KeyEntry, KeyStore
from collector.privacy.pictures import EVIDENCE, PICTURE, delete_pictures, doom, picture_there
from collector.registers.intake import withdraw
from collector.registers.reading import latest
from collector.store.engine import Store
from gate_contract.v1.ledger_pb2 import KeyDestroyed, LedgerEntry
from gate_contract.v1.register_pb2 import ITEM_KIND_MANIFEST


def forget(
    store: Store, ledger: Ledger, keys: KeyStore, doomed: Sequence[KeyEntry], *, actor: str, reason: str, now_ns: int
) -> None:
    """Destroy keys and enter each destruction; `reason` stays in the ledger for ever, so it must name nobody.

    All of them or none: a person of whom half was forgotten when the power failed would have to be asked for again.
    """
    with keys.writing():
        for entry in doomed:
            if entry.kind == PICTURE:
                doom(keys, entry.key_id, actor, reason)
            else:
                keys.destroy(entry.key_id, actor, reason)
    enter_owed(store, ledger, keys, now_ns)


def take_from_gates(store: Store, ledger: Ledger, doomed: Sequence[KeyEntry], now_ns: int) -> None:
    """Withdraw the manifests of sailings whose key goes before its term: a gate destroys a key that no manifest names.

    At its term a gate destroys its copy by itself.
    """
    sailings = [entry.name for entry in doomed if entry.kind == "sailing"]
    if not sailings:
        return
    with store.write() as connection:
        held = latest(connection, ITEM_KIND_MANIFEST, sailings)
        withdraw(connection, ledger, ITEM_KIND_MANIFEST, sorted(held), now_ns)


def enter_owed(store: Store, ledger: Ledger, keys: KeyStore, now_ns: int) -> int:
    """Enter the destructions that are not in the ledger yet, pictures once they are deleted; returns how many."""
    owed = keys.owed()
    if not owed:
        return 0
    entries = [
        LedgerEntry(
            format=FORMAT,
            entered_unix_ns=now_ns,
            key_destroyed=KeyDestroyed(key_id=each.key_id, kind=each.kind, actor=each.actor, reason=each.reason),
        )
        for each in owed
    ]
    with store.write() as connection:
        delete_pictures(connection, keys.path.parent / EVIDENCE, [each.key_id for each in owed if each.kind == PICTURE])
        ledger.append(connection, entries)
    keys.settle(owed)
    return len(owed)


def came_back(connection: Connection, keys: KeyStore) -> list[KeyEntry]:
    """Keys and pictures that are there although the ledger says they were destroyed: an old copy was put back."""
    found: dict[str, KeyEntry] = {}
    for _, body in read_entries(connection, 0):
        entry = LedgerEntry.FromString(body)
        if entry.WhichOneof("body") != "key_destroyed":
            continue
        key_id = entry.key_destroyed.key_id
        is_picture = entry.key_destroyed.kind == PICTURE
        there = picture_there(keys.path.parent / EVIDENCE, key_id) if is_picture else keys.entry(key_id)
        if there is not None:
            found[there.key_id] = there
    return list(found.values())
