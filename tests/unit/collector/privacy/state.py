"""A collector's state with sealed manifests and a case, and its commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from sqlalchemy import select

from collector.cases import words
from collector.cases.core import COLLECTOR, case_id_of
from collector.cases.store import append
from collector.cli import cli
from collector.config import load_config
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.privacy.keystore import FILE, KeyStore
from collector.registers.intake import NewItem, enter
from collector.store import schema
from gate_contract.personal import Person, pseudonym, seal_field
from gate_contract.v1.case_pb2 import (
    CASE_EVENT_KIND_ASSIGNED,
    CASE_EVENT_KIND_COMMENTED,
    CASE_EVENT_KIND_DECIDED,
    CASE_EVENT_KIND_OPENED,
    CASE_OUTCOME_UNFOUNDED,
    CaseEvent,
    CaseEventKind,
)
from gate_contract.v1.decision_pb2 import Finding
from gate_contract.v1.ledger_pb2 import LedgerEntry
from gate_contract.v1.register_pb2 import ITEM_KIND_MANIFEST, SailingManifest, Ticket
from tests.migrated import open_new

DAY = 86_400 * 10**9
NOON = 1_772_337_600 * 10**9
ERIKA = Person("ERIKSSON ANNA MARIA", "UTO", "L898902C3", "740812")
OTHER = Person("STEVENSON PETER JOHN", "UTO", "D23145890", "340712")
COMMENT = "the driver, Peter Stevenson, says he was not told"

CONFIG = """
deployment = "hainan.example"
state_dir = "state"
listen = "127.0.0.1:0"
enrol_listen = "127.0.0.1:0"
hostnames = ["127.0.0.1"]
"""


class State:
    """The state directory of a collector that does not serve."""

    def __init__(self, directory: Path) -> None:
        self.config_file = directory / "collector.toml"
        self.config_file.write_text(CONFIG, encoding="utf-8")
        self.config = load_config(self.config_file)
        self.directory = self.config.state_dir
        keys = CollectorKeys.load_or_create(self.directory, "hainan.example", ["127.0.0.1"], datetime.now(UTC))
        self.ledger = Ledger(keys.ledger)
        self.store = open_new(self.config.database_url)
        self.keys = KeyStore(self.directory / FILE)

    def close(self) -> None:
        self.keys.close()
        self.store.close()

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        environment = {"TIDEGATE_COLLECTOR_CONFIG": str(self.config_file)}
        return CliRunner().invoke(cli, arguments, catch_exceptions=False, env=environment, input=stdin)

    def manifest(self, sailing_id: str, people: Sequence[Person], *, departure_ns: int = NOON) -> list[str]:
        """Enter a manifest as an import does; returns the subjects."""
        retention = self.config.retention
        key_id = self.keys.make("sailing", sailing_id, retention.pseudonyms_until(departure_ns))
        key = self.keys.key(key_id) or b""
        until = retention.travellers_until(departure_ns)
        subjects = self.keys.subjects([(each.issuer, each.number) for each in people], until)
        tickets = [
            Ticket(
                pseudonym=pseudonym(key, person.issuer, person.number),
                ticket_id=f"{sailing_id}-{number}",
                sealed=seal_field(self.keys.key(subject) or b"", subject, person.to_bytes()),
                subject_id=subject,
            )
            for number, (person, subject) in enumerate(zip(people, subjects, strict=True))
        ]
        manifest = SailingManifest(sailing_id=sailing_id, tickets=tickets, key_id=key_id)
        with self.store.write() as connection:
            enter(connection, self.ledger, [NewItem.of(ITEM_KIND_MANIFEST, sailing_id, manifest)], NOON)
        return subjects

    def case(self, subject: str, text: str, *, decided_ns: int | None = None) -> tuple[str, str]:
        """A case with what an officer wrote; returns its id and the id of its key."""
        case_id = case_id_of("passage", subject)
        sealed = words.seal(self.keys, case_id, text)
        opened_ns = decided_ns or NOON
        opened = CaseEvent(
            case_id=case_id,
            sequence=1,
            at_unix_ns=opened_ns,
            actor=COLLECTOR,
            kind=CASE_EVENT_KIND_OPENED,
            subject=subject,
            subject_kind="passage",
            authority="customs",
            findings=[Finding(code="W01", severity=3)],
            deadline_unix_ns=opened_ns + DAY,
        )
        commented = self._event(case_id, 2, opened_ns, CASE_EVENT_KIND_COMMENTED, **sealed)
        events = [opened, commented]
        if decided_ns is not None:
            given = self._event(case_id, 3, opened_ns, CASE_EVENT_KIND_ASSIGNED, assignee="officer-7")
            outcome = CASE_OUTCOME_UNFOUNDED
            events += [
                given, self._event(case_id, 4, opened_ns, CASE_EVENT_KIND_DECIDED, outcome=outcome, **sealed)
            ]  # fmt: skip
        with self.store.write() as connection:
            append(connection, self.ledger, {}, events, NOON)
        return case_id, str(sealed["key_id"])

    @staticmethod
    def _event(case_id: str, sequence: int, at_ns: int, kind: CaseEventKind.ValueType, **more: Any) -> CaseEvent:
        return CaseEvent(case_id=case_id, sequence=sequence, at_unix_ns=at_ns, actor="officer-7", kind=kind, **more)

    def destroyed(self) -> list[tuple[str, str, str, str]]:
        """(key id, kind, actor, reason) of the ledger's entries."""
        with self.store.read() as connection:
            bodies = connection.scalars(
                select(schema.ledger_entries.c.body).order_by(schema.ledger_entries.c.entry_index)
            ).all()
        entries = [LedgerEntry.FromString(body) for body in bodies]
        found = [entry.key_destroyed for entry in entries if entry.WhichOneof("body") == "key_destroyed"]
        return [(each.key_id, each.kind, each.actor, each.reason) for each in found]

    def bytes_of_all_files(self) -> bytes:
        return b"".join(each.read_bytes() for each in sorted(self.directory.rglob("*")) if each.is_file())
