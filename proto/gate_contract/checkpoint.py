"""Checkpoints and receipts as signed notes. Pure.

Formats: C2SP signed-note (text, key names, key ids, signature lines, verifier keys), C2SP tlog-checkpoint
(origin, size, root) and C2SP tlog-cosignature (a second party's timestamped signature; our receipts).
All signatures are Ed25519 (RFC 8032). Parsing is strict: a note that is not written exactly as we would write it is
refused, so that one changed byte anywhere is found.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate_contract.merkle import HASH_SIZE, Frontier

ED25519 = 0x01
"""Signature type of a plain Ed25519 note signature (signed-note, "Signature types")."""

COSIGNATURE = 0x04
"""Signature type of a timestamped Ed25519 cosignature (tlog-cosignature)."""

MAX_NOTE_BYTES = 16_384
"""A checkpoint with two signatures is under 1 KiB; more is not ours."""

_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID_BYTES = 4


class NoteError(ValueError):
    """A note, its signature or a verifier key does not hold; the text says what."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Head of a log: whose, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The note text that is signed (tlog-checkpoint): three lines, each with its newline."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def of(cls, origin: str, frontier: Frontier) -> Checkpoint:
        """Checkpoint of the log `origin` grown to `frontier`."""
        return cls(origin, frontier.size, frontier.root())

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note text; NoteError unless it is exactly what `body` writes."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - three lines
            raise NoteError("not a checkpoint: expected the three lines origin, size, root")
        root = _strict_base64(lines[2], "checkpoint root")
        if len(root) != HASH_SIZE:
            raise NoteError(f"the checkpoint's root has {len(root)} bytes, not {HASH_SIZE}")
        return cls(lines[0], int(lines[1]), root)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note: key name, 4-byte key id, and what follows it."""

    name: str
    key_id: bytes
    blob: bytes

    def line(self) -> str:
        """As written below the text, with its newline."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.blob).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text (ending in a newline) and the signatures under it."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note; NoteError unless `to_bytes` gives the same bytes again: each part has one form only."""
        if len(data) > MAX_NOTE_BYTES:
            raise NoteError(f"a note of {len(data)} bytes is larger than {MAX_NOTE_BYTES}")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise NoteError(f"a note is UTF-8; byte {error.start} is not") from None
        split = whole.rfind("\n\n")
        if split < 0 or not whole.endswith("\n"):
            raise NoteError("a note is a text, an empty line and signature lines")
        text, lines = whole[: split + 1], whole[split + 2 : -1].split("\n")
        return cls(text, tuple(_parse_signature(line) for line in lines))


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a named key; `kind` is ED25519 or COSIGNATURE."""

    name: str
    public_key: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name || 0x0A || type || public key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:_KEY_ID_BYTES]

    def vkey(self) -> str:
        """The verifier key as one line of text: name+hash+key."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public_key).decode()}"

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """Read a verifier key; NoteError unless it is exactly what `vkey` writes."""
        parts = text.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - name, hash, key
            raise NoteError("a verifier key is name+hash+key")
        raw = _strict_base64(parts[2], "verifier key")
        if len(raw) != 1 + HASH_SIZE or raw[0] not in (ED25519, COSIGNATURE):
            raise NoteError(f"the verifier key of {parts[0]!r} is no Ed25519 key")
        verifier = cls(parts[0], raw[1:], raw[0])
        if verifier.vkey() != text:
            raise NoteError(f"the hash in the verifier key of {parts[0]!r} does not fit the key")
        return verifier

    def check(self, note: Note) -> int | None:
        """Check this key's signature on the note; NoteError when it is missing or wrong.

        Returns a cosignature's time (seconds since 1970-01-01T00:00:00Z), None for a plain signature.
        """
        for signature in note.signatures:
            if signature.name == self.name and signature.key_id == self.key_id:
                return self._check_one(note.text, signature)
        raise NoteError(f"the note is not signed by {self.name} (key id {self.key_id.hex()})")

    def _check_one(self, text: str, signature: Signature) -> int | None:
        time = None
        message, blob = text.encode(), signature.blob
        if self.kind == COSIGNATURE:
            time, blob = int.from_bytes(blob[:8]), blob[8:]
            message = _cosigned_message(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(blob, message)
        except (InvalidSignature, ValueError):
            raise NoteError(f"the signature of {self.name} does not hold") from None
        return time


class Signer:
    """A named private key that signs notes, or cosigns them."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey, kind: int = ED25519) -> None:
        """`name` holds neither space nor plus sign (signed-note); ValueError otherwise."""
        if not name or re.search(r"[\s+]", name):
            raise ValueError(f"{name!r} cannot name a key: empty, or with a space or plus sign")
        self._private_key = private_key
        self.verifier = Verifier(name, private_key.public_key().public_bytes_raw(), kind)

    @property
    def name(self) -> str:
        """The key's name."""
        return self.verifier.name

    def sign(self, text: str) -> Note:
        """A note with this key's signature alone (ED25519 keys)."""
        return Note(text, (Signature(self.name, self.verifier.key_id, self._private_key.sign(text.encode())),))

    def cosign(self, note: Note, unix_s: int) -> Note:
        """The note with this key's cosignature added (COSIGNATURE keys); `unix_s` is the time it states."""
        blob = unix_s.to_bytes(8) + self._private_key.sign(_cosigned_message(note.text, unix_s))
        return Note(note.text, (*note.signatures, Signature(self.name, self.verifier.key_id, blob)))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A collector's promise: the first `checkpoint.size` records of the journal are durable there."""

    checkpoint: Checkpoint
    unix_s: int


