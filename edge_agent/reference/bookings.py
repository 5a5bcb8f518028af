"""Declarations at hand, indexed so that neither a passage nor an order waits for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from gate_contract.rules import BookingIndex
from gate_contract.rules.layers import MOST_AT_ONCE, LayeredBookings
from gate_contract.v1.declaration_pb2 import Declaration


class Bookings:
    """The index that counts. What takes long is made in a thread of its own."""

    def __init__(self, declarations: Mapping[str, Declaration]) -> None:
        """Indexes these; `index` waits for it when they are many."""
        self._book = LayeredBookings()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._joining: tuple[object, ...] = ()
        if len(declarations) <= MOST_AT_ONCE:
            self._begin(dict(declarations))
        else:
            threading.Thread(target=self._begin, args=(dict(declarations),), name="bookings", daemon=True).start()

    def index(self) -> BookingIndex:
        """The declarations of now, for the rule book."""
        self._ready.wait()
        return self._book

    def change(self, changes: Mapping[str, Declaration | None]) -> None:
        """Take new versions, and forget those that are None."""
        self._ready.wait()
        with self._lock:
            self._book = self._book.with_changes(changes, keep=len(self._joining))
            if self._joining or not self._book.untidy:
                return
            self._joining = self._book.layers
        threading.Thread(target=self._join, args=(self._book,), name="bookings", daemon=True).start()

    def _begin(self, declarations: dict[str, Declaration]) -> None:
        self._book = LayeredBookings().with_changes(declarations)
        self._ready.set()

    def _join(self, book: LayeredBookings) -> None:
        """Join its layers, and lay over them what came meanwhile."""
        tidy = book.tidied()
        with self._lock:
            self._book = LayeredBookings((*tidy.layers, *self._book.layers[len(book.layers) :]))
            self._joining = ()
