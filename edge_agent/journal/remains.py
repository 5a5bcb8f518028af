"""What a damaged segment's files still say: its newest head, whole commits, the state beside them. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from edge_agent.journal.salvage.pages import PAGE_BYTES, TREE_PAGES, Image
from edge_agent.journal.salvage.rows import MOST_SEARCHED, Found, Row, find_rows, search_rows
from edge_agent.journal.salvage.wal import Frame, cut_off, read_frames, sound_length
from edge_agent.journal.seen import rows_of, set_right
from edge_agent.journal.segment import BODY_BITS, Commit, DamagedError, Head, body_crc, entry_hash, note_crc


@dataclass(slots=True)
class Remains:
    """Rows that prove themselves by their checksums.

    Attributes:
        image: the database's pages with what its log adds.
        replaced: pages that were written over, and those of log frames that nothing counts on.
        head: the newest head; None when none is left.
        commits: those whose records are whole, by first index; where a note is damaged it is empty.
        halves: (first index, end, note) of rows whose records are damaged.
        lost: records that were lost before, with their leaf hashes.
        inbox: rows of the inbox.
        seen: rows of the events seen.
        in_flight: rows of the passages under way.
        losses: serialised Loss messages that no record tells yet.
        current: whether the head is the newest that ever was, so that its counts say what is missing.
        damaged_pages: whether a page did not read as it should.
        damaged_frames: whether a frame of the log did not.
    """

    image: Image
    replaced: list[bytes]
    head: Head | None = None
    commits: dict[int, Commit] = field(default_factory=dict)
    halves: list[tuple[int, int, bytes]] = field(default_factory=list)
    lost: dict[int, bytes | None] = field(default_factory=dict)
    inbox: list[Row] = field(default_factory=list)
    seen: list[Row] = field(default_factory=list)
    in_flight: list[Row] = field(default_factory=list)
    losses: list[bytes] = field(default_factory=list)
    current: bool = False
    damaged_pages: bool = False
    damaged_frames: bool = False

    def forget_state(self) -> None:
        """Leave the state beside the records out."""
        self.inbox, self.seen, self.in_flight, self.losses = [], [], [], []

    @property
    def missing_messages(self) -> int | None:
        """Captured messages and passages under way that are gone; None when nobody can tell."""
        if self.head is None or not self.current:
            return None if self.damaged_pages or self.head is not None else 0
        return max(0, self.head.inbox_count - len(self.inbox)) + max(0, self.head.in_flight_count - len(self.in_flight))


def read_remains(db: bytes, wal: bytes, first_index: int, newest: int, leaf_end: int) -> Remains:
    """Read what is left.

    Args:
        db: bytes of the segment's file; empty when it is gone.
        wal: bytes of its log.
        first_index: index of its first record.
        newest: version of the newest transaction, as kept beside it; 0 when that is not known.
        leaf_end: where its leaf file ends.
    """
    pages = [db[at : at + PAGE_BYTES].ljust(PAGE_BYTES, b"\x00") for at in range(0, len(db), PAGE_BYTES)]
    frames = read_frames(wal)
    played = _committed(pages, frames, first_index, newest, leaf_end)
    image, replaced = _play(pages, frames[:played])
    replaced += [frame.data for frame in frames[played:]]
    replaced.append(cut_off(wal).ljust(PAGE_BYTES, b"\x00"))
    found = find_rows(image)
    remains = Remains(image, replaced)
    _take(remains, found, first_index, newest)
    if _incomplete(remains):
        search_rows(image, islice(_worth_searching(image, found), MOST_SEARCHED), found)
        found.heads += find_rows(_alone(replaced)).heads
        _take(remains, found, first_index, newest)
    remains.damaged_pages = bool(found.damaged_pages) or _page_count(image) != len(image.pages)
    remains.damaged_frames = any(not frame.sound for frame in frames[:played])
    return remains


def played(db: bytes, wal: bytes) -> Image:
    """A database's pages with those of all whole transactions in its log, whatever the log's checksums say."""
    pages = [db[at : at + PAGE_BYTES].ljust(PAGE_BYTES, b"\x00") for at in range(0, len(db), PAGE_BYTES)]
    frames = read_frames(wal)
    ended = max((number for number, frame in enumerate(frames, start=1) if frame.ends), default=0)
    return _play(pages, frames[:ended])[0]


def _committed(pages: Sequence[bytes], frames: Sequence[Frame], first_index: int, newest: int, leaf_end: int) -> int:
    """How many frames hold transactions that were committed.

    Those that SQLite takes, surely. Of those behind a damaged frame as many as are known to have been committed: what a
    power cut left of one that was not must not count.
    """
    taken = sound_length(frames)
    image, _ = _play(pages, frames[:taken])
    head, ended = _newest_head(find_rows(image).heads, first_index), True
    for number, frame in enumerate(frames[taken:], start=taken):
        if ended and head is not None and head.version >= newest and head.frontier.size >= leaf_end:
            return number
        head = _newest_head(find_rows(_alone([frame.data])).heads, first_index) or head  # they only rise
        ended = frame.ends
    return len(frames)


def _play(pages: Sequence[bytes], frames: Sequence[Frame]) -> tuple[Image, list[bytes]]:
    """The pages with those of the log in their places, and those that these replace."""
    played, replaced = list(pages), []
    most = len(pages) + len(frames)
    for frame in frames:
        if not 0 < frame.page <= most:
            replaced.append(frame.data)  # the number is damaged
            continue
        while len(played) < frame.page:
            played.append(bytes(PAGE_BYTES))
        replaced.append(played[frame.page - 1])
        played[frame.page - 1] = frame.data
    return Image(played), [page for page in replaced if any(page)]


def _alone(pages: Sequence[bytes]) -> Image:
    """Pages that are none of a database's: the first one of an image is read as the one with its header."""
    return Image([bytes(PAGE_BYTES), *pages])


