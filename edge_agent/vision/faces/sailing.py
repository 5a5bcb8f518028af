"""One sailing's key: what its templates are encrypted with and its pseudonyms are made with. It dies with the sailing.

Two keys are derived from it (HKDF-SHA-256, RFC 5869), so that neither use says anything of the other: AES-256-GCM for
templates, HMAC-SHA-256 for pseudonyms. Every sailing has its own random key, so the same traveller's pseudonyms in two
sailings have nothing in common, and once the key is destroyed nobody can make them again from a document number.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge_agent.errors import EdgeAgentError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_TEMPLATES = b"tidegate sailing templates v1"
_PSEUDONYMS = b"tidegate sailing pseudonyms v1"


class SealedError(EdgeAgentError):
    """What was encrypted for a sailing cannot be read: another key, changed bytes, or the key is destroyed."""


class SailingKey:
    """32 random bytes. `destroy` overwrites our copy; the libraries' short-lived copies are theirs to free.

    Never shown: it has no text form, and is not hashed or compared.
    """

    __slots__ = ("_material",)

    def __init__(self, material: bytes | bytearray) -> None:
        if len(material) != KEY_BYTES:
            raise SealedError(f"a sailing's key has {KEY_BYTES} bytes, this has {len(material)}")
        self._material = bytearray(material)

    @classmethod
    def generate(cls) -> SailingKey:
        """A fresh one, from the kernel's random numbers."""
        return cls(os.urandom(KEY_BYTES))

    @property
    def destroyed(self) -> bool:
        """Nothing can be read or named with it any more."""
        return not self._material

    def pseudonym(self, subject: str) -> str:
        """32 hexadecimal digits that name a subject (a document's number and issuer) within this sailing only."""
        return hmac.digest(self._derived(_PSEUDONYMS), subject.encode(), "sha256").hex()[:32]

    def seal(self, plain: bytes, associated: bytes) -> bytes:
        """Nonce, ciphertext and tag; `associated` is not encrypted but must be the same when it is opened."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._derived(_TEMPLATES)).encrypt(nonce, plain, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """What was sealed; SealedError when a byte of it, of `associated` or of the key is another."""
        try:
            return AESGCM(self._derived(_TEMPLATES)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
        except (InvalidTag, ValueError) as error:
            raise SealedError(
                "these templates cannot be read",
                cause="they were changed, cut short, or sealed under another sailing's key",
                fix="Send the gallery again",
            ) from error

    def stored(self) -> bytes:
        """The bytes, for the one file that keeps them (edge_agent.vision.faces.gallery_store)."""
        self._alive()
        return bytes(self._material)

    def destroy(self) -> None:
        """Overwrite and forget it; may be called again."""
        for place in range(len(self._material)):
            self._material[place] = 0
        self._material.clear()

    def _derived(self, purpose: bytes) -> bytes:
        self._alive()
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(bytes(self._material))

    def _alive(self) -> None:
        if self.destroyed:
            raise SealedError("this sailing's key is destroyed", cause="the sailing is over")
