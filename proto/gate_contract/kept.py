"""The collector's promise that it keeps a blob of evidence: only then may a gate delete its own. Pure.

A C2SP cosignature by the key that makes receipts, under a text of three lines, as a checkpoint has: the origin of the
journal with "/evidence" behind it, the size of the blob, its SHA-256.
"""

from __future__ import annotations

from gate_contract.checkpoint import Checkpoint, Note, NoteError, Signer, Verifier


def sign_kept(sha256: bytes, size: int, origin: str, signer: Signer, unix_s: int) -> bytes:
    """The signed note; `origin` is that of the journal whose gate sent it, `signer` is the receipts' (COSIGNATURE)."""
    return signer.cosign(Note(_promised(sha256, size, origin).body(), ()), unix_s).to_bytes()


def check_kept(note: bytes, sha256: bytes, size: int, origin: str, collector: Verifier) -> None:
    """NoteError unless `collector` promised just this blob to the gate whose journal `origin` is."""
    signed = Note.parse(note)
    if collector.check(signed) is None:
        raise NoteError(f"{collector.name} signed, but did not cosign: no promise")
    if Checkpoint.parse(signed.text) != _promised(sha256, size, origin):
        raise NoteError("it promises another blob, or promises it to another gate")


def _promised(sha256: bytes, size: int, origin: str) -> Checkpoint:
    return Checkpoint(f"{origin}/evidence", size, sha256)
