"""What was decoded from records, against the records themselves, decoded again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from collector.ingest.contents import (
    LOST,
    Contents,
    PassageRecord,
    dead_letter_rows,
    incident_row,
    passage_row,
    repeated,
    understand,
)
from collector.ingest.gate_rows import act_row, actuation_row, pseudonyms_of
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, NoteError, Verifier, open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import HASH_SIZE, ProofError, leaf_hash, verify_inclusion

_AT_ONCE = 64
_NOTHING: Mapping[int, int] = {}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one stored batch says.

    Attributes:
        first_index: of its first record.
        records: bytes by index, those that are lost left out.
        lost: indices of the lost ones.
        leaves: leaf hashes of all, in order; of the lost ones as the batch says.
        received_ns: when it came.
    """

    first_index: int
    records: Mapping[int, bytes]
    lost: Sequence[int]
    leaves: Sequence[bytes]
    received_ns: int

    @classmethod
    def of(cls, first_index: int, records: Sequence[bytes], lost: Mapping[int, bytes], received_ns: int) -> Stretch:
        """From a batch's own fields."""
        if not lost:
            return cls(first_index, dict(enumerate(records, first_index)), (), leaf_hashes(records), received_ns)
        indices = range(first_index, first_index + len(records) + len(lost))
        kept = dict(zip((index for index in indices if index not in lost), records, strict=False))
        leaves = [lost[index] if index in lost else leaf_hash(kept.get(index, b"")) for index in indices]
        return cls(first_index, kept, sorted(lost), leaves, received_ns)


class _Rows:
    """Rows of one journal in a table, in the order of the records, read as the audit goes along."""

    def __init__(self, connection: Connection, table: Table, journal_id: int) -> None:
        self.name = table.name
        query = select(*table.c).where(table.c.journal_id == journal_id).order_by(table.c.record_index)
        self._rows: Iterator[RowMapping] = iter(
            connection.execute(query.execution_options(yield_per=_AT_ONCE)).mappings()
        )
        self._next = next(self._rows, None)

    def below(self, end: int | None) -> Iterator[RowMapping]:
        """The next rows, up to those of record `end`; None: all."""
        while self._next is not None and (end is None or self._next["record_index"] < end):
            yield self._next
            self._next = next(self._rows, None)


