"""The keys that personal data is sealed under: one a subject, one a sailing, one a case. A destroyed key is gone.

An SQLite file of its own (collector.privacy.keyfile), because the collector's database is meant never to forget. Each
key is encrypted under a master key that is another file. No document number is in it: a subject is found by an HMAC of
issuer and number.

Destroying leaves the names of key and destroyer as owed to the ledger until they are entered there
(collector.privacy.forgetting), so that a crash between the two loses nothing.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from collector.errors import StoreError
from collector.privacy.keyfile import KeyFile
from collector.privacy.steady_clock import Instant, Steadiness
from gate_contract.personal import SealedFieldError, new_key, open_field, pseudonym, seal_field

FILE: Final = "personal-keys.db"
"""Name of the store in the state directory."""

NEVER: Final = 0
"""`expires_ns` of a key that nothing but a person destroys."""

KeyKind = Literal["subject", "sailing", "case"]

_SUBJECT: Final = "subject"
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key that is there, without the key.

    Attributes:
        key_id: names it, as records and registers do.
        kind: whose it is.
        name: the sailing's or case's id; a subject's is its key id.
        expires_ns: from then on it is to be destroyed, nanoseconds since 1970; NEVER for one without a term.
    """

    key_id: str
    kind: str
    name: str
    expires_ns: int


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A key that is gone: its name and kind, and who destroyed it why."""

    key_id: str
    kind: str
    actor: str
    reason: str


class KeyStore(KeyFile):
    """Keys by their names. Usable from several threads and programs; each call is durable when it returns.

    Raises StoreError when the file cannot be used, CollectorError when the master key cannot.
    """

    def subject(self, issuer: str, number: str, expires_ns: int) -> str:
        """Subject id of a document's holder, which names the subject's key; made at the first time.

        Args:
            issuer: of the document, as for gate_contract.personal.pseudonym.
            number: of the document.
            expires_ns: the key lives at least so long; a term that is there already is only lengthened.
        """
        return self.subjects([(issuer, number)], expires_ns)[0]

    def subjects(self, documents: Sequence[tuple[str, str]], expires_ns: int) -> list[str]:
        """Subject ids of many documents (issuer, number), in one transaction."""
        with self.writing() as connection:
            return [self._subject(connection, self._fingerprint(*each), expires_ns) for each in documents]

    def find_subject(self, issuer: str, number: str) -> str | None:
        """Subject id of a document's holder; None when there is no key for it (any more)."""
        rows = self.select("SELECT key_id FROM keys WHERE fingerprint = ?", self._fingerprint(issuer, number))
        return str(rows[0][0]) if rows else None

    def make(self, kind: KeyKind, name: str, expires_ns: int) -> str:
        """Key id of the sailing or case `name`; made at the first time, and its term only lengthened afterwards."""
        if kind == _SUBJECT:
            raise ValueError("a subject's key is made from its document, see subject()")
        with self.writing() as connection:
            row = connection.execute("SELECT key_id FROM keys WHERE kind = ? AND name = ?", (kind, name)).fetchone()
            if row is not None:
                _lengthen(connection, row[0], expires_ns)
                return str(row[0])
            key_id = f"{kind}-{secrets.token_hex(_ID_BYTES)}"
            self._insert(connection, KeyEntry(key_id, kind, name, expires_ns), None)
            return key_id

    def key(self, key_id: str) -> bytes | None:
        """The key, 32 bytes; None when there is none (any more)."""
        rows = self.select("SELECT wrapped FROM keys WHERE key_id = ?", key_id)
        return self._unwrapped(key_id, rows[0][0]) if rows else None

    def sailing_key(self, sailing_id: str) -> tuple[str, bytes] | None:
        """Key id and key of a sailing; None when there is none (any more)."""
        rows = self.select("SELECT key_id, wrapped FROM keys WHERE kind = 'sailing' AND name = ?", sailing_id)
        return (str(rows[0][0]), self._unwrapped(*rows[0])) if rows else None

    def entry(self, key_id: str) -> KeyEntry | None:
        """What is known of a key; None when there is none (any more)."""
        return next(iter(self._entries("WHERE key_id = ?", key_id)), None)

    def entries(self, kind: KeyKind) -> list[KeyEntry]:
        """All keys of a kind, those that end first first."""
        return self._entries("WHERE kind = ? ORDER BY expires_ns, key_id", kind)

    def due(self, now_ns: int) -> list[KeyEntry]:
        """Keys whose term is over."""
        return self._entries("WHERE expires_ns <= ? AND expires_ns <> ? ORDER BY expires_ns, key_id", now_ns, NEVER)

    def destroy(self, key_id: str, actor: str = "retention", reason: str = "its term is over") -> bool:
        """Destroy a key and what finds it; False when there is none. The ledger is owed an entry from then on."""
        with self.writing() as connection:
            row = connection.execute("SELECT kind FROM keys WHERE key_id = ?", (key_id,)).fetchone()
            if row is None:
                return False
            connection.execute("DELETE FROM keys WHERE key_id = ?", (key_id,))
            connection.execute("INSERT INTO owed VALUES (?, ?, ?, ?)", (key_id, row[0], actor, reason))
            return True

    def owed(self) -> list[Destroyed]:
        """Destroyed keys that are not known to be in the ledger yet."""
        return [Destroyed(*row) for row in self.select("SELECT key_id, kind, actor, reason FROM owed ORDER BY key_id")]

    def settle(self, destroyed: Sequence[Destroyed]) -> None:
        """They are in the ledger now."""
        with self.writing() as connection:
            connection.executemany("DELETE FROM owed WHERE key_id = ?", [(each.key_id,) for each in destroyed])

    def clock(self) -> Steadiness | None:
        """What was known of the clock when terms were looked at last; None at the first time."""
        rows = self.select("SELECT wall_ns, boot_ns, boot_id, steady_ns, wait_ns FROM clock")
        return Steadiness(Instant(*rows[0][:3]), *rows[0][3:]) if rows else None

    def set_clock(self, clock: Steadiness) -> None:
        """Remember what is known of the clock."""
        seen = clock.seen
        values = (seen.wall_ns, seen.boot_ns, seen.boot_id, clock.steady_ns, clock.wait_ns)
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?, ?)", values)

    def _subject(self, connection: sqlite3.Connection, fingerprint: bytes, expires_ns: int) -> str:
        row = connection.execute("SELECT key_id FROM keys WHERE fingerprint = ?", (fingerprint,)).fetchone()
        if row is not None:
            _lengthen(connection, row[0], expires_ns)
            return str(row[0])
        subject_id = f"{_SUBJECT}-{secrets.token_hex(_ID_BYTES)}"
        self._insert(connection, KeyEntry(subject_id, _SUBJECT, subject_id, expires_ns), fingerprint)
        return subject_id

    def _insert(self, connection: sqlite3.Connection, entry: KeyEntry, fingerprint: bytes | None) -> None:
        wrapped = seal_field(self.master.wrapping, entry.key_id, new_key())
        connection.execute(
            "INSERT INTO keys (key_id, kind, name, fingerprint, wrapped, expires_ns) VALUES (?, ?, ?, ?, ?, ?)",
            (entry.key_id, entry.kind, entry.name, fingerprint, wrapped, entry.expires_ns),
        )

    def _fingerprint(self, issuer: str, number: str) -> bytes:
        return pseudonym(self.master.index, issuer, number)

    def _unwrapped(self, key_id: str, wrapped: bytes) -> bytes:
        try:
            return open_field(self.master.wrapping, key_id, wrapped)
        except SealedFieldError:
            raise StoreError(
                f"the key {key_id} in {self.path} is damaged",
                cause="it does not open under the master key",
                fix="restore the key store from a backup; what was sealed under this key cannot be read otherwise",
            ) from None

    def _entries(self, where: str, *values: object) -> list[KeyEntry]:
        rows = self.select(f"SELECT key_id, kind, name, expires_ns FROM keys {where}", *values)  # noqa: S608 - `where` is this module's
        return [KeyEntry(*row) for row in rows]


def _lengthen(connection: sqlite3.Connection, key_id: str, expires_ns: int) -> None:
    connection.execute(
        "UPDATE keys SET expires_ns = CASE WHEN ?1 = 0 OR expires_ns = 0 THEN 0 ELSE max(?1, expires_ns) END "
        "WHERE key_id = ?2",
        (expires_ns, key_id),
    )
