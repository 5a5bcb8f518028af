"""What an agent writes beside its journal, as small programs: evidence, its keys."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.keys import CollectorKeys
from edge_agent.errors import EdgeAgentError, EvidenceLostError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.keys import AgentKeys, Identity, journal_key_for, tls_pem
from gate_contract.checkpoint import journal_origin
from tests.torture.machine import DEPLOYMENT
from tests.torture.scenario import Promise, Scenario, Teller

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
AGENT = "gate-1"


def _blob(name: str) -> bytes:
    return b"\xff\xd8\xff" + name.encode() + b"".join(sha256(f"{name}/{at}".encode()).digest() for at in range(400))


def _before_keeping(state: Path) -> None:
    with closing(EvidenceStore(state)) as evidence:
        evidence.keep(_blob("before"), "image/jpeg", "vehicle")


def _act_keeping(state: Path, teller: Teller) -> None:
    """Pictures are kept; some are delivered and may go."""
    evidence = teller.step(EvidenceStore, state)
    for name in ("a", "b", "before", "c"):
        kept = teller.step(evidence.keep, _blob(name), "image/jpeg", "vehicle")
        if kept.not_kept:
            continue  # on a full disk, and the reference says so
        teller.promised("evidence", kept.sha256.hex())
        if name == "b":
            teller.promised("being delivered", kept.sha256.hex())
            teller.step(evidence.delivered, kept.sha256)
    teller.step(evidence.close)


def check_evidence(state: Path, promises: Sequence[Promise]) -> list[str]:
    """What is kept can be read and waits to be delivered; what waits can be read; nothing unfinished is left."""
    gone = {promise[1] for promise in promises if promise[0] == "being delivered"}
    kept = {promise[1] for promise in promises if promise[0] == "evidence"} - gone
    try:
        with closing(EvidenceStore(state)) as evidence:
            waiting = {digest.hex() for digest, _, _ in evidence.waiting(100)}
            for digest in kept | waiting:
                evidence.read(bytes.fromhex(digest))
            evidence.keep(_blob("one more"), "image/jpeg", "vehicle")
    except EvidenceLostError as error:
        return [f"evidence that is waited for is lost: {error}"]
    except EdgeAgentError as error:
        return [f"the evidence cannot be used: {error}"]
    problems = [f"{digest} was kept and does not wait to be delivered" for digest in kept - waiting]
    return problems + [f"{path} was left behind" for path in state.rglob("*.part")]


def _collector(state: Path) -> CollectorKeys:
    """The collector that admits the machine; beside the machine's own state, as it stays the same."""
    return CollectorKeys.load_or_create(state / "elsewhere", DEPLOYMENT, ("127.0.0.1",), NOW)


def _identity(collector: CollectorKeys, origin: str) -> Identity:
    return Identity(DEPLOYMENT, AGENT, "haikou", origin, "127.0.0.1:1", "127.0.0.1:2", tuple(collector.vkeys()))


def _certificate(collector: CollectorKeys, origin: str) -> bytes:
    """A fresh TLS key and its certificate, as in tls.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    chain = collector.issue(request.public_bytes(serialization.Encoding.DER), AGENT, origin, 90, NOW).chain_pem
    return tls_pem(key, chain)


def _before_enrolling(state: Path) -> None:
    _collector(state)


def _act_enrolling(state: Path, teller: Teller) -> None:
    """A machine is enrolled: its journal key first, its identity last."""
    collector = teller.step(_collector, state)
    key = teller.step(journal_key_for, state, DEPLOYMENT, AGENT)
    public = key.public_key().public_bytes_raw()
    teller.promised("journal key", public.hex())
    origin = journal_origin(DEPLOYMENT, AGENT, public)
    pem = _certificate(collector, origin)
    teller.step(AgentKeys.create, state, _identity(collector, origin), collector.ca_pem, pem)
    teller.promised("enrolled", _fingerprint(pem))


def _enrolled(state: Path) -> None:
    collector = _collector(state)
    public = journal_key_for(state, DEPLOYMENT, AGENT).public_key().public_bytes_raw()
    origin = journal_origin(DEPLOYMENT, AGENT, public)
    AgentKeys.create(state, _identity(collector, origin), collector.ca_pem, _certificate(collector, origin))


def _act_renewing(state: Path, teller: Teller) -> None:
    """The certificate is renewed, twice."""
    collector = teller.step(_collector, state)
    keys = teller.step(AgentKeys.load, state)
    teller.promised("enrolled", "")
    for _ in range(2):
        pem = _certificate(collector, keys.identity.origin)
        keys = teller.step(keys.with_certificate, pem)
        teller.promised("enrolled", _fingerprint(pem))


def _fingerprint(pem: bytes) -> str:
    """Of the certificate in a tls.pem; "" stands for the one there was."""
    return x509.load_pem_x509_certificates(pem)[0].fingerprint(hashes.SHA256()).hex()


def check_keys(state: Path, promises: Sequence[Promise]) -> list[str]:
    """The machine has the key it promised to enrol with, and once enrolled it stays so, with its latest certificate."""
    said = {promise[0]: promise[1] for promise in promises}
    try:
        if "journal key" in said:
            key = journal_key_for(state, DEPLOYMENT, AGENT).public_key().public_bytes_raw().hex()
            if key != said["journal key"]:
                return ["the journal key that was made durable is another one now"]
        if "enrolled" in said:
            AgentKeys.load(state)
    except EdgeAgentError as error:
        return [f"the keys cannot be used: {error}"]
    return _older(state, [promise[1] for promise in promises if promise[0] == "enrolled"])


def _older(state: Path, certificates: Sequence[str]) -> list[str]:
    if len(certificates) > 1 and certificates[-1]:
        have = AgentKeys.load(state).certificate.fingerprint(hashes.SHA256()).hex()
        if have in certificates[:-1]:
            return ["the certificate is older than the one that was made durable"]
    return []


BESIDE_SCENARIOS = (
    Scenario("keeping-evidence", _before_keeping, _act_keeping, check_evidence),
    Scenario("enrolling", _before_enrolling, _act_enrolling, check_keys),
    Scenario("renewing", _enrolled, _act_renewing, check_keys),
)
