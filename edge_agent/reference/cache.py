"""What this gate decides on, kept across restarts and outages, with its age."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.message import DecodeError

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import SECOND, Moment
from edge_agent.reference.bookings import Bookings
from edge_agent.reference.file import Changes, DamagedError, Head, Key, ReferenceFile
from edge_agent.reference.freshness import age_s, anchored, is_old, newest, set_between, told_made
from gate_contract.rules import BookingIndex
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.reference_pb2 import Slice
from gate_contract.v1.register_pb2 import RegisterItem

KEPT_NS = 3 * 86_400 * SECOND
"""Nothing at a gate is judged by a declaration whose sailing left longer ago."""

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


Unfounded = Callable[[Mapping[Key, RegisterItem | None]], Collection[Key]]
"""Of items that are new (None: taken back) the keys of those that must not be taken."""


class ReferenceCache:
    """Latest version of each declaration and item for this site. May be deleted at any time: it is fetched again."""

    def __init__(self, path: Path) -> None:
        """Open or make the cache; one that is damaged is made anew. EdgeAgentError when there can be none.

        `damage` says what was damaged in it; "" when nothing was. Capture must not wait for people.
        """
        self._file = ReferenceFile(path)
        self._lock = threading.Lock()
        try:
            found = self._file.load()
        except (sqlite3.Error, OSError) as error:
            raise EdgeAgentError(
                f"the reference cache {path} cannot be used",
                cause=str(error),
                fix="check that its directory belongs to the agent's user and has space",
            ) from error
        self._head, self._declarations, self._items = found.head, found.declarations, found.items
        self.damage = found.damage
        self._bookings = Bookings(self._declarations)
        self._doubted = False
        self._swept: Moment | None = None
        self._written: Moment | None = None

    @property
    def position(self) -> int:
        """Up to where all declarations were fetched."""
        return self._head.position

    @property
    def followed(self) -> int:
        """Position of the last slice that was taken."""
        return self._head.followed

    @property
    def made_unix_ns(self) -> int:
        """When the newest slice was made, by the collector's clock; 0 when none was taken."""
        return self._head.made_ns

    @property
    def fetched(self) -> Moment | None:
        """When the collector last said that this is all, by this machine's clocks; None when it never did."""
        return self._head.fetched

    @property
    def doubted(self) -> bool:
        """Whether the wall clock was set, and no time service has kept it since: nothing is held to be over by it."""
        return self._doubted

    def age_s(self, now: Moment) -> int | None:
        """Seconds since the collector last said that this is all; None when it never did."""
        return age_s(self._head.fetched, self._head.made_ns, now)

    def __len__(self) -> int:
        """Declarations held."""
        return len(self._declarations)

    def index(self) -> BookingIndex:
        """Today's bookings, for the rule book."""
        return self._bookings.index()

    def items(self) -> dict[Key, RegisterItem]:
        """All items that hold."""
        with self._lock:
            return dict(self._items)

    def add(self, bodies: Iterable[bytes], position: int) -> None:
        """Take declarations that were fetched, up to `position`; a lower version never replaces a higher one.

        EdgeAgentError when the disk cannot take them: then the gate goes on with what it had.
        """
        with self._lock:
            self._write(Changes(self._newer(bodies)), replace(self._head, position=position))

    def confirmed(self, now: Moment) -> None:
        """The collector has said that this is all, now. What is over is forgotten. EdgeAgentError: the disk cannot.

        When the wall clock was set since the last time, everything is fetched anew: what was forgotten by a wrong clock
        comes again. Until a time service keeps the clock nothing more is forgotten.
        """
        with self._lock:
            head = replace(self._head, position=0, followed=0) if self._was_set(now) else self._head
            self._write(self._over(now), replace(head, fetched=now, made_ns=now.wall if head.made_ns else 0))

    def check(self, found: Slice, now: Moment) -> None:
        """SliceRefusedError: this slice does not begin where the last one ended, or was made long before it."""
        with self._lock:
            self._check(found, now)

    def take(self, found: Slice, now: Moment, unfounded: Unfounded = lambda _fresh: ()) -> Taken:
        """Take a slice whose signature holds, all of it or nothing; what is over is forgotten, as by `confirmed`.

        It makes the gate younger only when it was made after every slice before it (edge_agent.reference.freshness).
        `unfounded` names those of the changed items that stay as they are.

        Raises:
            SliceRefusedError: see `check`.
            EdgeAgentError: the disk cannot take it; then the gate goes on with what it had.
        """
        with self._lock:
            self._check(found, now)
            quiet = not (found.declarations or found.items)
            was_set = found.complete and self._was_set(now)
            changes = self._over(now) if found.complete else Changes()
            position = 0 if was_set else found.position
            made_ns, fetched = newest(found.made_unix_ns, self._head.made_ns), self._head.fetched
            if found.complete and made_ns != self._head.made_ns:
                fetched = now
            elif was_set and fetched is not None:
                fetched = anchored(fetched, now)
            head = Head(position, position, made_ns, fetched)
            if quiet and not (was_set or changes.declarations or changes.items or self._long_unwritten(now)):
                self._head = head
                return Taken()
            changes.declarations = {**changes.declarations, **self._newer(found.declarations)}
            fresh = self._newer_items(found.items)
            left_out = unfounded(fresh) if fresh else ()
            changes.items |= {key: item for key, item in fresh.items() if key not in left_out}
            self._write(changes, head)
            self._written = now
            return Taken(MappingProxyType(changes.items), again=was_set)

    def sweep(self, now: Moment) -> Taken:
        """Forget what is over, whether the collector can be reached or not. EdgeAgentError: the disk cannot."""
        with self._lock:
            fetched = self._head.fetched
            was_set = fetched is not None and set_between(fetched, now)
            over = Changes() if was_set and not now.synchronised else self._over(now)
            if over.declarations or over.items:
                self._write(over, self._head)
            return Taken(MappingProxyType(over.items))

    def refetch(self) -> None:
        """Everything is to be fetched anew; what is here counts until then. EdgeAgentError: the disk cannot."""
        with self._lock:
            self._write(Changes(), replace(self._head, position=0, followed=0))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    # --- with the lock -------------------------------------------------------------------------------------------

    def _check(self, found: Slice, now: Moment) -> None:
        if found.from_position != self._head.followed:
            raise SliceRefusedError(
                "a slice of reference data was refused",
                cause=f"it goes on from position {found.from_position}, and this gate is at {self._head.followed}",
            )
        if is_old(found.made_unix_ns, self._head.made_ns, now):
            raise SliceRefusedError(
                "a slice of reference data was refused",
                cause=told_made(found.made_unix_ns, self._head.made_ns),
                fix="compare the clocks of collector and gate. Where both are right, somebody stands between them",
            )

    def _write(self, changes: Changes, head: Head) -> None:
        """On the disk first, and then here. A file that is damaged while it is used is made anew from what is here."""
        try:
            self._file.write(changes, head)
        except DamagedError:
            try:
                self._file.remove()
                self._file.write(Changes(dict(self._declarations), dict(self._items)), self._head)
                self._file.write(changes, head)
            except OSError as error:
                raise EdgeAgentError("the reference cache cannot be made anew", cause=str(error)) from error
        self._head = head
        _apply(self._declarations, changes.declarations)
        _apply(self._items, changes.items)
        if changes.declarations:
            self._bookings.change(changes.declarations)

    def _newer(self, bodies: Iterable[bytes]) -> dict[str, Declaration | None]:
        fresh: dict[str, Declaration | None] = {}
        for declaration in (_read(Declaration, body) for body in bodies):
            known = fresh.get(declaration.declaration_id) or self._declarations.get(declaration.declaration_id)
            if known is None or known.version < declaration.version:
                fresh[declaration.declaration_id] = declaration
        return fresh

    def _newer_items(self, bodies: Sequence[bytes]) -> dict[Key, RegisterItem | None]:
        """What they change. Of one version the one that came last counts: the collector may have been restored."""
        fresh: dict[Key, RegisterItem | None] = {}
        versions: dict[Key, int] = {}
        for item in (_read(RegisterItem, body) for body in bodies):
            key = (item.kind, item.key)
            known = self._items.get(key)
            version = versions.get(key, known.version if known else 0)
            if item.version < version or item == known:
                continue
            versions[key] = item.version
            if not item.withdrawn or known is not None or key in fresh:
                fresh[key] = None if item.withdrawn else item
        return fresh

    def _was_set(self, now: Moment) -> bool:
        was_set = self._head.fetched is not None and set_between(self._head.fetched, now)
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
            {name: None for name, each in self._declarations.items() if 0 < each.departure_unix_ns < left},
            {key: None for key, each in self._items.items() if 0 < each.expires_unix_ns <= now.wall},
        )

    def _long_unwritten(self, now: Moment) -> bool:
        return self._written is None or now.seconds_since(self._written) >= WRITE_S


_Name = TypeVar("_Name")
_Value = TypeVar("_Value")
_Entry = TypeVar("_Entry", Declaration, RegisterItem)


def _apply(held: dict[_Name, _Value], changes: Mapping[_Name, _Value | None]) -> None:
    for name, value in changes.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value


def _read(kind: type[_Entry], body: bytes) -> _Entry:
    try:
        return kind.FromString(body)
    except DecodeError:
        raise SliceRefusedError(
            "a slice of reference data was refused",
            cause=f"an entry of {len(body)} bytes in it is no {kind.__name__}",
            fix="everything is fetched anew; if it comes again, ask the collector's operator to run the audit",
        ) from None
