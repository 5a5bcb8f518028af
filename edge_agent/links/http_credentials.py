"""Who may push: HTTP Basic (RFC 7617) and Digest (RFC 7616, as cameras speak it), the server's side.

Nonces are made of the time and a key of this process, so that nothing about a peer is remembered.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

REALM = "gate"
NONCE_S = 300
"""How long a nonce is good; afterwards the peer is asked again, without a fault."""

ASKED_IN_VAIN = 3
"""So many requests in a row without credentials: the peer has none."""

MAX_PEERS = 64

_FIELD = re.compile(r"""([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))""")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a peer must know."""

    user: str
    password: str = field(repr=False)
    scheme: Literal["digest", "basic"] = "digest"


class Challenger:
    """Asks peers who they are, and judges their answers. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[str, int] = {}

    def is_patient(self, peer: str) -> bool:
        """Whether a peer without credentials may just be asking what it needs: one that never gives any is a fault."""
        with self._lock:
            if len(self._asked) >= MAX_PEERS:
                self._asked.clear()  # whoever floods us from so many addresses delays only what we tell of it
            self._asked[peer] = self._asked.get(peer, 0) + 1
            return self._asked[peer] < ASKED_IN_VAIN

    def challenge(self, credentials: Credentials, *, stale: bool = False) -> str:
        """The WWW-Authenticate field."""
        if credentials.scheme == "basic":
            return f'Basic realm="{REALM}"'
        nonce = self._nonce(int(self._clock()))
        return f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{nonce}"{", stale=true" if stale else ""}'

    def admits(self, credentials: Credentials, authorization: str, method: str, peer: str = "") -> bool:
        """Whether the Authorization field of a request proves that the peer knows the password."""
        admitted = self._admits(credentials, authorization, method)
        if admitted:
            with self._lock:
                self._asked.pop(peer, None)
        return admitted

    def _admits(self, credentials: Credentials, authorization: str, method: str) -> bool:
        scheme, _, answer = authorization.partition(" ")
        if scheme.lower() != credentials.scheme:
            return False
        if credentials.scheme == "basic":
            return _basic(credentials, answer)
        fields = {match[1].lower(): match[2] or match[3] or "" for match in _FIELD.finditer(answer)}
        known_nonce = self.is_fresh(authorization)
        # Compared also with a nonce that is not known, so that the time taken says nothing.
        return _digest(credentials, fields, method) and known_nonce

    def is_fresh(self, authorization: str) -> bool:
        """Whether a Digest answer has a nonce of this process that is still good."""
        found = re.search(r'nonce="([0-9a-f]+)-[0-9a-f]{32}"', authorization)
        if found is None or len(found[1]) > 16:  # noqa: PLR2004 - digits of 64 bits
            return False
        made = int(found[1], 16)
        right = hmac.compare_digest(found[0].removeprefix("nonce=").strip('"'), self._nonce(made))
        return right and 0 <= self._clock() - made <= NONCE_S

    def _nonce(self, made: int) -> str:
        return f"{made:x}-{hmac.new(self._key, str(made).encode(), hashlib.sha256).hexdigest()[:32]}"


def _basic(credentials: Credentials, encoded: str) -> bool:
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{credentials.user}:{credentials.password}".encode())


def _digest(credentials: Credentials, fields: dict[str, str], method: str) -> bool:
    """RFC 7616 section 3.4.1 with MD5, which is what cameras speak; with or without qop (RFC 2069)."""
    secret = _md5(f"{credentials.user}:{REALM}:{credentials.password}")
    request = _md5(f"{method}:{fields.get('uri', '')}")
    nonce = fields.get("nonce", "")
    if fields.get("qop"):
        middle = f"{nonce}:{fields.get('nc', '')}:{fields.get('cnonce', '')}:{fields['qop']}"
    else:
        middle = nonce
    right = _md5(f"{secret}:{middle}:{request}")
    given = fields.get("response", "").lower()
    return hmac.compare_digest(given.encode(), right.encode()) and fields.get("username") == credentials.user


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # what the protocol prescribes
