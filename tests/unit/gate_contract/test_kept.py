"""The promise that a blob is kept: what holds, and what does not."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate_contract.checkpoint import COSIGNATURE, Checkpoint, Note, NoteError, Signer, open_receipt
from gate_contract.kept import check_kept, sign_kept

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
COLLECTOR = Signer("test/collector", KEY, COSIGNATURE)
ORIGIN = "test/agent/gate-1/0123456789abcdef"
DIGEST = sha256(b"a picture").digest()
PROMISE = sign_kept(DIGEST, 9, ORIGIN, COLLECTOR, 17)


def check(
    note: bytes = PROMISE, digest: bytes = DIGEST, size: int = 9, origin: str = ORIGIN, by: Signer = COLLECTOR
) -> None:
    check_kept(note, digest, size, origin, by.verifier)


def test_a_promise_holds_for_the_blob_and_the_gate_that_it_names() -> None:
    check()
    for wrong in ({"digest": bytes(32)}, {"size": 8}, {"origin": f"{ORIGIN}0"}):
        with pytest.raises(NoteError, match="another blob"):
            check(**wrong)


def test_a_promise_that_another_key_made_or_nobody_is_none() -> None:
    stranger = Signer(COLLECTOR.name, Ed25519PrivateKey.generate(), COSIGNATURE)
    changed = PROMISE.replace(b"\n9\n", b"\n8\n")
    for note in (sign_kept(DIGEST, 9, ORIGIN, stranger, 17), changed, b"", PROMISE[:40]):
        with pytest.raises(NoteError):
            check(note)
    plain = Signer("test/collector", KEY)
    unsigned_time = plain.sign(Checkpoint(f"{ORIGIN}/evidence", 9, DIGEST).body())
    with pytest.raises(NoteError, match="no promise"):
        check(unsigned_time.to_bytes(), by=plain)


def test_a_receipt_is_no_promise_and_a_promise_no_receipt() -> None:
    receipt = COLLECTOR.cosign(Note(Checkpoint(ORIGIN, 9, DIGEST).body(), ()), 17).to_bytes()
    with pytest.raises(NoteError, match="another blob"):
        check(receipt)
    with pytest.raises(NoteError, match="a receipt for"):
        open_receipt(PROMISE, COLLECTOR.verifier, ORIGIN)
