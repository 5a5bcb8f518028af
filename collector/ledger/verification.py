"""Verification of a bundle, step by step: without database, network or configuration. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from google.protobuf.message import DecodeError
from pydantic import ValidationError

from collector.errors import CollectorError
from collector.ledger.bundle import FORMAT, MAX_BUNDLE_BYTES, Bundle, ProvedEntry
from gate_contract.checkpoint import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    NoteError,
    Verifier,
    journal_origin,
    open_receipt,
)
from gate_contract.checkpoint import open_checkpoint as open_note
from gate_contract.merkle import ProofError, leaf_hash, verify_inclusion
from gate_contract.v1.ledger_pb2 import LedgerEntry, Verdict
from gate_contract.v1.record_pb2 import Record

LEDGER_FORMAT = 1
"""LedgerEntry.format that is understood (collector.ledger.log writes it)."""


class BundleError(CollectorError):
    """A bundle does not prove what it claims; `step` is the number of the verification step that failed."""

    def __init__(self, step: int, what: str) -> None:
        """`what` is one sentence."""
        super().__init__(what)
        self.step = step


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the verification, done; `text` says what holds now."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Proved:
    """What a bundle proves.

    Attributes:
        origin: of the journal.
        index: of the record in it.
        agent_id: whose journal it is.
        site_id: which site the agent was admitted for.
        admitted_unix_ns: when the collector admitted the agent's key.
        durable_unix_s: by when the collector had the record, as its receipt says.
        record_bytes: the record.
        record: the same, decoded; None when it is none that this release understands.
        verdicts: what the collector decided on it, in order.
    """

    origin: str
    index: int
    agent_id: str
    site_id: str
    admitted_unix_ns: int
    durable_unix_s: int
    record_bytes: bytes
    record: Record | None
    verdicts: tuple[Verdict, ...]


class Verification:
    """Verifies one bundle; `steps` grows while it goes on."""

    def __init__(self, data: bytes, trusted: Mapping[str, Verifier]) -> None:
        """`data` is the file, `trusted` the keys of the collector by name (gate_contract.checkpoint.parse_keys)."""
        self.steps: list[Step] = []
        self._data = data
        self._trusted = trusted

    def run(self) -> Proved:
        """All steps; BundleError at the first that fails."""
        bundle = self._read()
        ledger_key, receipt_key = self._keys(bundle)
        head = self._ledger_head(bundle, ledger_key)
        admission = self._admission(bundle, head)
        agent = self._agent_key(bundle, admission)
        checkpoint, durable_unix_s = self._receipt(bundle, agent, receipt_key)
        self._growth(bundle, head)
        raw = self._record(bundle, checkpoint)
        record = _decoded(raw)
        return Proved(
            origin=bundle.record.origin,
            index=bundle.record.index,
            agent_id=admission.admission.agent_id,
            site_id=admission.admission.site_id,
            admitted_unix_ns=admission.entered_unix_ns,
            durable_unix_s=durable_unix_s,
            record_bytes=raw,
            record=record,
            verdicts=tuple(self._verdicts(bundle, head, record)),
        )

    def _fail(self, what: str) -> NoReturn:
        raise BundleError(len(self.steps) + 1, what)

    def _done(self, text: str) -> None:
        self.steps.append(Step(len(self.steps) + 1, text))

    def _read(self) -> Bundle:
        if len(self._data) > MAX_BUNDLE_BYTES:
            self._fail(f"the file has {len(self._data)} bytes; a bundle has at most {MAX_BUNDLE_BYTES}")
        try:
            bundle = Bundle.model_validate(json.loads(self._data.decode()))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            self._fail(f"the file is no bundle: {'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}")
        except (ValueError, RecursionError) as error:
            self._fail(f"the file is no bundle: {error}")
        try:
            canonical = bundle.to_bytes()
        except UnicodeEncodeError:
            canonical = b""
        if canonical != self._data:
            self._fail("the file is not written in the one form that bundles have")
        self._done(f"the file is a {FORMAT} in its one form")
        return bundle

    def _keys(self, bundle: Bundle) -> tuple[Verifier, Verifier]:
        deployment = bundle.record.origin.partition("/agent/")[0]
        keys = []
        for name, kind in ((f"{deployment}/ledger", ED25519), (f"{deployment}/collector", COSIGNATURE)):
            key = self._trusted.get(name)
            if key is None or key.kind != kind:
                self._fail(f"{name[:200]} is not among the trusted keys ({', '.join(sorted(self._trusted)) or 'none'})")
            keys.append(key)
        self._done(f"the record is of a journal of {deployment}, whose keys are trusted")
        return keys[0], keys[1]

    def _ledger_head(self, bundle: Bundle, key: Verifier) -> Checkpoint:
        note = bundle.ledger.checkpoint.encode()
        try:
            head = open_note(note, key)
            signatures = len(Note.parse(note).signatures)
        except NoteError as error:
            self._fail(f"the ledger's checkpoint does not hold: {error}")
        if signatures != 1:
            self._fail("the ledger's checkpoint carries signatures that nobody can check")
        self._done(f"the ledger's checkpoint over {head.size} entries is signed by {key.name}")
        return head

    def _entry(self, what: str, proved: ProvedEntry, head: Checkpoint) -> LedgerEntry:
        raw = self._base64(what, proved.data)
        self._included(what, raw, proved.index, proved.proof, head)
        try:
            entry = LedgerEntry.FromString(raw)
        except DecodeError:
            self._fail(f"the {what} is no ledger entry")
        if entry.format != LEDGER_FORMAT:
            self._fail(f"the {what} has format {entry.format}; this release understands {LEDGER_FORMAT}")
        return entry

    def _admission(self, bundle: Bundle, head: Checkpoint) -> LedgerEntry:
        entry = self._entry("admission", bundle.ledger.admission, head)
        if entry.WhichOneof("body") != "admission" or entry.admission.origin != bundle.record.origin:
            self._fail("the admission is not that of this journal's key")
        self._done(
            f"entry {bundle.ledger.admission.index} of the ledger admits the key of agent {entry.admission.agent_id} "
            f"for site {entry.admission.site_id}"
        )
        return entry

    def _agent_key(self, bundle: Bundle, entry: LedgerEntry) -> Verifier:
        admission = entry.admission
        try:
            key = Verifier.from_vkey(admission.verifier_key)
        except NoteError as error:
            self._fail(f"the admitted key cannot be read: {error}")
        deployment = bundle.record.origin.partition("/agent/")[0]
        if not key.name == bundle.record.origin == journal_origin(deployment, admission.agent_id, key.public_key):
            self._fail(f"the journal's name {bundle.record.origin} is not made of the admitted agent and key")
        self._done(f"the journal's name {key.name} is made of that agent and that key")
        return key

    def _receipt(self, bundle: Bundle, agent: Verifier, collector: Verifier) -> tuple[Checkpoint, int]:
        data = bundle.receipt.encode()
        try:
            note = Note.parse(data)
            checkpoint = open_note(Note(note.text, note.signatures[:1]).to_bytes(), agent)
            receipt = open_receipt(data, collector, agent.name)
        except NoteError as error:
            self._fail(f"the receipt does not hold: {error}")
        if len(note.signatures) != 2:  # noqa: PLR2004 - agent, collector
            self._fail("the receipt carries signatures that nobody can check")
        self._done(f"the agent's key signed a checkpoint over {checkpoint.size} records")
        self._done(f"{collector.name} cosigned that checkpoint: a receipt")
        return checkpoint, receipt.unix_s

    def _growth(self, bundle: Bundle, head: Checkpoint) -> None:
        entry = self._entry("growth of the journal", bundle.ledger.growth, head)
        note = Note.parse(bundle.receipt.encode())
        signed_by_agent = Note(note.text, note.signatures[:1]).to_bytes()
        if entry.journal.origin != bundle.record.origin or entry.journal.checkpoint != signed_by_agent:
            self._fail("the ledger entry is not about that checkpoint of this journal")
        self._done(f"entry {bundle.ledger.growth.index} of the ledger holds that very checkpoint")

    def _record(self, bundle: Bundle, checkpoint: Checkpoint) -> bytes:
        raw = self._base64("record", bundle.record.data)
        self._included("record", raw, bundle.record.index, bundle.record.proof, checkpoint)
        self._done(f"the record's {len(raw)} bytes are record {bundle.record.index} under the agent's checkpoint")
        return raw

    def _verdicts(self, bundle: Bundle, head: Checkpoint, record: Record | None) -> Iterator[Verdict]:
        sequence = 0
        for proved in bundle.ledger.verdicts:
            verdict = self._entry("verdict", proved, head).verdict
            place = (verdict.origin, verdict.record_index)
            passage = (verdict.passage_id, verdict.revision)
            if (
                record is None
                or place != (bundle.record.origin, bundle.record.index)
                or passage != (record.passage.passage_id, record.passage.revision)
            ):
                self._fail("a verdict is about another record")
            if verdict.sequence <= sequence:
                self._fail("the verdicts are not in their order")
            sequence = verdict.sequence
            self._done(f"entry {proved.index} of the ledger is the collector's verdict {sequence} on this passage")
            yield verdict

    def _included(self, what: str, raw: bytes, index: int, path: Sequence[str], head: Checkpoint) -> None:
        proof = [self._base64(f"proof of the {what}", item) for item in path]
        try:
            verify_inclusion(index, head.size, leaf_hash(raw), proof, head.root)
        except ProofError as error:
            self._fail(f"the {what} is not under the checkpoint of {head.origin}: {error}")

    def _base64(self, what: str, text: str) -> bytes:
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self._fail(f"the {what} is not base64")
        if base64.b64encode(raw).decode() != text:
            self._fail(f"the {what} is not the canonical base64 of its bytes")
        return raw


def _decoded(raw: bytes) -> Record | None:
    try:
        return Record.FromString(raw)
    except DecodeError:
        return None
