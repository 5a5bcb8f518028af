"""Personal data in records and registers: pseudonyms that compare, fields that a destroyed key makes unreadable. Pure.

A pseudonym is the same for the same document on the same sailing and for nothing else: it is made under that sailing's
key. A sealed field is ciphertext inside what is signed, so destroying its key leaves every proof valid (seal.md).

Sources: HMAC-SHA-256 (RFC 2104, FIPS 180-4); AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces; HKDF-SHA-256
(RFC 5869).
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12

_PSEUDONYM: Final = b"tidegate/pseudonym/v1\0"
_FIELD: Final = b"tidegate/sealed-field/v1\0"
_SEALING: Final = b"tidegate/sailing/sealing/v1"


class SealedFieldError(ValueError):
    """A sealed field cannot be opened with this key, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is sealed of a traveller or driver: in a manifest's ticket, and in a document that a gate read.

    Attributes:
        name: as in the document or the manifest.
        issuer: of the document, as in its MRZ.
        number: of the document.
        birth: as written there; "" when it is not known.
    """

    name: str
    issuer: str
    number: str
    birth: str = ""

    def to_bytes(self) -> bytes:
        """For seal_field: JSON in UTF-8."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From open_field; SealedFieldError when it was no person that was sealed."""
        try:
            found = json.loads(data)
            return cls(*(str(found[name]) for name in ("name", "issuer", "number", "birth")))
        except (ValueError, KeyError, TypeError):
            raise SealedFieldError(f"{len(data)} bytes were sealed that are no person") from None


def new_key() -> bytes:
    """32 random bytes, for pseudonyms or for sealed fields; never one key for both."""
    return secrets.token_bytes(KEY_BYTES)


def pseudonym(key: bytes, issuer: str, number: str) -> bytes:
    """Of one document, 32 bytes.

    Args:
        key: the sailing's, 32 bytes.
        issuer: state or organisation as in the MRZ, e.g. "CHN"; a Chinese identity card's is "CHN".
        number: of the document; what is neither letter nor digit, and case, do not matter.
    """
    parts = ("".join(each for each in text.upper() if each.isalnum()) for text in (issuer, number))
    return hmac.digest(key, _PSEUDONYM + "\0".join(parts).encode(), "sha256")


def sealing_key(sailing_key: bytes) -> bytes:
    """The key that a gate seals fields of this sailing under, 32 bytes.

    It follows from the sailing's key, which makes pseudonyms, so that one is never used for both; both end together.
    """
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=_SEALING).derive(sailing_key)


def seal_field(key: bytes, key_id: str, plain: bytes) -> bytes:
    """Nonce and ciphertext; `key_id` is bound to it, so that it cannot be passed off as another's."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, _FIELD + key_id.encode())


def open_field(key: bytes, key_id: str, sealed: bytes) -> bytes:
    """What was sealed. SealedFieldError when key, key id or bytes do not belong together."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _FIELD + key_id.encode())
    except (InvalidTag, ValueError):
        raise SealedFieldError(f"the field is not sealed under the key {key_id}") from None
