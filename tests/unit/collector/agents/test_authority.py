"""What the authority's certificates say, and which requests it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.agents.authority import Authority
from collector.errors import EnrolmentError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORIGIN = "hainan.example/agent/gate-1/0123456789abcdef"
AUTHORITY = Authority.make("hainan.example", NOW)


def csr(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey | None = None) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    asked = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody-else")])
    algorithm = None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(asked).sign(key, algorithm)
    return request.public_bytes(serialization.Encoding.DER)


def issue(*, days: int = 90, at: datetime = NOW) -> x509.Certificate:
    issued = AUTHORITY.issue_client(csr(), "gate-1", ORIGIN, days, at)
    return x509.load_pem_x509_certificate(issued.chain_pem)


def root() -> x509.Certificate:
    return x509.load_pem_x509_certificate(AUTHORITY.certificate_pem)


def test_the_root_may_sign_certificates_and_nothing_below_it_may() -> None:
    basic = root().extensions.get_extension_for_class(x509.BasicConstraints)
    usage = root().extensions.get_extension_for_class(x509.KeyUsage).value
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert usage.key_cert_sign
    assert not usage.digital_signature
    assert not issue().extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root().not_valid_after_utc.year == 2036


def test_an_agent_certificate_names_agent_and_journal_whatever_the_request_asked_for() -> None:
    certificate = issue()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert certificate.subject.rfc4514_string() == "CN=gate-1"
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"tidegate:{ORIGIN}"]
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(root())


def test_what_is_returned_is_what_the_certificate_says() -> None:
    issued = AUTHORITY.issue_client(csr(), "gate-1", ORIGIN, 90, NOW)
    leaf, ca = x509.load_pem_x509_certificates(issued.chain_pem)
    assert ca == root()
    assert int(issued.serial, 16) == leaf.serial_number
    assert (issued.not_before, issued.not_after) == (leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def test_a_certificate_is_backdated_an_hour_but_not_before_the_root() -> None:
    later = NOW + timedelta(days=3)
    assert issue(at=later).not_valid_before_utc == later - timedelta(hours=1)
    assert issue(at=later).not_valid_after_utc == later + timedelta(days=90)
    soon = NOW - timedelta(minutes=30)
    assert issue(at=soon).not_valid_before_utc == root().not_valid_before_utc


def test_a_certificate_does_not_outlive_the_root() -> None:
    assert issue(at=root().not_valid_after_utc - timedelta(days=1)).not_valid_after_utc == root().not_valid_after_utc


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, 0, 5, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)])
def test_nothing_is_issued_when_the_clock_is_outside_the_root_s_life(at: datetime) -> None:
    with pytest.raises(EnrolmentError, match=f"no certificate can be issued at {at:%Y-%m-%d}.*clock"):
        issue(at=at)


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048), Ed25519PrivateKey.generate()],
    ids=["P-384", "RSA", "Ed25519"],
)
def test_a_request_for_another_kind_of_key_is_refused(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey,
) -> None:
    with pytest.raises(EnrolmentError, match="not for an ECDSA P-256 key"):
        AUTHORITY.issue_client(csr(key), "gate-1", ORIGIN, 90, NOW)


def test_a_request_not_signed_with_its_own_key_is_refused() -> None:
    mine, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    forged = csr(mine).replace(mine.public_key().public_bytes(*encoding), theirs.public_key().public_bytes(*encoding))
    with pytest.raises(EnrolmentError, match="not signed with its own key"):
        AUTHORITY.issue_client(forged, "gate-1", ORIGIN, 90, NOW)


@pytest.mark.parametrize("request_der", [b"", b"\x30\x00", b"garbage", csr()[:-40]])
def test_bytes_that_are_no_request_are_refused(request_der: bytes) -> None:
    with pytest.raises(EnrolmentError, match=r"cannot be read as PKCS#10"):
        AUTHORITY.issue_client(request_der, "gate-1", ORIGIN, 90, NOW)
