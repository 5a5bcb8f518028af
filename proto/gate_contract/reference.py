"""Slices of reference data under the collector's signature. Pure.

The signature is a C2SP cosignature by the key that makes receipts, under a text of three lines, as a checkpoint has:
origin, the slice's position, SHA-256 of its bytes. What keeps the two apart is the origin: a receipt's is a journal's,
"<deployment>/agent/…", a slice's is "<deployment>/reference/<site id>", and whoever opens either checks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from google.protobuf.message import DecodeError

from gate_contract.checkpoint import Checkpoint, Note, NoteError, Signer, Verifier
from gate_contract.v1.reference_pb2 import SailingKey, Slice

MOST_BYTES: Final = 3 * 1024 * 1024
"""A slice has fewer; the gates' connections take messages of 4 MiB."""


_KEY: Final = b"tidegate/sailing-key/v1\0"


class SliceError(ValueError):
    """A slice that must not be taken; the text says why."""


def slice_origin(deployment: str, site_id: str) -> str:
    """First line of the text under a slice's signature."""
    return f"{deployment}/reference/{site_id}"


def sign_slice(data: bytes, position: int, origin: str, signer: Signer, unix_s: int) -> bytes:
    """The signed note over a serialised slice that ends at `position`; `signer` is the receipts' (COSIGNATURE)."""
    note = Note(Checkpoint(origin, position, sha256(data).digest()).body(), ())
    return signer.cosign(note, unix_s).to_bytes()


def open_slice(data: bytes, note: bytes, deployment: str, site_id: str, collector: Verifier) -> Slice:
    """Open a slice for a gate of this site; nothing in it is decoded before its signature holds.

    Args:
        data: the slice, serialised.
        note: the signed note over it.
        deployment: whose collector must have signed it.
        site_id: the gate's site.
        collector: the receipts' verifier, as pinned at enrolment.

    Raises:
        SliceError: the note does not hold, is about other bytes or another site, or it is no slice.
    """
    try:
        signed = Note.parse(note)
        if collector.check(signed) is None:
            raise SliceError(f"{collector.name} signed, but did not cosign it")
        head = Checkpoint.parse(signed.text)
    except NoteError as error:
        raise SliceError(str(error)) from None
    if head.origin != slice_origin(deployment, site_id):
        raise SliceError(f"it is {head.origin!r}, not for this gate's site {site_id!r}")
    if head.root != sha256(data).digest():
        raise SliceError("its bytes are not those that were signed")
    try:
        found = Slice.FromString(data)
    except DecodeError:
        raise SliceError("what was signed is no slice") from None
    if (found.site_id, found.position) != (site_id, head.size):
        raise SliceError("it says another site or position than its signature")
    return found


def key_digest(key: SailingKey) -> bytes:
    """SHA-256 of a sailing's key with all that is said of it, each part behind its length."""
    parts = (key.key_id.encode(), key.sailing_id.encode(), key.key, key.expires_unix_ns.to_bytes(8, signed=True))
    return sha256(_KEY + b"".join(len(part).to_bytes(4) + part for part in parts)).digest()


def check_keys(found: Slice, keys: Iterable[SailingKey]) -> None:
    """SliceError unless exactly the keys that an opened slice names came beside it.

    They are not in the slice, which others may read, but what a gate seals is sealed under them: whoever could put in
    one of his own could read it.
    """
    if [key_digest(each) for each in keys] != list(found.key_digests):
        raise SliceError("the keys of sailings beside it are not those that were signed for")
