"""Enrolment and renewal: how this machine gets its certificate, and what to say when TLS does not come up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.errors import UplinkError
from edge_agent.keys import AgentKeys, Identity, journal_key_for, tls_pem
from gate_contract.checkpoint import NoteError, journal_origin, parse_keys
from gate_contract.v1.enrolment_pb2 import EnrolRequest, EnrolResponse, RenewRequest
from gate_contract.v1.enrolment_pb2_grpc import EnrolmentServiceStub

DEADLINE_S = 20.0
INVITATION_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Invitation:
    """What `gate-collector agents invite` wrote: for one machine, once.

    Attributes:
        deployment: name of the collector's deployment.
        agent_id: what the machine will be called.
        site_id: the site it will serve.
        enrol_address: host:port for enrolment and renewal.
        uplink_address: host:port for records.
        token: the one-time token.
        ca_pem: the authority that the collector's certificate has to come from.
    """

    deployment: str
    agent_id: str
    site_id: str
    enrol_address: str
    uplink_address: str
    token: str = field(repr=False)
    ca_pem: bytes

    @classmethod
    def parse(cls, text: str | bytes) -> Invitation:
        """Read an invitation; UplinkError when it is not one."""
        broken = "ask for a new invitation, and carry the file as it is"
        try:
            values = json.loads(text)
            if values["format"] != INVITATION_FORMAT:
                raise UplinkError(
                    f"the invitation has format {values['format']}, this release reads {INVITATION_FORMAT}",
                    fix="install the release that fits the collector's",
                )
            names = ("deployment", "agent_id", "site_id", "enrol", "uplink", "token", "ca_pem")
            texts = [values[name] for name in names]
            ca_pem = texts.pop().encode()
            x509.load_pem_x509_certificate(ca_pem)
            deployment, agent_id, site_id, enrol_address, uplink_address, token = texts
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UplinkError("this is no invitation", cause=repr(error)[:200], fix=broken) from None
        if not all(isinstance(each, str) and each for each in texts):
            raise UplinkError("this is no invitation", cause="a value is empty or no text", fix=broken)
        return cls(deployment, agent_id, site_id, enrol_address, uplink_address, token, ca_pem)


def enrol(invitation: Invitation, state_dir: Path) -> AgentKeys:
    """Get this machine admitted; its keys are in `state_dir`/keys afterwards.

    The journal key is made and durable before the token is used, and the collector accepts the same token from the
    same key again: after a failure at any point, do it again. Raises UplinkError or KeysError with the next step.
    """
    journal_key = journal_key_for(state_dir, invitation.deployment, invitation.agent_id)
    tls_key = ec.generate_private_key(ec.SECP256R1())
    csr_der = _request(tls_key, invitation.agent_id)
    request = EnrolRequest(
        token=invitation.token,
        csr_der=csr_der,
        journal_key=journal_key.public_key().public_bytes_raw(),
        signature=journal_key.sign(b"tidegate/enrol/v1\n" + invitation.token.encode() + b"\n" + csr_der),
    )
    with _service(invitation.enrol_address, invitation.ca_pem) as service:
        answer = service.Enrol(request, timeout=DEADLINE_S)
    _check_answer(invitation, request.journal_key, answer)
    _check_certificate(answer.certificate_pem, tls_key)
    identity = Identity(
        deployment=invitation.deployment,
        agent_id=answer.agent_id,
        site_id=answer.site_id,
        origin=answer.origin,
        uplink_address=invitation.uplink_address,
        enrol_address=invitation.enrol_address,
        collector_keys=tuple(answer.collector_keys),
    )
    return AgentKeys.create(state_dir, identity, invitation.ca_pem, tls_pem(tls_key, answer.certificate_pem))


def renew(keys: AgentKeys) -> AgentKeys:
    """A fresh certificate for a fresh TLS key, also when the old one has expired. UplinkError when there is none."""
    origin = keys.identity.origin
    tls_key = ec.generate_private_key(ec.SECP256R1())
    csr_der = _request(tls_key, keys.identity.agent_id)
    signature = keys.journal_key.sign(b"tidegate/renew/v1\n" + origin.encode() + b"\n" + csr_der)
    with _service(keys.identity.enrol_address, keys.ca_pem) as service:
        answer = service.Renew(RenewRequest(origin=origin, csr_der=csr_der, signature=signature), timeout=DEADLINE_S)
    _check_certificate(answer.certificate_pem, tls_key)
    return keys.with_certificate(tls_pem(tls_key, answer.certificate_pem))


def explain_tls(error_text: str, certificate_pem: bytes, ca_pem: bytes, now: datetime) -> str:
    """Why gRPC could not connect, in words with a next step.

    Args:
        error_text: details of the UNAVAILABLE error.
        certificate_pem: this machine's certificate chain; empty when it shows none.
        ca_pem: the authority it trusts.
        now: what its clock says.
    """
    text = error_text.lower()
    if "certificate_verify_failed" in text:
        return _about_theirs(text, now)
    if "socket closed" in text or "reset" in text or "alert" in text or "broken pipe" in text:
        # TLS 1.3: the client is through before the server has looked at its certificate, so that a refusal is only
        # seen as a closed connection. What is wrong is worked out from the certificate.
        return _about_ours(certificate_pem, ca_pem, now)
    for mark, words in _NETWORK:
        if mark in text:
            return words
    return f"the collector could not be reached: {error_text}"


_NETWORK = (
    (
        "hostname verification",
        "the collector's certificate is not made out to this address. Add it to `hostnames` there",
    ),
    ("wrong_version_number", "what answers there does not speak TLS. Check the address and port"),
    ("connection refused", "nobody listens there. Check address and port, and that the collector runs"),
    ("errors resolving", "the host name is not known. Check it, and this machine's DNS"),
    ("dns", "the host name is not known. Check it, and this machine's DNS"),
    ("unreachable", "there is no route to the collector. Check this machine's network"),
    ("timed out", "no answer. Check the address, the network and firewalls"),
)


def _about_theirs(text: str, now: datetime) -> str:
    """The collector's certificate was not accepted here."""
    if "not yet valid" in text:
        return (
            f"the collector's certificate is not valid yet by this machine's clock, which says {now:%Y-%m-%d %H:%M} "
            "UTC. Set the clock"
        )
    if "expired" in text:
        return (
            f"the collector's certificate has expired by this machine's clock, which says {now:%Y-%m-%d %H:%M} UTC. "
            "If the clock is right, restart the collector: it renews its certificate"
        )
    return (
        "what answers there is not the collector this machine was invited by: its certificate comes from another "
        "authority. Check the address; if the collector was set up anew, enrol with a new invitation"
    )


