"""Reading an invitation, and what is said when TLS does not come up. The trip itself is in the journeys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.enrol import Invitation, explain_tls
from edge_agent.errors import UplinkError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CA_KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

CLOSED = "failed to connect to all addresses; last error: UNAVAILABLE: ipv4:10.0.0.5:7443: Socket closed"
VERIFY = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.5:7443: Tls handshake failed "
    "(TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: "
)


def certificate(
    signed_by: ec.EllipticCurvePrivateKey, *, first: datetime = NOW - DAY, last: datetime = NOW + DAY
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])
    made = (
        x509.CertificateBuilder(name, name, CA_KEY.public_key(), 1)
        .not_valid_before(first)
        .not_valid_after(last)
        .sign(signed_by, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


CA = certificate(CA_KEY)


def invitation(**changes: object) -> str:
    values: dict[str, object] = {
        "format": 1,
        "deployment": "hainan.example",
        "agent_id": "gate-1",
        "site_id": "haikou",
        "enrol": "c.example:7444",
        "uplink": "c.example:7443",
        "expires": "2026-11-23T12:00:00Z",
        "token": "secret",
        "ca_pem": CA.decode(),
    }
    return json.dumps({name: value for name, value in (values | changes).items() if value is not None})


def test_an_invitation_is_read_and_its_token_is_not_shown() -> None:
    read = Invitation.parse(invitation())
    assert read == Invitation("hainan.example", "gate-1", "haikou", "c.example:7444", "c.example:7443", "secret", CA)
    assert "secret" not in repr(read)


def test_a_key_that_a_later_release_adds_does_no_harm() -> None:
    assert Invitation.parse(invitation(more="x")).agent_id == "gate-1"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", b"\xff\xfe", invitation(token=None), invitation(token=""), invitation(agent_id=7),
     invitation(ca_pem="no certificate"), invitation(ca_pem=7), invitation(format=None)],
)  # fmt: skip
def test_what_is_no_invitation_is_refused(text: str | bytes) -> None:
    with pytest.raises(UplinkError, match=r"this is no invitation.*ask for a new"):
        Invitation.parse(text)


def test_an_invitation_of_another_format_names_both() -> None:
    with pytest.raises(UplinkError, match="format 2, this release reads 1"):
        Invitation.parse(invitation(format=2))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VERIFY + "self signed certificate in certificate chain: OK", "not the collector this machine was invited by"),
        (VERIFY + "certificate is not yet valid: OK", "which says 2026-11-22 12:00 UTC. Set the clock"),
        (VERIFY + "certificate has expired: OK", "has expired by this machine's clock, which says 2026-11-22 12:00"),
        ("Custom verification check failed: Hostname Verification Check failed.", "hostnames"),
        ("SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER: Invalid certificate", "does not speak TLS"),
        ("ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused", "nobody listens there"),
        ("errors resolving c.example:7444: [field:hostname lookup error: Domain name not found]", "host name"),
        ("Failed to connect to remote host: Network is unreachable", "no route"),
        ("something never seen before", "something never seen before"),
    ],
)  # fmt: skip
def test_each_failure_has_its_words(error: str, words: str) -> None:
    assert words in explain_tls(error, CA, CA, NOW)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (certificate(CA_KEY, last=NOW), "expired on 2026-11-22 12:00 UTC"),
        (certificate(CA_KEY, first=NOW + DAY / 2), "its clock is before. Set the clock"),
        (certificate(OTHER_KEY), "is foreign"),
        (certificate(CA_KEY), "its log says which"),
        (b"", "the collector's for enrolment"),
    ],
    ids=["expired", "not yet valid", "foreign", "nothing wrong", "none"],
)
def test_a_closed_connection_is_explained_by_what_is_wrong_with_the_own_certificate(shown: bytes, words: str) -> None:
    assert words in explain_tls(CLOSED, shown, CA, NOW)
