"""Officers' own keys: made and kept by the officer, never at the collector, which knows the public half only.

The private half is a PKCS #8 file under a passphrase (RFC 5958, PBES2 as `cryptography` chooses it).
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from collector.errors import CollectorError
from gate_contract.signatures import is_key

PASSPHRASE_VARIABLE: Final = "TIDEGATE_OFFICER_PASSPHRASE"  # noqa: S105 - the name of a variable
SHORTEST_PASSPHRASE: Final = 12


def make_key(path: Path, passphrase: str) -> bytes:
    """Make a key in a new file that only its owner can read; returns the public key, 32 bytes.

    Raises CollectorError when the file is there already, cannot be written, or the passphrase is too short.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise CollectorError(
            f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters",
            fix="take several words that go together",
        )
    key = Ed25519PrivateKey.generate()
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(encrypted)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise CollectorError(f"{path} is there already", fix="name another file; a key is never overwritten") from None
    except OSError as error:
        raise CollectorError(f"{path} cannot be written", cause=str(error.strerror), fix="name another place") from None
    return key.public_key().public_bytes_raw()


def load_key(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """An officer's key from its file. CollectorError when it cannot be read or is of another kind."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode())
    except OSError as error:
        raise CollectorError(f"the key {path} cannot be read", cause=str(error.strerror), fix="check --key") from None
    except TypeError:
        raise CollectorError(
            f"the key {path} is under no passphrase",
            cause="whoever copies the file could sign as this officer",
            fix="make another one with `gate-collector officers keygen FILE`, and have the old one ended",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CollectorError(
            f"the key {path} does not open", cause="the passphrase is wrong, or it is no key", fix="try again"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise CollectorError(f"{path} is no Ed25519 key", fix="make one with `gate-collector officers keygen FILE`")
    return key


def read_public_key(text: str) -> bytes:
    """A public key, 32 bytes, from base64, or from a file that holds that or PEM. CollectorError when it is none."""
    path = Path(text)
    data = text.encode()
    try:
        if path.is_file():
            data = path.read_bytes()
    except OSError as error:
        raise CollectorError(f"{path} cannot be read", cause=str(error.strerror), fix="check --public-key") from None
    raw = _from_pem(data) if b"-----BEGIN" in data else _from_base64(data)
    if raw is None or not is_key(raw):
        raise CollectorError(
            "this is no public key of an officer",
            cause="it is neither a file nor the base64 text of an Ed25519 public key, 32 bytes",
            fix="take the line that `gate-collector officers keygen` printed",
        )
    return raw


def as_text(public_key: bytes) -> str:
    """A public key as people pass it on: base64."""
    return base64.b64encode(public_key).decode()


def _from_pem(data: bytes) -> bytes | None:
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def _from_base64(data: bytes) -> bytes | None:
    try:
        return base64.b64decode(data.strip(), validate=True)
    except binascii.Error:
        return None
