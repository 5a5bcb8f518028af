"""What is entered into registers becomes versions, each with its ledger entry; what says nothing new is left alone.

Everything here runs in the caller's write transaction: what is entered together is durable together or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self, TypeAlias

from google.protobuf.message import Message
from sqlalchemy import Connection, insert, select, tuple_, update

from collector.errors import CollectorError
from collector.ledger.log import FORMAT as LEDGER_FORMAT
from collector.ledger.log import Ledger, read_head
from collector.store import schema
from gate_contract.registers import FORMAT, open_item
from gate_contract.v1.ledger_pb2 import LedgerEntry
from gate_contract.v1.register_pb2 import ItemKind, RegisterItem

Kind: TypeAlias = ItemKind.ValueType

AT_ONCE = 500
"""Items looked up and stored in one statement."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """What is to hold from now on under one key of one register.

    Attributes:
        kind: which register.
        key: names it there, see ItemKind.
        body: the serialised message of the kind.
        site_id: site it is for; "" for every site. Once it was for another one it is for every site.
        expires_unix_ns: from then on gates forget it, nanoseconds since 1970-01-01T00:00:00Z; 0 for never.
        withdrawn: it does not hold any more; `withdraw` sets it.
    """

    kind: Kind
    key: str
    body: bytes
    site_id: str = ""
    expires_unix_ns: int = 0
    withdrawn: bool = False

    @classmethod
    def of(cls, kind: Kind, key: str, body: Message, *, site_id: str = "", expires_unix_ns: int = 0) -> Self:
        """From the message itself."""
        return cls(kind, key, body.SerializeToString(deterministic=True), site_id, expires_unix_ns)


class Entered(NamedTuple):
    """One new version: where it is. `version` is 1 for what was not known before."""

    kind: Kind
    key: str
    version: int
    ledger_index: int


class _Known(NamedTuple):
    version: int
    said: NewItem | None


def enter(connection: Connection, ledger: Ledger, items: Sequence[NewItem], now_unix_ns: int) -> list[Entered]:
    """Enter what is new or changed, in its order; returns the versions made. What is known already makes none.

    Args:
        connection: in a write transaction.
        ledger: receives one entry a version.
        items: of any registers; of two under one key the later one is the higher version.
        now_unix_ns: when the collector learned of them, nanoseconds since 1970-01-01T00:00:00Z.

    Raises:
        RegisterError: an item's body is no message of its kind; the caller's transaction must not be committed.
    """
    if not items:
        return []
    # The head's lock first: on PostgreSQL two who read the same last version would both make the next one.
    read_head(connection, lock=True)
    entered: list[Entered] = []
    for portion in _portions(items):
        entered += _enter(connection, ledger, portion, now_unix_ns)
    return entered


def withdraw(
    connection: Connection, ledger: Ledger, kind: Kind, keys: Sequence[str], now_unix_ns: int
) -> list[Entered]:
    """Take entries back: a new version of each says that it does not hold any more. What is withdrawn stays so.

    Raises:
        CollectorError: there is none of this key; the caller's transaction must not be committed.
    """
    read_head(connection, lock=True)
    items: list[NewItem] = []
    for start in range(0, len(keys), AT_ONCE):
        portion = keys[start : start + AT_ONCE]
        known = _known(connection, [(kind, key) for key in portion])
        for key in portion:
            said = known.get((kind, key), _NOTHING).said
            if said is None:
                raise CollectorError(
                    f"there is no {register_name(kind)} {key!r}",
                    fix=f"`gate-collector registers list {register_name(kind)}` shows what there is",
                )
            items.append(NewItem(kind, key, said.body, said.site_id, said.expires_unix_ns, withdrawn=True))
    return enter(connection, ledger, items, now_unix_ns)


def register_name(kind: Kind) -> str:
    """The register in a word, as the commands take it: "sailing", "manifest" ..."""
    return ItemKind.Name(kind).removeprefix("ITEM_KIND_").lower()


_NOTHING = _Known(0, None)


def _portions(items: Sequence[NewItem]) -> Iterator[Sequence[NewItem]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def _enter(connection: Connection, ledger: Ledger, items: Sequence[NewItem], now_unix_ns: int) -> list[Entered]:
    known = _known(connection, [(item.kind, item.key) for item in items])
    fresh: list[RegisterItem] = []
    for given in items:
        before = known.get((given.kind, given.key), _NOTHING)
        item = _for_all_who_had_it(given, before.said)
        if before.said == item:
            continue
        made = _made(item, before.version + 1, now_unix_ns)
        known[item.kind, item.key] = _Known(made.version, item)
        fresh.append(made)
    if not fresh:
        return []
    first = ledger.append(
        connection,
        [LedgerEntry(format=LEDGER_FORMAT, entered_unix_ns=now_unix_ns, item=item) for item in fresh],
    )
    _outdate(connection, fresh)
    highest = {(item.kind, item.key): item.version for item in fresh}
    connection.execute(
        insert(schema.register_items),
        [
            {**item_row(item, index), "latest": highest[item.kind, item.key] == item.version}
            for index, item in enumerate(fresh, first)
        ],
    )
    return [Entered(item.kind, item.key, item.version, index) for index, item in enumerate(fresh, first)]


def _for_all_who_had_it(item: NewItem, before: NewItem | None) -> NewItem:
    """What moves to another site is for every site from then on: gates of the old one would never learn of it."""
    if before is None or before.site_id == item.site_id:
        return item
    return replace(item, site_id="")


def _made(item: NewItem, version: int, now_unix_ns: int) -> RegisterItem:
    made = RegisterItem(
        format=FORMAT,
        kind=item.kind,
        key=item.key,
        version=version,
        site_id=item.site_id,
        received_unix_ns=now_unix_ns,
        expires_unix_ns=item.expires_unix_ns,
        withdrawn=item.withdrawn,
        body=item.body,
    )
    open_item(made.SerializeToString(deterministic=True))  # what no gate could read is never entered
    return made


def item_row(item: RegisterItem, ledger_index: int) -> dict[str, object]:
    """Its row in `register_items`, all but `latest`."""
    return {
        "kind": item.kind,
        "item_key": item.key,
        "version": item.version,
        "site_id": item.site_id,
        "received_ns": item.received_unix_ns,
        "expires_ns": item.expires_unix_ns,
        "withdrawn": item.withdrawn,
        "ledger_index": ledger_index,
        "body": item.SerializeToString(deterministic=True),
    }


def _known(connection: Connection, keys: Sequence[tuple[Kind, str]]) -> dict[tuple[Kind, str], _Known]:
    """The highest version of each, with what it says."""
    by_kind: dict[Kind, set[str]] = defaultdict(set)
    for kind, key in keys:
        by_kind[kind].add(key)
    table = schema.register_items.c
    known: dict[tuple[Kind, str], _Known] = {}
    for kind, named in by_kind.items():
        query = select(table.item_key, table.version, table.body).where(table.kind == kind, table.latest)
        for row in connection.execute(query.where(table.item_key.in_(named))):
            item = RegisterItem.FromString(row.body)
            said = NewItem(kind, item.key, item.body, item.site_id, item.expires_unix_ns, item.withdrawn)
            known[kind, row.item_key] = _Known(row.version, said)
    return known


def _outdate(connection: Connection, fresh: Sequence[RegisterItem]) -> None:
    """The versions before these are not the latest any more."""
    table = schema.register_items
    replaced = [(item.kind, item.key, item.version - 1) for item in fresh if item.version > 1]
    if replaced:
        versions = tuple_(table.c.kind, table.c.item_key, table.c.version)
        connection.execute(update(table).where(versions.in_(replaced)).values(latest=False))