def _newest_head(rows: Sequence[Row], first_index: int) -> Head | None:
    heads = []
    for row in rows:
        try:
            heads.append(Head.from_row(first_index, (1, *row[1:])))
        except DamagedError:
            continue
    return max(heads, key=lambda head: head.version, default=None)


def _take(remains: Remains, found: Found, first_index: int, newest: int) -> None:
    """Take over what proves itself."""
    remains.head = _newest_head(found.heads, first_index)
    remains.current = remains.head is not None and remains.head.version >= newest
    remains.halves = []
    for row in found.commits:
        _take_commit(remains, row, first_index)
    remains.lost = {index: leaf for index, (_, leaf) in found.lost.items()}
    remains.inbox = [row for _, row in sorted(found.inbox.items()) if entry_hash(*row[:-1]) == row[-1]]
    remains.seen = _seen(found)
    remains.in_flight = [row for _, row in sorted(found.in_flight.items()) if entry_hash(*row[1:-1]) == row[-1]]
    remains.losses = [body for _, body, digest in found.losses.values() if entry_hash(body) == digest]


def _seen(found: Found) -> list[Row]:
    """Rows that prove themselves, if need be with one bit set right; those of format 1, which cannot, as they are."""
    rows = [set_right((seen_id, crc, event)) for seen_id, crc, event in found.seen.values()]
    known = {row[0]: row for row in rows_of(row for row in found.seen_events.values())}
    return [row for _, row in sorted((known | {row[0]: row for row in rows if row is not None}).items())]


def _take_commit(remains: Remains, row: Row, first_index: int) -> None:
    first, end, crc, body, note = row
    if not first_index <= first < end:
        return
    if crc & BODY_BITS != body_crc(first, end, body):
        remains.halves.append((first, end, note))
        return
    fits = crc & ~BODY_BITS == note_crc(note)
    remains.commits[first] = Commit(first, end, body, note if fits else b"")


def _page_count(image: Image) -> int:
    """Pages as the database's header counts them (file format, 1.3.8); -1 without a header."""
    return int.from_bytes(image.pages[0][28:32]) if image.pages else -1


def _incomplete(remains: Remains) -> bool:
    return remains.head is None or not remains.current or bool(remains.missing_messages)


def _worth_searching(image: Image, found: Found) -> Iterable[int]:
    """Damaged pages first, then those of the trees that hold no record."""
    yield from found.damaged_pages
    with_records = {first for first, *_ in found.commits}
    for number, page in enumerate(image.pages, start=1):
        if page[0] in TREE_PAGES and not any(cell.rowid in with_records for cell in image.cells(number)[0]):
            yield number
