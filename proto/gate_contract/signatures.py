"""Whether an officer's signature holds. Pure.

A public key of small order is no key: a signature under it can be written by anybody, without a private half (RFC 8032
does not forbid it, and OpenSSL takes it). Whoever could enter one for an officer would let all others sign as that one.

Source: Ed25519 (RFC 8032); the points whose order divides 8, by their second coordinate.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_P: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


def is_key(public_key: bytes) -> bool:
    """Whether it can be somebody's: 32 bytes, and not of small order."""
    return len(public_key) == 32 and (int.from_bytes(public_key, "little") & (1 << 255) - 1) % _P not in _SMALL  # noqa: PLR2004


def holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of this key signed the message."""
    if not is_key(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
