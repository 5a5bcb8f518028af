"""Pseudonyms of documents on sailings, as manifests, declarations and orders name a person.

Each sailing has a key of its own, made when the first document is named on it and destroyed a while after departure:
afterwards nobody can find out whose pseudonym one was, nor name a document on this sailing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from collector.config_retention import RetentionConfig
from collector.declarations.values import UnfitError
from collector.privacy.keystore import KeyStore
from gate_contract.personal import pseudonym
from gate_contract.v1.register_pb2 import Sailing


class SailingKey(NamedTuple):
    """A sailing's key and its name."""

    key_id: str
    key: bytes


class SailingKeys:
    """Keys of the sailings that the register knows."""

    def __init__(
        self,
        keys: KeyStore,
        retention: RetentionConfig,
        find: Callable[[str], Sailing | None],
        now_unix_ns: int,
    ) -> None:
        """`find` gives the sailing of an id; None where the register has none."""
        self._keys, self._retention, self._find = keys, retention, find
        self._now_ns = now_unix_ns
        self._known: dict[str, SailingKey] = {}

    def key_of(self, sailing_id: str) -> SailingKey:
        """The sailing's key, made at the first time. UnfitError when the sailing is not known or too long ago."""
        if sailing_id not in self._known:
            self._known[sailing_id] = self._made(sailing_id)
        return self._known[sailing_id]

    def pseudonym(self, sailing_id: str, issuer: str, number: str) -> bytes:
        """Of a document on a sailing, 32 bytes; UnfitError as key_of."""
        return pseudonym(self.key_of(sailing_id).key, issuer, number)

    def _made(self, sailing_id: str) -> SailingKey:
        sailing = self._find(sailing_id)
        if sailing is None:
            raise UnfitError(
                f"the sailing {sailing_id} is not known: enter it with `gate-collector sailings import` first"
            )
        until = self._retention.pseudonyms_until(sailing.departure_unix_ns)
        if until <= self._now_ns:
            over = datetime.fromtimestamp(until // 10**9, UTC)
            raise UnfitError(
                f"the term of the sailing {sailing_id} ended {over:%Y-%m-%d}: nobody can be named on it now"
            )
        # Always told to the store, so that a departure which was put off lengthens the key's term.
        key_id = self._keys.make("sailing", sailing_id, until)
        key = self._keys.key(key_id)
        if key is None:
            raise UnfitError(f"the key of the sailing {sailing_id} was destroyed just now: try again")
        return SailingKey(key_id, key)


def lengthen_terms(keys: KeyStore, retention: RetentionConfig, find: Callable[[str], Sailing | None]) -> int:
    """Keys of sailings that depart later than was thought live so much longer; returns how many."""
    lengthened = 0
    for entry in keys.entries("sailing"):
        sailing = find(entry.name)
        if sailing is None:
            continue
        until = retention.pseudonyms_until(sailing.departure_unix_ns)
        if until > entry.expires_ns:
            keys.make("sailing", entry.name, until)
            lengthened += 1
    return lengthened
