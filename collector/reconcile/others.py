"""The other passages that some passages are about, kept as verdicts are given: by plate, document and declaration.

A verdict knows every verdict before it in the ledger, those that are given together with it too.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Generic, TypeVar

from collector.reconcile.passed import Passed

Key = TypeVar("Key", str, bytes)

MOST_BEFORE: Final = 50
"""Passages before one that its context is about: who was here more often is known well enough."""

MOST_AFTER: Final = 20
"""Passages after one that its context is about; there are any only when it came late."""


class Others(Generic[Key]):
    """Passages by one kind of key, each list in order of time."""

    def __init__(self, found: Mapping[Key, Iterable[Passed]]) -> None:
        """As they stood before the first verdict that is given now."""
        self._by_key: dict[Key, list[Passed]] = defaultdict(list)
        self._keys: dict[str, set[Key]] = defaultdict(set)
        for key, some in found.items():
            self._by_key[key] = sorted({each.passage_id: each for each in some}.values(), key=Passed.order)
            for each in self._by_key[key]:
                self._keys[each.passage_id].add(key)

    def put(self, passed: Passed, keys: Collection[Key]) -> None:
        """A verdict was given on it: it stands under these keys now, and under no others."""
        for key in self._keys.pop(passed.passage_id, ()):
            self._by_key[key] = [each for each in self._by_key[key] if each.passage_id != passed.passage_id]
        if passed.passes:
            self._keys[passed.passage_id] = set(keys)
            for key in keys:
                insort(self._by_key[key], passed, key=Passed.order)

    def all(self, key: Key) -> list[Passed]:
        """Every one of a key, in order of time."""
        return self._by_key.get(key, [])

    def about(self, keys: Iterable[Key], own: tuple[int, str]) -> list[Passed]:
        """Those of any of the keys that were nearest to a passage in time, without the passage itself."""
        found: dict[str, Passed] = {}
        for key in keys:
            some = self._by_key.get(key, [])
            at = bisect_left(some, own, key=Passed.order)
            found.update((each.passage_id, each) for each in some[max(at - MOST_BEFORE, 0) : at + MOST_AFTER])
        found.pop(own[1], None)
        return sorted(found.values(), key=Passed.order)
