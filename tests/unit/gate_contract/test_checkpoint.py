from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.checkpoint import (
    COSIGNATURE,
    MAX_NOTE_BYTES,
    Checkpoint,
    Note,
    NoteError,
    Signer,
    Verifier,
    journal_origin,
    open_checkpoint,
    open_receipt,
    parse_keys,
)
from gate_contract.merkle import Frontier, leaf_hash

# The example key and note of golang.org/x/mod/sumdb/note (package documentation and note_test.go).
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SECRET = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

# A checkpoint that the Go checksum database signed, and its published key.
SUMDB_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_NOTE = (
    "go.sum database tree\n63096908\n8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=\n\n"
    "— sum.golang.org Az3gri/oVBN1jAhNZ/iS+W31psFAWRT20/GyrhpU6taFwulQGetBkH5S7wpGXdS935jiIGiUUAXBVHzT/P6fYhqAmAk=\n"
)

# The example in C2SP tlog-cosignature; its keys are not published.
COSIGNED_EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

AGENT = Signer("d.example/agent/gate-1/0123456789abcdef", Ed25519PrivateKey.from_private_bytes(b"a" * 32))
COLLECTOR = Signer("d.example/collector", Ed25519PrivateKey.from_private_bytes(b"c" * 32), COSIGNATURE)
HEAD = Checkpoint.of(AGENT.name, Frontier().grown([leaf_hash(b"one"), leaf_hash(b"two")]))
SIGNED = AGENT.sign(HEAD.body())
RECEIPT = COLLECTOR.cosign(SIGNED, 1_760_000_000)


def test_the_published_example_of_a_signed_note_is_verified_and_made_again_byte_for_byte() -> None:
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(GO_SECRET))
    assert signer.verifier.vkey() == GO_VKEY
    assert signer.sign(GO_TEXT).to_bytes() == GO_NOTE.encode()
    assert Verifier.from_vkey(GO_VKEY).check(Note.parse(GO_NOTE.encode())) is None


def test_a_checkpoint_signed_by_a_public_log_is_verified() -> None:
    note = Note.parse(SUMDB_NOTE.encode())
    Verifier.from_vkey(SUMDB_VKEY).check(note)
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("go.sum database tree", 63_096_908)
    assert checkpoint.body() == note.text


def test_the_published_example_of_a_cosigned_checkpoint_is_read() -> None:
    note = Note.parse(COSIGNED_EXAMPLE.encode())
    assert [signature.name for signature in note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    cosignature = note.signatures[1]
    assert int.from_bytes(cosignature.blob[:8]) == 1_679_315_147
    assert len(cosignature.blob) == 8 + 64


def test_what_was_signed_is_opened() -> None:
    assert open_checkpoint(SIGNED.to_bytes(), AGENT.verifier) == HEAD
    receipt = open_receipt(RECEIPT.to_bytes(), COLLECTOR.verifier, AGENT.name)
    assert (receipt.checkpoint, receipt.unix_s) == (HEAD, 1_760_000_000)
    assert open_checkpoint(RECEIPT.to_bytes(), AGENT.verifier) == HEAD


@given(st.data())
def test_one_changed_bit_anywhere_in_a_receipt_is_found(data: st.DataObject) -> None:
    raw = bytearray(RECEIPT.to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NoteError):  # noqa: PT012 - either of the two keys finds it
        open_checkpoint(bytes(raw), AGENT.verifier)
        open_receipt(bytes(raw), COLLECTOR.verifier, AGENT.name)


def test_a_key_that_did_not_sign_says_so() -> None:
    other = Signer(AGENT.name, Ed25519PrivateKey.from_private_bytes(b"b" * 32))
    with pytest.raises(NoteError, match="is not signed by"):
        open_checkpoint(SIGNED.to_bytes(), other.verifier)


def test_a_signature_over_another_text_does_not_hold() -> None:
    forged = Note(Checkpoint(HEAD.origin, 3, HEAD.root).body(), SIGNED.signatures)
    with pytest.raises(NoteError, match="does not hold"):
        open_checkpoint(forged.to_bytes(), AGENT.verifier)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    foreign = AGENT.sign(Checkpoint("d.example/agent/gate-2/0", 2, HEAD.root).body())
    with pytest.raises(NoteError, match=r"signed a checkpoint of d\.example/agent/gate-2/0"):
        open_checkpoint(foreign.to_bytes(), AGENT.verifier)


def test_a_plain_signature_of_the_collector_is_no_receipt() -> None:
    plain = Signer(COLLECTOR.name, Ed25519PrivateKey.from_private_bytes(b"c" * 32))
    with pytest.raises(NoteError, match="no receipt"):
        open_receipt(plain.sign(HEAD.body()).to_bytes(), plain.verifier, AGENT.name)


def test_a_receipt_for_another_journal_is_refused() -> None:
    with pytest.raises(NoteError, match="a receipt for"):
        open_receipt(RECEIPT.to_bytes(), COLLECTOR.verifier, "d.example/agent/gate-2/0")


def test_the_time_of_a_receipt_is_under_its_signature() -> None:
    cosignature = RECEIPT.signatures[1]
    later = (1_760_000_001).to_bytes(8) + cosignature.blob[8:]
    forged = Note(RECEIPT.text, (RECEIPT.signatures[0], type(cosignature)(cosignature.name, cosignature.key_id, later)))
    with pytest.raises(NoteError, match="does not hold"):
        open_receipt(forged.to_bytes(), COLLECTOR.verifier, AGENT.name)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("origin\n2\n", "three lines"),
        ("origin\n2\nAAAA\nmore\n", "three lines"),
        ("origin\n02\n" + "A" * 43 + "=\n", "three lines"),
        ("origin\n-1\n" + "A" * 43 + "=\n", "three lines"),
        ("\n2\n" + "A" * 43 + "=\n", "three lines"),
        ("origin\n2\nAAAA\n", "3 bytes"),
        ("origin\n2\n" + "A" * 42 + "B=\n", "canonical base64"),
        ("origin\n2\n!\n", "not base64"),
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe\n\n", "byte 0 is not"),
        (b"text only\n", "an empty line and signature lines"),
        (b"text\n\n\xe2\x80\x94 name AAAAAAAA", "an empty line and signature lines"),
        (b"text\n\n- name AAAAAAAA\n", "not a signature line"),
        (b"text\n\n\xe2\x80\x94 name AAAA\n", "cut off"),
        (b"text\n\n\xe2\x80\x94 name AAAAAAB=\n", "canonical base64"),
        (b"text\n\n", "not a signature line"),
        (b"x" * (MAX_NOTE_BYTES + 1), "larger than"),
    ],
)
def test_bytes_that_are_no_note_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        Note.parse(data)


