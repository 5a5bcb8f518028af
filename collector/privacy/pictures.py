"""Pictures of faces among the evidence: each gets a term when its record has come, and its file is deleted after it.

Only where a lane's policy keeps such pictures are there any (role "face"). The record keeps the hash, so every proof
holds; the ledger gets an entry as for a destroyed key. The terms are in the key store's file: like keys they are
personal, and like keys they are not to come back with an old copy of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, delete, select

from collector.config_retention import RetentionConfig
from collector.durable import sync_directory
from collector.privacy.keystore import NEVER, KeyEntry, KeyStore
from collector.store import schema
from collector.store.engine import Store
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.reading_pb2 import FaceChecked
from gate_contract.v1.record_pb2 import Record

PICTURE: Final = "picture"
"""Kind of such an entry; its `key_id` and name are the SHA-256 of the picture, hexadecimal."""

EVIDENCE: Final = "evidence"
"""Directory of the blobs, beside the key store."""

_ROLE: Final = "face"
_FORGOTTEN: Final = 0
"""Term of a picture that somebody had forgotten before it came."""

_AT_ONCE: Final = 64
_MANY: Final = 500

Row = TypeVar("Row")


class FacePictures:
    """Terms of pictures of faces. Used with the key store open, by one thread."""

    def __init__(self, store: Store, keys: KeyStore, retention: RetentionConfig) -> None:
        """`store` has records, evidence and cases; `retention` says how long."""
        self._store, self._keys, self._retention = store, keys, retention

    def note(self) -> None:
        """Give a term to every picture of a face that a record names which came since the last call."""
        with self._store.read() as connection:
            journals = connection.execute(select(schema.journals.c.journal_id, schema.journals.c.origin)).all()
        for journal_id, origin in journals:
            while self._note_some(journal_id, origin):
                pass

    def due(self, now_ns: int) -> list[KeyEntry]:
        """Those that are here and whose term is over; a picture of a passage with a case lives as long as the case."""
        found: list[KeyEntry] = []
        query = "SELECT sha256, passage_id, expires_ns FROM pictures WHERE expires_ns <= ? ORDER BY expires_ns, sha256"
        rows = self._keys.select(query, now_ns)
        with self._store.read() as connection:
            for some in _portions(rows):
                here = _here(connection, [sha256 for sha256, _, _ in some])
                kept = self._kept_by_cases(connection, {passage_id for _, passage_id, _ in some}, now_ns)
                found += [
                    KeyEntry(sha256, PICTURE, sha256, expires_ns)
                    for sha256, passage_id, expires_ns in some
                    if sha256 in here and (passage_id not in kept or expires_ns == _FORGOTTEN)
                ]
        return found

    def of(self, passage_ids: Iterable[str]) -> list[KeyEntry]:
        """Those of these passages, whatever their term."""
        query = "SELECT sha256, expires_ns FROM pictures WHERE passage_id = ? ORDER BY sha256"
        return [
            KeyEntry(sha256, PICTURE, sha256, expires_ns)
            for passage_id in dict.fromkeys(passage_ids)
            for sha256, expires_ns in self._keys.select(query, passage_id)
        ]

    def _note_some(self, journal_id: int, origin: str) -> bool:
        rows = self._keys.select("SELECT next_index FROM noted WHERE origin = ?", origin)
        table = schema.batches.c
        query = select(table.first_index, table.count, table.body, table.received_ns).where(
            table.journal_id == journal_id, table.first_index >= (rows[0][0] if rows else 0)
        )
        with self._store.read() as connection:
            batches = connection.execute(query.order_by(table.first_index).limit(_AT_ONCE)).all()
        if not batches:
            return False
        terms = [
            (sha256, passage_id, self._retention.faces_until(batch.received_ns))
            for batch in batches
            for sha256, passage_id in _faces(batch.body)
        ]
        with self._keys.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)", terms)
            end = batches[-1].first_index + batches[-1].count
            connection.execute("INSERT OR REPLACE INTO noted VALUES (?, ?)", (origin, end))
        return True

    def _kept_by_cases(self, connection: Connection, passage_ids: Collection[str], now_ns: int) -> set[str]:
        table = schema.cases.c
        query = select(table.subject, table.decided_ns).where(
            table.subject_kind == "passage", table.subject.in_(passage_ids)
        )
        return {
            row.subject
            for row in connection.execute(query)
            if row.decided_ns is None or self._retention.cases_until(row.decided_ns) > now_ns
        }


def doom(keys: KeyStore, sha256: str, actor: str, reason: str) -> None:
    """Note that a picture goes; `delete_pictures` does it, also after a crash in between.

    One that its gate has not sent yet keeps a term, which is over: it goes in the hour in which it comes.
    """
    here = picture_there(keys.path.parent / EVIDENCE, sha256) is not None
    with keys.writing() as connection:
        if here:
            connection.execute("DELETE FROM pictures WHERE sha256 = ?", (sha256,))
        else:
            connection.execute("UPDATE pictures SET expires_ns = ? WHERE sha256 = ?", (_FORGOTTEN, sha256))
        connection.execute("INSERT OR REPLACE INTO owed VALUES (?, ?, ?, ?)", (sha256, PICTURE, actor, reason))


def delete_pictures(connection: Connection, evidence: Path, names: Sequence[str]) -> None:
    """Delete the files, durably, and in the caller's write transaction their rows."""
    for name in names:
        path = picture_file(evidence, name)
        if path.exists():
            path.unlink()
            sync_directory(path.parent)
    digests = [bytes.fromhex(name) for name in names]
    for some in _portions(digests):
        connection.execute(delete(schema.evidence).where(schema.evidence.c.sha256.in_(some)))


def picture_file(evidence: Path, name: str) -> Path:
    """The file of a picture, by its SHA-256 in hexadecimal."""
    return evidence / name[:2] / name


def picture_there(evidence: Path, name: str) -> KeyEntry | None:
    """A picture that was destroyed and whose file is there: an old copy was put back. None when it is not."""
    return KeyEntry(name, PICTURE, name, NEVER) if picture_file(evidence, name).exists() else None


def _faces(body: bytes) -> Iterator[tuple[str, str]]:
    """(SHA-256, passage id) of the pictures of faces that the records of a batch name."""
    if _ROLE.encode() not in body:
        return
    for data in Batch.FromString(body).records:
        try:
            record = Record.FromString(data)
        except DecodeError:
            continue  # a dead letter
        readings = [*record.passage.readings, record.reading, record.orphan.reading]
        for checked in (each.face for each in readings if each.WhichOneof("body") == "face"):
            yield from ((sha256, record.passage.passage_id) for sha256 in _kept(checked))


def _kept(checked: FaceChecked) -> Iterator[str]:
    for each in checked.pictures:
        if each.role == _ROLE and not each.not_kept:
            yield each.sha256.hex()


def _here(connection: Connection, names: Sequence[str]) -> set[str]:
    table = schema.evidence.c
    found = connection.scalars(select(table.sha256).where(table.sha256.in_([bytes.fromhex(name) for name in names])))
    return {digest.hex() for digest in found}


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + _MANY] for start in range(0, len(rows), _MANY))
