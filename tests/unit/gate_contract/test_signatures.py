from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate_contract.signatures import holds, is_key

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
P = 2**255 - 19

SMALL = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
"""Every point of small order, as other implementations refuse them; the last two write 0 and 1 in another way."""


def test_a_signature_holds_under_its_key_for_its_message() -> None:
    signature = KEY.sign(b"message")
    assert is_key(PUBLIC)
    assert holds(PUBLIC, signature, b"message")
    assert not holds(PUBLIC, signature, b"another")
    assert not holds(Ed25519PrivateKey.generate().public_key().public_bytes_raw(), signature, b"message")
    assert not holds(PUBLIC, signature[:-1], b"message")
    assert not holds(PUBLIC, b"", b"message")


def test_one_signature_has_one_form() -> None:
    signature = KEY.sign(b"message")
    order = 2**252 + 27742317777372353535851937790883648493
    other = int.from_bytes(signature[32:], "little") + order
    assert not holds(PUBLIC, signature[:32] + other.to_bytes(32, "little"), b"message")


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize("point", SMALL)
def test_a_key_of_small_order_is_nobodys(point: str, sign: int) -> None:
    key = bytearray.fromhex(point)
    key[31] |= sign
    forged = bytes([1]) + bytes(63)
    assert not is_key(bytes(key))
    assert not any(holds(bytes(key), forged, str(number).encode()) for number in range(64))


@pytest.mark.parametrize("key", [b"", PUBLIC[:31], PUBLIC + b"x"], ids=["none", "31 bytes", "33 bytes"])
def test_what_has_no_32_bytes_is_no_key(key: bytes) -> None:
    assert not is_key(key)
    assert not holds(key, KEY.sign(b"message"), b"message")