@given(
    st.sampled_from([GO_NOTE, SUMDB_NOTE, COSIGNED_EXAMPLE]),
    st.integers(0, 300),
    st.integers(0, 2),
    st.sampled_from(["", "=", "A", "\n", "\n\n", "\r", " ", "\u2014 ", "\ufeff"]),
)
def test_a_note_that_is_read_is_written_as_it_was(text: str, at: int, taken: int, put: str) -> None:
    """There is no other way to write it: what was signed cannot be told in two ways."""
    data = (text[:at] + put + text[at + taken :]).encode()
    try:
        note = Note.parse(data)
    except NoteError:
        return
    assert note.to_bytes() == data


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader_of_notes(data: bytes) -> None:
    try:
        note = Note.parse(data)
    except NoteError:
        return
    assert note.to_bytes() == data


@pytest.mark.parametrize(
    ("vkey", "why"),
    [
        ("no-plus-signs", "name.hash.key"),
        (GO_VKEY.replace("c74f20a3", "c74f20a4"), "does not fit"),
        (GO_VKEY.replace("PeterNeumann", "PeterNeuman"), "does not fit"),
        ("name+c74f20a3+AAAA", "no Ed25519 key"),
        (GO_VKEY.replace("ARpc", "AhpC"), "no Ed25519 key"),
        (GO_VKEY + "=", "base64"),
    ],
)
def test_a_verifier_key_that_is_none_is_refused(vkey: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        Verifier.from_vkey(vkey)


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "new\nline"])
def test_a_name_that_cannot_stand_in_a_signature_line_names_no_key(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a key"):
        Signer(name, Ed25519PrivateKey.generate())


def test_the_two_kinds_of_keys_have_different_ids() -> None:
    plain = Signer(COLLECTOR.name, Ed25519PrivateKey.from_private_bytes(b"c" * 32))
    assert plain.verifier.key_id != COLLECTOR.verifier.key_id
    assert Verifier.from_vkey(COLLECTOR.verifier.vkey()) == COLLECTOR.verifier


def test_a_key_file_may_hold_comments_and_empty_lines() -> None:
    lines = ["# of the collector", "", f"  {COLLECTOR.verifier.vkey()}  ", AGENT.verifier.vkey()]
    assert parse_keys(lines) == {COLLECTOR.name: COLLECTOR.verifier, AGENT.name: AGENT.verifier}


def test_a_new_key_is_a_new_journal() -> None:
    assert journal_origin("d", "gate-1", b"k" * 32) == "d/agent/gate-1/5e318f8cf9cbe249"
    assert journal_origin("d", "gate-1", b"l" * 32) != "d/agent/gate-1/5e318f8cf9cbe249"
