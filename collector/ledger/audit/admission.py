"""Who may send, against the ledger: keys admitted and revoked, and the certificates issued for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, RowMapping, select

from collector.agents.authority import ORIGIN_SCHEME
from collector.agents.registry import nanoseconds
from collector.ledger.audit.log import LedgerContents
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.checkpoint import NoteError, Verifier, journal_origin
from gate_contract.v1.ledger_pb2 import LedgerEntry

NEVER = 2**63
"""A ledger index that no entry has."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A journal's key, and the ledger index from which on nothing of it is accepted."""

    verifier: Verifier
    revoked_at: int = NEVER


def audit_admission(
    journal: RowMapping, ledger: LedgerContents, deployment: str, problems: Problems
) -> Admitted | None:
    """A row of `journals` against its admission and revocation; None when no key can be taken from it."""
    where = f"journal {journal['origin']}"
    index, entry = ledger.admissions.get(journal["origin"], (None, LedgerEntry()))
    if index is None:
        problems.add(where, "the ledger has no admission of it")
    else:
        expected = {
            "agent_id": entry.admission.agent_id,
            "site_id": entry.admission.site_id,
            "verifier_key": entry.admission.verifier_key,
            "admitted_ns": entry.entered_unix_ns,
            "admission_index": index,
        }
        problems.compare(where, f"ledger entry {index}", journal, expected)
    _audit_revocation(where, journal, ledger, problems)
    try:
        # The ledger's key, where there is one: it is signed, the row is not.
        verifier = Verifier.from_vkey(entry.admission.verifier_key or journal["verifier_key"])
    except NoteError as error:
        problems.add(where, f"its key cannot be read: {error}")
        return None
    if verifier.name != journal_origin(deployment, entry.admission.agent_id, verifier.public_key):
        problems.add(where, f"its key is named {verifier.name}, which is not made of agent and key")
    return Admitted(verifier, ledger.revocations.get(journal["origin"], (NEVER, None))[0])


def _audit_revocation(where: str, journal: RowMapping, ledger: LedgerContents, problems: Problems) -> None:
    expected: dict[str, Any] = {"revoked_ns": None, "revoked_reason": None}
    source = "the ledger, which has no revocation of it,"
    if journal["origin"] in ledger.revocations:
        index, entry = ledger.revocations[journal["origin"]]
        source = f"ledger entry {index}"
        expected = {"revoked_ns": entry.entered_unix_ns, "revoked_reason": entry.revocation.reason}
        if entry.revocation.agent_id != journal["agent_id"]:
            problems.add(where, f"{source} revokes agent {entry.revocation.agent_id}")
    problems.compare(where, source, journal, expected)


def audit_certificates(connection: Connection, ca_pem: bytes, problems: Problems) -> None:
    """Each certificate issued: the authority's signature, and the row's columns against what it says."""
    authority = x509.load_pem_x509_certificate(ca_pem)
    with problems.reading("certificates"):
        for row in connection.execute(select(schema.certificates)).mappings():
            where = f"certificate {row['serial']}"
            try:
                chain = x509.load_pem_x509_certificates(row["pem"].encode())
                chain[0].verify_directly_issued_by(authority)
                problems.compare(where, "the certificate", row, _columns(chain))
            except InvalidSignature:
                problems.add(where, "the authority's signature on it does not hold")
            except (ValueError, TypeError, x509.ExtensionNotFound) as error:
                problems.add(where, f"it is no certificate of ours: {error}")
            problems.progress(1)


def _columns(chain: Sequence[x509.Certificate]) -> dict[str, Any]:
    leaf = chain[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    origins = names.get_values_for_type(x509.UniformResourceIdentifier)
    return {
        "serial": f"{leaf.serial_number:x}",
        "origin": "".join(origins).removeprefix(ORIGIN_SCHEME),
        "agent_id": "".join(str(attribute.value) for attribute in leaf.subject),
        "not_before_ns": nanoseconds(leaf.not_valid_before_utc),
        "not_after_ns": nanoseconds(leaf.not_valid_after_utc),
        "pem": b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain).decode(),
    }