def _about_ours(certificate_pem: bytes, ca_pem: bytes, now: datetime) -> str:
    """The other end closed the connection while TLS was set up."""
    if not certificate_pem:
        return "the other end closed the connection. Check that the port is the collector's for enrolment"
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= last:
        return f"this machine's certificate expired on {last:%Y-%m-%d %H:%M} UTC. It is renewed at the enrolment port"
    if now < first:
        return f"this machine's certificate begins on {first:%Y-%m-%d %H:%M} UTC, its clock is before. Set the clock"
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_pem))
    except (ValueError, TypeError, InvalidSignature):
        return (
            "this machine's certificate is foreign: it does not come from the authority it was enrolled with. "
            "Enrol with a new invitation"
        )
    return (
        "the collector closed the connection while TLS was set up: it is starting or stopping, or it does not accept "
        "this machine's certificate; its log says which"
    )


@contextmanager
def _service(address: str, ca_pem: bytes) -> Iterator[EnrolmentServiceStub]:
    """The enrolment service at an address; its errors become UplinkError with the next step."""
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(ca_pem)) as channel:
        try:
            yield EnrolmentServiceStub(channel)
        except grpc.RpcError as error:
            raise _in_words(error, address, ca_pem) from error


def _in_words(error: grpc.RpcError, address: str, ca_pem: bytes) -> UplinkError:
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED):
        return UplinkError("the collector refused", cause=details)
    what = f"the collector at {address} could not be asked"
    if code is grpc.StatusCode.UNAVAILABLE:
        # The collector says "unavailable" itself, in its own words, when its database cannot be written.
        own = details.startswith("the collector")
        return UplinkError(what, cause=details if own else explain_tls(details, b"", ca_pem, datetime.now(UTC)))
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return UplinkError(
            what, cause=f"no answer within {DEADLINE_S:.0f} s", fix="check address, port, network and firewalls"
        )
    return UplinkError(what, cause=f"{code.name}: {details}", fix="check that the port is the one for enrolment")


def _request(key: ec.EllipticCurvePrivateKey, agent_id: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, agent_id)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def _check_answer(invitation: Invitation, journal_key: bytes, answer: EnrolResponse) -> None:
    origin = journal_origin(invitation.deployment, invitation.agent_id, journal_key)
    receipts = f"{invitation.deployment}/collector"
    try:
        known = receipts in parse_keys(answer.collector_keys)
    except NoteError:
        known = False
    if answer.origin != origin or answer.agent_id != invitation.agent_id or not known:
        raise UplinkError(
            "the collector's answer does not fit the invitation",
            cause=f"it admitted {answer.agent_id} with journal {answer.origin}; expected was {origin}",
            fix="ask for a new invitation; the collector's deployment name may have changed since",
        )


def _check_certificate(chain_pem: bytes, key: ec.EllipticCurvePrivateKey) -> None:
    """The old certificate must not be replaced by something that is not usable."""
    try:
        certificate = x509.load_pem_x509_certificate(chain_pem)
    except ValueError as error:
        raise UplinkError("the collector's answer holds no certificate", cause=str(error)) from None
    if certificate.public_key() != key.public_key():
        raise UplinkError("the collector's certificate is for another key", fix="the old one stays in use; try again")
