"""Slices of reference data under the collector's signature."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate_contract.checkpoint import COSIGNATURE, Checkpoint, Note, NoteError, Signer, open_receipt
from gate_contract.reference import SliceError, check_keys, key_digest, open_slice, sign_slice, slice_origin
from gate_contract.v1.reference_pb2 import SailingKey, Slice

KEY = Ed25519PrivateKey.generate()
RECEIPTS = Signer("hainan.example/collector", KEY, COSIGNATURE)
ORIGIN = slice_origin("hainan.example", "xinhai")
DATA = Slice(site_id="xinhai", from_position=3, position=7, declarations=[b"D"], complete=True).SerializeToString()
NOTE = sign_slice(DATA, 7, ORIGIN, RECEIPTS, 1_790_000_000)


def opened(data: bytes = DATA, note: bytes = NOTE, site: str = "xinhai", deployment: str = "hainan.example") -> Slice:
    return open_slice(data, note, deployment, site, RECEIPTS.verifier)


def test_what_was_signed_opens() -> None:
    found = opened()
    assert (found.from_position, found.position, found.complete, list(found.declarations)) == (3, 7, True, [b"D"])


@pytest.mark.parametrize("at", range(len(DATA)))
def test_no_byte_can_be_changed(at: int) -> None:
    with pytest.raises(SliceError, match="not those that were signed"):
        opened(DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :])


def test_it_is_for_one_site_of_one_deployment() -> None:
    with pytest.raises(SliceError, match=r"'hainan\.example/reference/xinhai', not for this gate's site 'xiuying'"):
        opened(site="xiuying")
    with pytest.raises(SliceError, match="not for this gate's site"):
        opened(deployment="other.example")


def test_another_key_signs_nothing() -> None:
    other = Signer(RECEIPTS.name, Ed25519PrivateKey.generate(), COSIGNATURE)
    with pytest.raises(SliceError, match=r"not signed by hainan\.example/collector"):
        opened(note=sign_slice(DATA, 7, ORIGIN, other, 1))
    with pytest.raises(SliceError, match="a note is a text"):
        opened(note=b"")


def test_a_plain_signature_by_the_same_key_is_no_cosignature() -> None:
    plain = Signer(RECEIPTS.name, KEY).sign(Note.parse(NOTE).text)
    with pytest.raises(SliceError, match="not signed by"):
        opened(note=plain.to_bytes())


def test_what_it_says_of_itself_is_what_its_signature_says() -> None:
    with pytest.raises(SliceError, match="another site or position"):
        opened(note=sign_slice(DATA, 8, ORIGIN, RECEIPTS, 1))
    other_site = Slice(site_id="xiuying", position=7).SerializeToString()
    with pytest.raises(SliceError, match="another site or position"):
        opened(other_site, sign_slice(other_site, 7, ORIGIN, RECEIPTS, 1))
    with pytest.raises(SliceError, match="no slice"):
        opened(b"\xff\xff", sign_slice(b"\xff\xff", 7, ORIGIN, RECEIPTS, 1))


def test_a_slice_is_no_receipt_and_a_receipt_no_slice() -> None:
    journal = "hainan.example/agent/gate-1/0123456789abcdef"
    with pytest.raises(NoteError, match=r"a receipt for hainan\.example/reference/xinhai"):
        open_receipt(NOTE, RECEIPTS.verifier, journal)
    receipt = RECEIPTS.cosign(Note(Checkpoint(journal, 7, bytes(32)).body(), ()), 1).to_bytes()
    with pytest.raises(SliceError, match="not for this gate's site"):
        opened(note=receipt)


def a_key(**changed: object) -> SailingKey:
    return SailingKey(**{"key_id": "K", "sailing_id": "S", "key": b"k" * 32, "expires_unix_ns": 7} | changed)  # type: ignore[arg-type]


def test_the_keys_beside_a_slice_are_those_that_it_names_each_in_its_place() -> None:
    first, second = a_key(), a_key(key_id="L")
    named = Slice(key_digests=map(key_digest, (first, second)))
    check_keys(named, [first, second])
    check_keys(Slice(), [])
    for keys in ([], [first], [second, first], [first, second, second], [first, first]):
        with pytest.raises(SliceError, match="not those that were signed for"):
            check_keys(named, keys)


@pytest.mark.parametrize(
    "other",
    [
        a_key(key=b"K" * 32),
        a_key(expires_unix_ns=8),
        a_key(expires_unix_ns=-7),
        a_key(key_id="KS", sailing_id=""),
        a_key(key_id="", sailing_id="KS"),
        a_key(sailing_id="S" + "k", key=b"k" * 31),
    ],
)
def test_nothing_that_is_said_of_a_key_can_be_changed_or_moved(other: SailingKey) -> None:
    assert key_digest(other) != key_digest(a_key())
