"""Orders come down: two officers sign at the collector, and the gate stops the vehicle; in earnest, over TLS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.config import load_config
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.registers.intake import NewItem, enter
from collector.registers.orders import enter_order
from collector.store.engine import Store, open_store
from gate_contract.orders import sign
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD
from gate_contract.v1.order_pb2 import ControlOrder, Officer, Selector, SignedOrder
from tests.journeys.test_clocks import Clock, since_1970
from tests.journeys.watched_gate import WatchedGate, added

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("downlink")]

HOUR = 3600 * 10**9
ACTIVE_WITHIN_S = 20.0
"""The promise is 2 s, of a machine that does nothing else."""

KEYS = {name: Ed25519PrivateKey.generate() for name in ("wang", "li")}


class Authority:
    """Two officers at a running collector."""

    def __init__(self, config_file: Path) -> None:
        config = load_config(config_file)
        keys = CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, datetime.now(UTC))
        self.store: Store = open_store(config.database_url)
        self.ledger = Ledger(keys.ledger)
        self.enter(
            *(
                NewItem.of(
                    pb.ITEM_KIND_OFFICER,
                    name,
                    Officer(
                        officer_id=name,
                        authority="customs",
                        public_key=key.public_key().public_bytes_raw(),
                        author=True,
                        approver=True,
                    ),
                )
                for name, key in KEYS.items()
            )
        )

    def enter(self, *items: NewItem) -> None:
        with self.store.write() as connection:
            enter(connection, self.ledger, items, time.time_ns())

    def order(self, plate: str, order_id: str = "O-1") -> SignedOrder:
        now = time.time_ns()
        data = ControlOrder(
            format=1,
            order_id=order_id,
            version=1,
            authority="customs",
            legal_basis="Customs Law, article 6",
            issued_unix_ns=now,
            valid_from_unix_ns=now - HOUR,
            expires_unix_ns=now + HOUR,
            selectors=[Selector(plate=plate)],
            action=ACTION_HOLD,
            instruction="Open the load.",
            deployment=self.ledger.deployment,
        ).SerializeToString()
        author, approver = sign(data, "author", "wang", KEYS["wang"]), sign(data, "approver", "li", KEYS["li"])
        return SignedOrder(order=data, author=author, approver=approver)

    def give(self, plate: str, order_id: str = "O-1") -> float:
        """Enter an order as the command does; seconds of the monotonic clock when it was committed."""
        with self.store.write() as connection:
            enter_order(connection, self.ledger, self.order(plate, order_id).SerializeToString(), time.time_ns())
        return time.monotonic()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[WatchedGate]:
    made = WatchedGate(tmp_path)
    with made.open():
        yield made


@pytest.fixture
def authority(gate: WatchedGate) -> Iterator[Authority]:
    made = Authority(gate.config)
    yield made
    made.store.close()


def active(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status["reference"] is not None and status["reference"]["orders"]["active"] == count


def codes_of(gate: WatchedGate, plate: str) -> list[str]:
    """What is found of a vehicle that comes now, and is decided at the gate."""
    decided = gate.status()["lanes"][0]["decided"]
    assert gate.push(plate) == 200
    status = gate.wait_for("it is decided", lambda status: status["lanes"][0]["decided"] > decided)
    return [finding["code"] for finding in status["lanes"][0]["last"]["findings"]]


def test_an_order_of_two_officers_is_active_at_the_gate_at_once(gate: WatchedGate, authority: Authority) -> None:
    gate.start_agent()
    gate.wait_for("it has the officers", lambda status: status["reference"]["registers"]["officers"] == 2)
    committed = authority.give("琼A11111")
    gate.wait_for("the order is active", active(1))
    assert time.monotonic() - committed < ACTIVE_WITHIN_S
    assert "O01" in codes_of(gate, "琼A11111")
    assert "O01" not in codes_of(gate, "琼B22222")
    status = gate.status()
    assert status["reference"]["age_s"] <= ACTIVE_WITHIN_S
    gate.drained()


def test_an_order_that_was_given_while_the_gate_was_offline_stops_the_first_vehicle_after_it(
    gate: WatchedGate, authority: Authority
) -> None:
    gate.start_agent()
    gate.wait_for("it has the officers", lambda status: status["reference"]["registers"]["officers"] == 2)
    gate.collector.stop()
    gate.wait_for("it is offline", lambda status: not status["uplink"]["connected"])
    authority.give("琼A11111")
    assert gate.status()["reference"]["orders"]["active"] == 0, "the gate cannot know"
    gate.start_collector()
    gate.wait_for("it is online", lambda status: status["uplink"]["connected"])
    assert "O01" in codes_of(gate, "琼A11111")


def test_a_gate_goes_on_where_it_was_and_goes_by_what_it_has_while_nobody_can_be_reached(
    gate: WatchedGate, authority: Authority
) -> None:
    authority.give("琼A11111")
    gate.start_agent()
    status = gate.wait_for("the order is active", active(1))
    position = status["reference"]["position"]
    assert position > 0
    gate.collector.stop()
    gate.agent.stop()
    gate.start_agent()
    gate.wait_for("the order is active", active(1))
    assert "O01" in codes_of(gate, "琼A11111")
    authority.give("琼A33333", "O-2")
    gate.start_collector()
    status = gate.wait_for("the other is, too", active(2))
    assert status["reference"]["position"] > position
    assert "reference-refused" not in gate.incidents()
    assert "order-refused" not in gate.incidents()


def test_an_order_that_was_altered_in_the_collectors_database_stops_nobody_and_is_alarmed(
    gate: WatchedGate, authority: Authority
) -> None:
    gate.start_agent()
    order = authority.order("琼A11111")
    changed = ControlOrder.FromString(order.order)
    changed.selectors[0].plate = "琼B22222"
    order.order = changed.SerializeToString()
    authority.enter(NewItem.of(pb.ITEM_KIND_ORDER, "O-1", order))
    status = gate.wait_for("it is refused", lambda status: status["reference"]["orders"]["refused"] == 1)
    assert status["reference"]["orders"]["active"] == 0
    assert "O01" not in codes_of(gate, "琼B22222")
    texts = [
        each["record"]["incident"]["text"]
        for each in gate.records()
        if each["record"].get("incident", {}).get("code") == "order-refused"
    ]
    assert texts == ["This gate does not follow control order O-1: the signature of its author wang does not hold"]


class MovedGate(WatchedGate):
    """Its machine's clock is set by the test."""

    def __init__(self, directory: Path) -> None:
        self.clock = Clock(directory / "clock")
        super().__init__(directory)

    def start_agent(self) -> None:
        with added(self.clock.environment):
            super().start_agent()


def test_a_gate_that_boots_in_1970_without_a_network_still_follows_its_orders(tmp_path: Path) -> None:
    gate = MovedGate(tmp_path)
    with gate.open():
        authority = Authority(gate.config)
        authority.give("琼A11111")
        authority.store.close()
        gate.start_agent()
        gate.wait_for("the order is active", active(1))
        gate.collector.stop()
        gate.agent.stop()
        gate.clock.set(since_1970())
        gate.start_agent()
        status = gate.wait_for("it knows its orders", active(1))
        assert status["clock"]["date"].startswith("1970-01-")
        assert "O01" in codes_of(gate, "琼A11111")
