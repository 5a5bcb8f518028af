"""A collector on disk with officers: its draws and cases are made as they are in earnest, at the test's time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.cases import service
from collector.cases import store as stored
from collector.cases.core import Case, case_id_of
from collector.cases.follow import CaseFollower
from collector.draws.selections import Selector
from collector.ledger.audit import AuditReport, Trust, audit
from collector.privacy.keystore import FILE, KeyStore
from collector.registers.intake import NewItem, enter
from collector.registers.reading import latest
from gate_contract.rules import Policy
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.reconcile.island import NOON, Island

RATES = Policy.from_toml("[release]\nunknown_of_ten_thousand = 0\ngood_of_ten_thousand = 0\n")
"""Seeds are secret and random; of these classes nobody is drawn, whatever the seed."""


class Bureau(Island):
    """Officers O-1 to O-3 are on duty; CHIEF gives orders; B-1 is of the border inspection; OLD has left."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.keys_of_cases = KeyStore(self.config.state_dir / FILE)
        self.desk = service.CaseDesk(self.store, self.ledger, self.keys_of_cases, self.config.cases)
        self.restart()
        self.appoint(*(Officer(officer_id=each, authority="customs") for each in ("O-1", "O-2", "O-3")))
        self.appoint(
            Officer(officer_id="CHIEF", authority="customs", author=True),
            Officer(officer_id="B-1", authority="border"),
            Officer(officer_id="OLD", authority="customs", valid_until_unix_ns=NOON - 1),
        )

    def restart(self) -> None:
        """As after a stop: what was only in memory is gone."""
        self.follower = CaseFollower(self.store, self.ledger, self.config.cases)
        self.selector = Selector(self.store, self.ledger, RATES, self.config.draws)

    def close(self) -> None:
        self.keys_of_cases.close()
        super().close()

    def appoint(self, *officers: Officer) -> None:
        self.enter(*(NewItem.of(pb.ITEM_KIND_OFFICER, each.officer_id, each) for each in officers))

    def enter(self, *items: NewItem, at: int = NOON) -> None:
        with self.store.write() as connection:
            enter(connection, self.ledger, items, at)

    def draw(self, at: int = NOON) -> None:
        while self.selector.run_once(at):
            pass

    def go_on(self, at: int = NOON) -> None:
        """Everything that the service's thread does, until there is nothing more to do."""
        while self.reconciler.run_once(at) + self.selector.run_once(at) + self.follower.run_once(at):
            pass

    def case(self, subject: str = "P-1", kind: str = "passage") -> Case | None:
        case_id = case_id_of(kind, subject)
        with self.store.read() as connection:
            return stored.load(connection, [case_id]).get(case_id)

    def standing_case(self, subject: str = "P-1", kind: str = "passage") -> Case:
        case = self.case(subject, kind)
        assert case is not None
        return case

    def story(self, subject: str = "P-1", kind: str = "passage") -> service.Story:
        with self.store.read() as connection:
            return service.story(connection, self.keys_of_cases, case_id_of(kind, subject))

    def credit(self, declarant_id: str) -> tuple[str, str] | None:
        """Class and reason."""
        with self.store.read() as connection:
            item = latest(connection, pb.ITEM_KIND_CREDIT, [declarant_id]).get(declarant_id)
        if item is None:
            return None
        record = pb.CreditRecord.FromString(item.body)
        return record.credit_class, record.reason

    def selection(self, declaration_id: str = "D-1") -> pb.Selection | None:
        with self.store.read() as connection:
            item = latest(connection, pb.ITEM_KIND_SELECTION, [declaration_id]).get(declaration_id)
        return None if item is None else pb.Selection.FromString(item.body)

    def audit(self) -> AuditReport:
        trust = Trust(self.config.deployment, self.keys.ledger.verifier, self.keys.receipts.verifier, self.keys.ca_pem)
        return audit(self.store, trust, self.config.state_dir / "evidence")


@pytest.fixture(scope="session")
def empty_bureau(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which everything is made and nothing has happened: making keys and tables takes a while."""
    directory = tmp_path_factory.mktemp("bureau")
    Bureau(directory).close()
    return directory


@pytest.fixture
def bureau(tmp_path: Path, empty_bureau: Path) -> Iterator[Bureau]:
    """A collector with officers, and the steps that go on beside its reconciliation."""
    made = Bureau(shutil.copytree(empty_bureau, tmp_path / "bureau"))
    yield made
    made.close()