def open_checkpoint(data: bytes, verifier: Verifier) -> Checkpoint:
    """The checkpoint in a signed note whose signature by `verifier` holds; NoteError otherwise.

    A journal's key is named after its origin, so the origin is checked with the name.
    """
    note = Note.parse(data)
    verifier.check(note)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != verifier.name:
        raise NoteError(f"{verifier.name} signed a checkpoint of {checkpoint.origin}")
    return checkpoint


def open_receipt(data: bytes, collector: Verifier, origin: str) -> Receipt:
    """The receipt in a cosigned note; NoteError unless `collector` cosigned it for the journal `origin`."""
    note = Note.parse(data)
    unix_s = collector.check(note)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise NoteError(f"a receipt for {checkpoint.origin}, not for {origin}")
    if unix_s is None:
        raise NoteError(f"{collector.name} signed, but did not cosign: no receipt")
    return Receipt(checkpoint, unix_s)


def journal_origin(deployment: str, agent_id: str, public_key: bytes) -> str:
    """Origin of an agent's journal: <deployment>/agent/<agent id>/<first 16 hex digits of the key's SHA-256>.

    A re-flashed machine has a new key, so a new origin and a new log.
    """
    return f"{deployment}/agent/{agent_id}/{sha256(public_key).hexdigest()[:16]}"


def _cosigned_message(text: str, unix_s: int) -> bytes:
    return f"cosignature/v1\ntime {unix_s}\n{text}".encode()


def _parse_signature(line: str) -> Signature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise NoteError(f"not a signature line: {line[:80]!r}")
    raw = _strict_base64(match[2], "signature")
    if len(raw) <= _KEY_ID_BYTES:
        raise NoteError(f"the signature of {match[1]} is cut off")
    return Signature(match[1], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _strict_base64(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"{what}: not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise NoteError(f"{what}: not the canonical base64 of its bytes")
    return raw


def parse_keys(lines: Sequence[str]) -> dict[str, Verifier]:
    """Verifier keys by name from the lines of a key file; empty lines and lines starting with # are skipped."""
    keys = [Verifier.from_vkey(line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return {key.name: key for key in keys}