class Meaning:
    """The rows of one journal that were decoded from its records, and its live records."""

    def __init__(
        self, connection: Connection, journal_id: int, origin: str, verifier: Verifier, problems: Problems
    ) -> None:
        """`verifier` is the agent's key."""
        self.dead_lettered = 0
        """Dead letters that the records make."""
        self.lost = 0
        """Those of them that were lost at the gate."""
        self._connection = connection
        self._journal_id = journal_id
        self._origin = origin
        self._verifier = verifier
        self._problems = problems
        self._passages = _Rows(connection, schema.passages, journal_id)
        self._incidents = _Rows(connection, schema.incidents, journal_id)
        self._acts = _Rows(connection, schema.officer_acts, journal_id)
        self._actuations = _Rows(connection, schema.actuations, journal_id)
        self._dead_letters = _Rows(connection, schema.dead_letters, journal_id)
        self._live = _Rows(connection, schema.live_records, journal_id)
        self._unsettled: list[tuple[int, int]] = []

    def check(self, stretch: Stretch) -> None:
        """The rows of these records; call it in the order of the journal."""
        end = stretch.first_index + len(stretch.leaves)
        came_live = self._check_merged(stretch, end)
        contents = understand(stretch.records.keys(), stretch.records.values())
        dead = contents.dead_letters | dict.fromkeys(stretch.lost, LOST)
        dead |= self._check_passages(contents.passages, end, stretch.received_ns, came_live)
        self._compare(
            self._incidents.name,
            [incident_row(seen, self._journal_id) for seen in contents.incidents],
            self._incidents.below(end),
        )
        self._check_beside(contents, end, stretch.received_ns, came_live)
        letters = dead_letter_rows(dead, self._journal_id, stretch.received_ns)
        self._compare(self._dead_letters.name, letters, self._dead_letters.below(end))
        self.dead_lettered += len(dead)
        self.lost += len(stretch.lost)

    def finish(self, size: int) -> int:
        """After the last of `size` records: what came live and is ahead, and then there must be no rows left.

        Returns how many live records are not settled.
        """
        for index, checkpoint_size in self._unsettled:
            if checkpoint_size <= size:
                self._problems.add(self._live_name(index), f"its checkpoint of {checkpoint_size} is not settled")
        count = len(self._unsettled)
        for row in self._live.below(None):
            count += 1
            self._check_ahead(row)
            contents = understand([row["record_index"]], [row["body"] or b""])
            self._check_passages(contents.passages, row["record_index"] + 1, row["received_ns"])
            self._check_beside(contents, row["record_index"] + 1, row["received_ns"])
        for rows in (self._passages, self._incidents, self._acts, self._actuations, self._dead_letters):
            self._compare(rows.name, [], rows.below(None))
        return count

    def _check_merged(self, stretch: Stretch, end: int) -> dict[int, int]:
        """Live records that the stretch holds; returns when each came, by index."""
        received: dict[int, int] = {}
        for row in self._live.below(end):
            index = row["record_index"]
            received[index] = row["received_ns"]
            expected = {"leaf": stretch.leaves[index - stretch.first_index], "body": None, "proof": None}
            self._problems.compare(self._live_name(index), "the batch that holds it", row, expected)
            if row["checkpoint_size"] is not None:
                self._check_note(self._live_name(index), row["checkpoint_size"], row["note"])
                self._unsettled.append((index, row["checkpoint_size"]))
        return received

    def _check_ahead(self, row: RowMapping) -> None:
        """A live record that the backlog has not reached: its bytes are proved under the agent's signature."""
        where, proof = self._live_name(row["record_index"]), row["proof"] or b""
        if row["body"] is None or leaf_hash(row["body"]) != row["leaf"]:
            self._problems.add(where, "its bytes are not those of its hash")
        signed = self._check_note(where, row["checkpoint_size"], row["note"])
        if signed is None:
            return
        path = [proof[at : at + HASH_SIZE] for at in range(0, len(proof), HASH_SIZE)]
        try:
            verify_inclusion(row["record_index"], signed.size, row["leaf"], path, signed.root)
        except ProofError as error:
            self._problems.add(where, f"it is not proved to be under its checkpoint: {error}")

    def _check_note(self, where: str, size: int | None, note: bytes | None) -> Checkpoint | None:
        try:
            signed = open_checkpoint(note or b"", self._verifier)
        except NoteError as error:
            self._problems.add(where, f"its checkpoint does not hold: {error}")
            return None
        if signed.size != size:
            self._problems.add(where, f"column checkpoint_size is {size}; the checkpoint says {signed.size}")
        return signed

    def _check_passages(
        self, passages: Sequence[PassageRecord], end: int, received_ns: int, came_live: Mapping[int, int] = _NOTHING
    ) -> dict[int, str]:
        """Rows of passages up to the record `end`; returns dead letters: those that were said at another index.

        They came at `received_ns`, but those by index in `came_live` when that says.
        """
        said = {seen.index: seen for seen in passages}
        held = {row["record_index"]: row for row in self._passages.below(end)}
        dead: dict[int, str] = {}
        for index in said.keys() - held.keys():
            other = self._said_elsewhere(said[index])
            if other is None:
                self._problems.add(f"record {self._origin}#{index}", "its row in passages is missing")
            else:
                dead[index] = repeated(said[index], other)
            del said[index]
        rows = [passage_row(seen, self._journal_id, came_live.get(seen.index, received_ns)) for seen in said.values()]
        self._compare(self._passages.name, rows, held.values())
        return dead

    def _check_beside(
        self, contents: Contents, end: int, received_ns: int, came_live: Mapping[int, int] = _NOTHING
    ) -> None:
        """Rows of officers' acts, actuations and documents up to the record `end`."""
        acts = [act_row(seen, self._journal_id, came_live.get(seen.index, received_ns)) for seen in contents.acts]
        self._compare(self._acts.name, acts, self._acts.below(end))
        actuations = [actuation_row(seen, self._journal_id) for seen in contents.actuations]
        self._compare(self._actuations.name, actuations, self._actuations.below(end))
        shown = {seen.passage.passage_id: pseudonyms_of(seen.passage) for seen in contents.passages}
        self._check_documents({each: found for each, found in shown.items() if found})

    def _check_documents(self, shown: Mapping[str, set[bytes]]) -> None:
        """Each document shown in a passage is noted; the row itself is under its digest."""
        table = schema.passage_documents.c
        query = select(table.passage_id, table.pseudonym).where(table.passage_id.in_(shown))
        noted = {(row.passage_id, row.pseudonym) for row in self._connection.execute(query)} if shown else set()
        for passage_id, pseudonyms in shown.items():
            if any((passage_id, each) not in noted for each in pseudonyms):
                self._problems.add(f"passage {passage_id}", "its row in passage_documents is missing")

    def _live_name(self, index: int) -> str:
        return f"live record {self._origin}#{index}"

    def _compare(self, table: str, expected: Sequence[Mapping[str, Any]], rows: Iterable[RowMapping]) -> None:
        wanted = {row["record_index"]: row for row in expected}
        for row in rows:
            where = f"row of record {self._origin}#{row['record_index']} in {table}"
            right = wanted.pop(row["record_index"], None)
            if right is None:
                self._problems.add(where, "the record does not say this")
            else:
                self._problems.compare(where, "the record", row, right)
        for index in wanted:
            self._problems.add(f"record {self._origin}#{index}", f"its row in {table} is missing")

    def _said_elsewhere(self, seen: PassageRecord) -> int | None:
        """The other record of this journal that said the same revision of the same passage: an earlier one, or live."""
        table = schema.passages.c
        return self._connection.scalars(
            select(table.record_index).where(
                table.passage_id == seen.passage.passage_id,
                table.revision == seen.passage.revision,
                table.journal_id == self._journal_id,
                table.record_index != seen.index,
            )
        ).one_or_none()
