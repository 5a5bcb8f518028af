"""A book of bookings that grows: what comes is laid over what was there, and seldom is a large index made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gate_contract.rules.bookings import BookingIndex, Opening
from gate_contract.v1 import declaration_pb2

FAN: Final = 8
"""A layer of more than an eighth of the one below is joined with it: each declaration is indexed a few times in all."""

MOST_AT_ONCE: Final = 2_000
"""Declarations that `with_changes` indexes; it leaves what takes longer to `tidied`."""

_WARMING: Final = ("粤B00000", "粤B0000挂")
"""A plate of each kind that an index keeps neighbours of."""

Changes = Mapping[str, declaration_pb2.Declaration | None]
"""Latest versions by declaration id; None: forgotten."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Changes laid over older ones. `replaced` is what counted below it, of the ids that it changes."""

    changes: Changes
    replaced: Mapping[str, declaration_pb2.Declaration]
    index: BookingIndex
    gone: BookingIndex

    @classmethod
    def of(cls, changes: Changes, replaced: Mapping[str, declaration_pb2.Declaration]) -> Layer:
        """Index the changes, and what questions would index at the first time."""
        index = BookingIndex(each for each in changes.values() if each is not None)
        for plate in _WARMING:
            index.near(plate, 1)
        return cls(changes, replaced, index, BookingIndex(replaced.values()))

    def under(self, newer: Layer, *, lowest: bool) -> Layer:
        """Both as one; in the lowest layer nothing is to be hidden, so what was forgotten is left out."""
        changes = {**self.changes, **newer.changes}
        if lowest:
            return Layer.of({name: each for name, each in changes.items() if each is not None}, {})
        below = {name: each for name, each in newer.replaced.items() if name not in self.changes}
        return Layer.of(changes, {**self.replaced, **below})


class LayeredBookings(BookingIndex):
    """The same answers as of one index over all that counts, out of logarithmically many layers. It never changes.

    A question costs as many times more as there are layers, about six among 100,000 declarations.
    """

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        """Of layers, the oldest first; see `with_changes`."""
        super().__init__(())
        self.layers = tuple(layers)

    def with_changes(self, changes: Changes, *, keep: int = 0) -> LayeredBookings:
        """The book with these changes. What it indexes is bounded, so that it takes a moment; see `tidied`.

        `keep` layers, the oldest, are left as they are: somebody is joining them.
        """
        if not changes:
            return self
        counted = {name: each for name in changes if (each := self._counting(name)) is not None}
        layers = [*self.layers, Layer.of(changes, counted)]
        return LayeredBookings(_joined(layers, keep, MOST_AT_ONCE))

    @property
    def untidy(self) -> bool:
        """Whether layers wait to be joined."""
        return any(_belong(*pair) for pair in zip(self.layers, self.layers[1:], strict=False))

    def tidied(self) -> LayeredBookings:
        """The same book with as few layers as it should have; takes seconds for 100,000 declarations."""
        return LayeredBookings(_joined(list(self.layers), 0, None))

    def __len__(self) -> int:
        """How many declarations, each in its latest version."""
        return sum(len(layer.index) - len(layer.gone) for layer in self.layers)

    def exact(self, plate: str) -> list[declaration_pb2.Declaration]:
        """As of one index."""
        return _in_order(
            each for at, layer in enumerate(self.layers) for each in self._seen(at, layer.index.exact(plate))
        )

    def with_container(self, number: str) -> list[declaration_pb2.Declaration]:
        """As of one index."""
        found = ((at, layer.index.with_container(number)) for at, layer in enumerate(self.layers))
        return _in_order(each for at, declarations in found for each in self._seen(at, declarations))

    def near(
        self, plate: str, edits: int, opening: Opening | None = None
    ) -> dict[str, list[declaration_pb2.Declaration]]:
        """As of one index."""
        found: dict[str, list[declaration_pb2.Declaration]] = {}
        for at, layer in enumerate(self.layers):
            for booked, declarations in layer.index.near(plate, edits, opening).items():
                found.setdefault(booked, []).extend(self._seen(at, declarations))
        return {booked: _in_order(found[booked]) for booked in sorted(found) if found[booked]}

    def count_open(self, opening: Opening) -> int:
        """As of one index."""
        return sum(layer.index.count_open(opening) - layer.gone.count_open(opening) for layer in self.layers)

    def _seen(
        self, at: int, declarations: Iterable[declaration_pb2.Declaration]
    ) -> Iterator[declaration_pb2.Declaration]:
        """Those of the layer `at` that no newer one changes."""
        newer = self.layers[at + 1 :]
        return (each for each in declarations if not any(each.declaration_id in layer.changes for layer in newer))

    def _counting(self, declaration_id: str) -> declaration_pb2.Declaration | None:
        for layer in reversed(self.layers):
            if declaration_id in layer.changes:
                return layer.changes[declaration_id]
        return None


def _in_order(declarations: Iterable[declaration_pb2.Declaration]) -> list[declaration_pb2.Declaration]:
    return sorted(declarations, key=lambda each: each.declaration_id)


def _belong(older: Layer, newer: Layer) -> bool:
    return len(newer.changes) * FAN >= len(older.changes)


def _joined(layers: list[Layer], keep: int, most: int | None) -> list[Layer]:
    """Join from the newest down what belongs together, as far as a joined layer has at most `most` declarations."""
    at = len(layers) - 1
    while at > keep:
        older, newer = layers[at - 1], layers[at]
        small = most is None or len(older.changes) + len(newer.changes) <= most
        if _belong(older, newer) and small:
            layers[at - 1 : at + 1] = [older.under(newer, lowest=at == 1)]
            at = len(layers)
        at -= 1
    return layers
