"""The deployment's certificate authority: what is in its certificates (X.509, RFC 5280). No files, no clock.

One root, ECDSA P-256, that signs server and agent certificates itself (path length 0). Keys are P-256 throughout
because gRPC's TLS (BoringSSL) does not negotiate Ed25519 certificates; see docs/enrolment.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.errors import EnrolmentError

CA_LIFE = timedelta(days=3653)
SERVER_LIFE = timedelta(days=397)

SKEW = timedelta(hours=1)
"""How far an agent's clock may be behind: certificates begin this much before they are made."""

ORIGIN_SCHEME = "tidegate:"
"""An agent's certificate names its journal in a subject alternative name of type URI: tidegate:<origin>."""


class Issued(NamedTuple):
    """A fresh certificate: chain (PEM, leaf first), serial number (hexadecimal), and its life."""

    chain_pem: bytes
    serial: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """The root: its key and its self-signed certificate (PEM)."""

    key: ec.EllipticCurvePrivateKey
    certificate_pem: bytes

    @classmethod
    def make(cls, deployment: str, now: datetime) -> Authority:
        """A new root for a deployment, valid ten years."""
        key = ec.generate_private_key(ec.SECP256R1())
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, deployment)
        name = x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, "Tidegate CA")])
        certificate = (
            _builder(name, key.public_key(), now - SKEW, now + CA_LIFE)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate.public_bytes(serialization.Encoding.PEM))

    def issue_server(self, hostnames: Sequence[str], now: datetime) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
        """A key and certificate chain (PEM, leaf first) for the collector's ports, made out to `hostnames`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(hostname) for hostname in hostnames]
        start, end = self._life(SERVER_LIFE, now)
        builder = _builder(_common_name("collector"), key.public_key(), start, end)
        return key, self._sign(builder, ExtendedKeyUsageOID.SERVER_AUTH, names).chain_pem

    def issue_client(self, csr_der: bytes, agent_id: str, origin: str, days: int, now: datetime) -> Issued:
        """A client certificate for the key of a PKCS#10 request; what else the request asks for is not read.

        Raises EnrolmentError when the request is malformed, not for P-256, or not signed with its own key.
        """
        key = _requested_key(csr_der)
        name = x509.UniformResourceIdentifier(ORIGIN_SCHEME + origin)
        start, end = self._life(timedelta(days=days), now)
        return self._sign(_builder(_common_name(agent_id), key, start, end), ExtendedKeyUsageOID.CLIENT_AUTH, [name])

    def _life(self, life: timedelta, now: datetime) -> tuple[datetime, datetime]:
        """First and last moment of a certificate made now: never beyond the root's own."""
        root = x509.load_pem_x509_certificate(self.certificate_pem)
        first, last = root.not_valid_before_utc, root.not_valid_after_utc
        if not first <= now < last:
            raise EnrolmentError(
                f"no certificate can be issued at {now:%Y-%m-%d %H:%M} UTC",
                cause=f"the authority's own is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
                fix="set the collector's clock; when it is right, the authority has to be replaced (docs/enrolment.md)",
            )
        return max(now - SKEW, first), min(now + life, last)

    def _sign(
        self, builder: x509.CertificateBuilder, purpose: x509.ObjectIdentifier, names: list[x509.GeneralName]
    ) -> Issued:
        issuer = x509.load_pem_x509_certificate(self.certificate_pem)
        certificate = (
            builder.issuer_name(issuer.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Issued(
            certificate.public_bytes(serialization.Encoding.PEM) + self.certificate_pem,
            f"{certificate.serial_number:x}",
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )


def server_certificate_is_due(chain_pem: bytes, hostnames: Sequence[str], now: datetime) -> bool:
    """Whether the server's certificate is to be made anew: under a third of its life left, or other host names."""
    certificate = x509.load_pem_x509_certificate(chain_pem)
    end = certificate.not_valid_after_utc
    if (end - now) * 3 < end - certificate.not_valid_before_utc:
        return True
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) != {_general_name(hostname) for hostname in hostnames}


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM (PKCS#8, not encrypted: the file's mode guards it)."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _requested_key(csr_der: bytes) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_der_x509_csr(csr_der)
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnrolmentError("the certificate request cannot be read as PKCS#10", cause=str(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise EnrolmentError("the certificate request is not for an ECDSA P-256 key")
    if not signed:
        raise EnrolmentError("the certificate request is not signed with its own key")
    return key


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(hostname: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        return x509.DNSName(hostname)
