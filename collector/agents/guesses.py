"""Who asks wrongly too often is not listened to for a while. Pure; bounded in peers and in moments kept of each."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from datetime import datetime, timedelta

ALLOWED = 10
WITHIN = timedelta(minutes=1)

MAX_PEERS = 4096
"""Peers remembered; beyond that the one that has been quiet longest is forgotten, which only lets it ask again."""


class Guesses:
    """Refused requests of each peer: after `ALLOWED` of them within `WITHIN`, the peer has to wait."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, deque[datetime]] = OrderedDict()

    def wait(self, peer: str, now: datetime) -> timedelta:
        """How long this peer (as gRPC names it) has to wait; zero when it may ask."""
        moments = self._refused.get(_host(peer))
        if moments is None or len(moments) < ALLOWED:
            return timedelta()
        # A clock that was set back must not lock anyone out for longer.
        return min(max(moments[0] + WITHIN - now, timedelta()), WITHIN)

    def refused(self, peer: str, now: datetime) -> None:
        """Count a refusal."""
        moments = self._refused.setdefault(_host(peer), deque(maxlen=ALLOWED))
        moments.append(now)
        self._refused.move_to_end(_host(peer))
        if len(self._refused) > MAX_PEERS:
            self._refused.popitem(last=False)


def _host(peer: str) -> str:
    """The host in gRPC's "ipv4:10.0.0.7:50312" or "ipv6:%5B2001:db8::7%5D:50312"; a /64 network counts as one host."""
    kind, _, address = peer.partition(":")
    host = address.rpartition(":")[0]
    if kind == "ipv6":
        return ":".join(re.sub(r"%5B|%5D|[\[\]]", "", host).split(":")[:4])
    return host
