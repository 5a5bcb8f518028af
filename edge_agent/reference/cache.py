"""What this gate decides on, kept across restarts and outages, with its age."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.message import DecodeError

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.reference.bookings import Bookings
from edge_agent.reference.file import Changes, Key, ReferenceFile, write_changes, write_fetched, write_state
from gate_contract.rules import BookingIndex
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.reference_pb2 import Slice
from gate_contract.v1.register_pb2 import RegisterItem

KEPT_NS = 3 * 86_400 * SECOND
"""Nothing at a gate is judged by a declaration whose sailing left longer ago."""

SET_NS = 86_400 * SECOND
"""A wall clock that moved so much against the monotonic one was set: what left "long ago" by it may not have left."""

SWEEP_S = 60.0
"""What is over is looked for so often."""

WRITE_S = 10.0
"""That nothing is new is written so often; a restart makes the age seem that much greater at most."""


class SliceRefusedError(EdgeAgentError):
    """A slice that this gate must not take; everything is fetched anew."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a slice changed.

    Attributes:
        items: register items that are new, by key; None: it does not hold any more.
        again: the clock was set, and everything is to be fetched anew from position 0.
    """

    items: Mapping[Key, RegisterItem | None] = field(default_factory=lambda: MappingProxyType({}))
    again: bool = False


@dataclass(slots=True)
class _Kept:
    """What is in the file."""

    position: int
    followed: int
    made_ns: int
    fetched: Moment | None
    declarations: dict[str, Declaration]
    items: dict[Key, RegisterItem]


class ReferenceCache:
    """Latest version of each declaration and item for this site. May be deleted at any time: it is fetched again."""

    def __init__(self, path: Path) -> None:
        """Open or make the cache; one that is damaged is made anew. EdgeAgentError when there can be none."""
        self._file = ReferenceFile(path)
        self._lock = threading.Lock()
        try:
            try:
                self._kept = self._load()
            except sqlite3.OperationalError:
                raise  # the disk's fault, or the system's; not the file's
            except (sqlite3.DatabaseError, DecodeError):  # all of it is fetched again; capture must not wait for people
                self._file.remove()
                self._kept = self._load()
        except (sqlite3.Error, OSError) as error:
            raise EdgeAgentError(
                f"the reference cache {path} cannot be used",
                cause=str(error),
                fix="check that its directory belongs to the agent's user and has space",
            ) from error
        self._bookings = Bookings(self._kept.declarations)
        self._doubted = False
        self._swept: Moment | None = None
        self._written: Moment | None = None

    def _load(self) -> _Kept:
        try:
            connection = self._file.use()
            position, wall_ns, mono_ns, boot_id, followed, made_ns = connection.execute(
                "SELECT state.position, fetched_ns, mono_ns, boot_id, followed.position, made_ns"
                " FROM state JOIN fetched USING (only) JOIN followed USING (only)"
            ).fetchone()
            fetched = Moment(WallNs(wall_ns), MonoNs(mono_ns), boot_id, synchronised=False) if wall_ns else None
            bodies = connection.execute("SELECT body FROM declarations").fetchall()
            declarations = {d.declaration_id: d for d in (Declaration.FromString(body) for (body,) in bodies)}
            bodies = connection.execute("SELECT body FROM items").fetchall()
            opened = (RegisterItem.FromString(body) for (body,) in bodies)
            items: dict[Key, RegisterItem] = {(each.kind, each.key): each for each in opened}
        except (sqlite3.Error, DecodeError):
            self._file.disconnect()
            raise
        return _Kept(position, followed, made_ns, fetched, declarations, items)

    @property
    def position(self) -> int:
        """Up to where all declarations were fetched."""
        return self._kept.position

    @property
    def followed(self) -> int:
        """Position of the last slice that was taken."""
        return self._kept.followed

    @property
    def made_unix_ns(self) -> int:
        """When the last slice was made, by the collector's clock; 0 when none was taken."""
        return self._kept.made_ns

    @property
    def doubted(self) -> bool:
        """Whether the wall clock was set, and no time service has kept it since: nothing is held to be over by it."""
        return self._doubted

    def age_s(self, now: Moment) -> int | None:
        """Seconds since the collector last said that this is all; None when it never did."""
        fetched = self._kept.fetched
        return max(0, int(now.seconds_since(fetched))) if fetched else None

    def __len__(self) -> int:
        """Declarations held."""
        return len(self._kept.declarations)

    def index(self) -> BookingIndex:
        """Today's bookings, for the rule book."""
        return self._bookings.index()

    def items(self) -> dict[Key, RegisterItem]:
        """All items that hold."""
        with self._lock:
            return dict(self._kept.items)

    def add(self, bodies: Iterable[bytes], position: int) -> None:
        """Take declarations that were fetched, up to `position`; a lower version never replaces a higher one.

        EdgeAgentError when the disk cannot take them: then the gate goes on with what it had.
        """
        with self._lock:
            with self._file.writing() as connection:
                changes = Changes(self._newer(bodies))
                write_changes(connection, changes)
                connection.execute("UPDATE state SET position = ?", (position,))
            self._kept.position = position
            self._take_over(changes)

    def confirmed(self, now: Moment) -> None:
        """The collector has said that this is all, now. What is over is forgotten.

        When the wall clock was set since the last time, everything is fetched anew: what was forgotten by a wrong clock
        comes again. Until a time service keeps the clock nothing more is forgotten.

        EdgeAgentError when the disk cannot take that.
        """
        with self._lock:
            was_set, over = self._was_set(now), self._over(now)
            position, followed = (0, 0) if was_set else (self._kept.position, self._kept.followed)
            with self._file.writing() as connection:
                write_changes(connection, over)
                write_state(connection, position, followed, self._kept.made_ns)
                write_fetched(connection, now)
            self._kept.position, self._kept.followed, self._kept.fetched = position, followed, now
            self._take_over(over)

    def take(self, found: Slice, now: Moment) -> Taken:
        """Take a slice whose signature holds, all of it or nothing; what is over is forgotten, as by `confirmed`.

        Raises:
            SliceRefusedError: it does not begin where the last one ended.
            EdgeAgentError: the disk cannot take it; then the gate goes on with what it had.
        """
        with self._lock:
            if found.from_position != self._kept.followed:
                raise SliceRefusedError(
                    "a slice of reference data was refused",
                    cause=f"it goes on from position {found.from_position}, and this gate is at {self._kept.followed}",
                )
            quiet = not (found.declarations or found.items)
            was_set = found.complete and self._was_set(now)
            over = self._over(now) if found.complete else Changes()
            position = 0 if was_set else found.position
            if not quiet or was_set or over.declarations or over.items or self._long_unwritten(now):
                with self._file.writing() as connection:
                    changes = Changes(self._newer(found.declarations), self._newer_items(found.items))
                    write_changes(connection, changes)
                    write_changes(connection, over)
                    write_state(connection, position, position, found.made_unix_ns)
                    if found.complete:
                        write_fetched(connection, now)
                self._written = now
                self._take_over(changes)
                self._take_over(over)
                over.items = {**changes.items, **over.items}
            self._kept.position = self._kept.followed = position
            self._kept.made_ns = found.made_unix_ns
            if found.complete:
                self._kept.fetched = now
            return Taken(MappingProxyType(over.items), again=was_set)

    def sweep(self, now: Moment) -> Taken:
        """Forget what is over, whether the collector can be reached or not. EdgeAgentError: the disk cannot."""
        with self._lock:
            was_set = self._kept.fetched is not None and _set_between(self._kept.fetched, now)
            over = Changes() if was_set and not now.synchronised else self._over(now)
            if over.declarations or over.items:
                with self._file.writing() as connection:
                    write_changes(connection, over)
                self._take_over(over)
            return Taken(MappingProxyType(over.items))

    def refetch(self) -> None:
        """Everything is to be fetched anew; what is here counts until then. EdgeAgentError: the disk cannot."""
        with self._lock:
            with self._file.writing() as connection:
                write_state(connection, 0, 0, self._kept.made_ns)
            self._kept.position = self._kept.followed = 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    # --- with the lock -------------------------------------------------------------------------------------------

    def _newer(self, bodies: Iterable[bytes]) -> dict[str, Declaration | None]:
        fresh: dict[str, Declaration | None] = {}
        for declaration in map(Declaration.FromString, bodies):
            known = fresh.get(declaration.declaration_id) or self._kept.declarations.get(declaration.declaration_id)
            if known is None or known.version < declaration.version:
                fresh[declaration.declaration_id] = declaration
        return fresh

    def _newer_items(self, bodies: Sequence[bytes]) -> dict[Key, RegisterItem | None]:
        """What they change. Of one version the one that came last counts: the collector may have been restored."""
        fresh: dict[Key, RegisterItem | None] = {}
        versions: dict[Key, int] = {}
        for item in map(RegisterItem.FromString, bodies):
            key = (item.kind, item.key)
            known = self._kept.items.get(key)
            version = versions.get(key, known.version if known else 0)
            if item.version < version or item == known:
                continue
            versions[key] = item.version
            if not item.withdrawn or known is not None or key in fresh:
                fresh[key] = None if item.withdrawn else item
        return fresh

    def _was_set(self, now: Moment) -> bool:
        was_set = self._kept.fetched is not None and _set_between(self._kept.fetched, now)
        self._doubted = (self._doubted or was_set) and not now.synchronised
        if was_set:
            self._swept = None
        return was_set

    def _over(self, now: Moment) -> Changes:
        """What is over by a clock that may be believed."""
        if self._doubted or (self._swept is not None and now.seconds_since(self._swept) < SWEEP_S):
            return Changes()
        self._swept = now
        left = now.wall - KEPT_NS
        return Changes(
            {name: None for name, each in self._kept.declarations.items() if 0 < each.departure_unix_ns < left},
            {key: None for key, each in self._kept.items.items() if 0 < each.expires_unix_ns <= now.wall},
        )

    def _long_unwritten(self, now: Moment) -> bool:
        return self._written is None or now.seconds_since(self._written) >= WRITE_S

    def _take_over(self, changes: Changes) -> None:
        _apply(self._kept.declarations, changes.declarations)
        _apply(self._kept.items, changes.items)
        if changes.declarations:
            self._bookings.change(changes.declarations)


_Name = TypeVar("_Name")
_Value = TypeVar("_Value")


def _apply(held: dict[_Name, _Value], changes: Mapping[_Name, _Value | None]) -> None:
    for name, value in changes.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value


def _set_between(before: Moment, now: Moment) -> bool:
    """Whether the wall clock was set in between; across a boot only a step back can be told."""
    if now.boot_id != before.boot_id:
        return now.wall < before.wall
    return abs((now.wall - before.wall) - (now.mono - before.mono)) >= SET_NS
