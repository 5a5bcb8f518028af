"""The reconciliation: what a passage costs with all rules and registers filled, and whether history makes it dearer.

    python -m benchmarks.reconcile [PASSAGES OF HISTORY ...]

Processor time of this process, from passages that wait to verdicts that are durable; taking them in is not counted.
History is passages of other plates that were judged before, written straight into the tables.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from benchmarks.report import table
from collector.config import CollectorConfig
from collector.declarations.intake import import_declarations
from collector.ingest.contents import PassageRecord, passage_row
from collector.ingest.gate_rows import document_rows
from collector.ledger.log import Ledger
from collector.reconcile import service
from collector.reconcile.queue import portions
from collector.reconcile.service import Reconciler
from collector.registers.intake import NewItem, enter
from collector.store import schema
from collector.store.engine import Store, open_store
from gate_contract.checkpoint import Signer
from gate_contract.orders import sign
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE, RELEASE_MODE_SAMPLING, Decision
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.order_pb2 import ControlOrder, Officer, SignedOrder
from gate_contract.v1.passage_pb2 import (
    DIRECTION_OUTBOUND,
    LANE_KIND_PASSENGER,
    LANE_KIND_VEHICLE,
    Passage,
)
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, Stamp

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
NOW = 1_772_337_600 * SECOND
SITE = "xinhai"
AN_HOUR = 10_000
"""Passages an hour that one collector is to reconcile."""

MEASURED = 2_000
MEASURED_ALONE = 200
DECLARATIONS = 10_000
TRAVELLERS = 2_000
ORDERS = 200
SAILINGS = 60


def _plate(number: int) -> str:
    return f"琼A{number:05}" if number < 100_000 else f"粤{'BCDEFGHJKL'[number // 100_000 - 1]}{number % 100_000:05}"


def _stamp(at: int) -> Stamp:
    return Stamp(wall_unix_ns=at, clock=CLOCK_STATE_SYNCHRONISED, error_bound_ns=SECOND // 100)


def _vehicle(passage_id: str, text: str, at: int) -> Passage:
    when = _stamp(at)
    passage = Passage(
        passage_id=passage_id,
        revision=1,
        lane_id="lane-1",
        lane_kind=LANE_KIND_VEHICLE,
        direction=DIRECTION_OUTBOUND,
        opened=when,
        decided=when,
    )
    passage.plates.add(device_id="camera-1", at=when, text=text, confidence=0.97)
    passage.weighings.add(
        device_id="scale-1", at=when, kilograms="25150", device_unit="kg", uncertainty_kilograms="20", stability=1
    )
    passage.readings.add(device_id="camera-2", at=when).container.number = "CSQU3054383"
    return passage


def _traveller(passage_id: str, pseudonym: bytes, at: int) -> Passage:
    when = _stamp(at)
    passage = Passage(
        passage_id=passage_id,
        revision=1,
        lane_id="passengers",
        lane_kind=LANE_KIND_PASSENGER,
        direction=DIRECTION_OUTBOUND,
        opened=when,
        decided=when,
    )
    document = passage.readings.add(device_id="reader", at=when).document
    document.kind, document.issuer, document.pseudonym = "TD3", "CHN", pseudonym
    face = passage.readings.add(device_id="camera-3", at=when).face
    face.outcome, face.score, face.threshold, face.tries = "matched", 0.97, 0.9, 1
    return passage


def _pseudonym(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _declaration(number: int) -> Declaration:
    made = Declaration(
        declaration_id=f"D-{number}",
        lodged_unix_ns=NOW - 5 * HOUR,
        site_id=SITE,
        direction=DIRECTION_OUTBOUND,
        departure_unix_ns=NOW + HOUR,
        sailing_id=f"HN-{number % SAILINGS}",
        vehicle_plate=_plate(number),
        vehicle_tare_kilograms="12000",
        box_tare_kilograms="0",
        persons=2,
        cargo_kilograms="13000",
        containers=["CSQU3054383"],
        carrier_id="C-1",
    )
    made.goods.add(hs_code="610910", packages=12)
    made.value.amount, made.value.currency = "10000", "CNY"
    return made


def _registers() -> Iterator[NewItem]:
    """Something in every register that a decision asks."""
    key, other = (Ed25519PrivateKey.from_private_bytes(each * 32) for each in (b"a", b"b"))
    for name, signer in (("author", key), ("approver", other)):
        public = signer.public_key().public_bytes_raw()
        officer = Officer(officer_id=name, authority="customs", public_key=public, author=True, approver=True)
        yield NewItem.of(pb.ITEM_KIND_OFFICER, name, officer)
    for number in range(ORDERS):
        order = ControlOrder(format=1, order_id=f"O-{number}", version=1, authority="customs", legal_basis="article 6")
        order.issued_unix_ns = order.valid_from_unix_ns = NOW + HOUR
        order.expires_unix_ns, order.action = NOW + 99 * HOUR, ACTION_HOLD
        order.selectors.add(plate=f"湘A{number:05}")
        body = order.SerializeToString()
        signed = SignedOrder(order=body)
        signed.author.CopyFrom(sign(body, "author", "author", key))
        signed.approver.CopyFrom(sign(body, "approver", "approver", other))
        yield NewItem.of(pb.ITEM_KIND_ORDER, order.order_id, signed)
    for number in range(SAILINGS):
        sailing = pb.Sailing(sailing_id=f"HN-{number}", site_id=SITE, departure_unix_ns=NOW + HOUR, mmsi=412_000_001)
        yield NewItem.of(pb.ITEM_KIND_SAILING, sailing.sailing_id, sailing, site_id=SITE)
    for first in range(0, MEASURED, TRAVELLERS):
        manifest = pb.SailingManifest(sailing_id=f"HN-{first // TRAVELLERS}")
        for number in range(first, first + TRAVELLERS):
            manifest.tickets.add(pseudonym=_pseudonym(number), ticket_id=f"T-{number}", subject_id=f"s-{number}")
        yield NewItem.of(pb.ITEM_KIND_MANIFEST, manifest.sailing_id, manifest, site_id=SITE)
    for number in range(DECLARATIONS):
        key_of = f"D-{number}"
        settled = pb.DeclarationSettlement(
            declaration_id=key_of, paid="10000", currency="CNY", duty_due="9", duty_paid="9"
        )
        yield NewItem.of(pb.ITEM_KIND_SETTLEMENT, key_of, settled)
        selection = pb.Selection(declaration_id=key_of, mode=RELEASE_MODE_SAMPLING, rate=500)
        yield NewItem.of(pb.ITEM_KIND_SELECTION, key_of, selection)
        quantity = pb.DeclarationQuantity(
            declaration_id=key_of, name="vehicles", allowed="1", unit="vehicles", used_per_passage="1"
        )
        yield NewItem.of(pb.ITEM_KIND_QUANTITY, f"{key_of}/vehicles", quantity)
        carrier = pb.VehicleCarrier(plate=_plate(number), carrier_id="C-1")
        yield NewItem.of(pb.ITEM_KIND_CARRIER, carrier.plate, carrier)


def _store_passages(store: Store, made: Iterator[Passage], *, judged: bool) -> None:
    """Rows as the ingest makes them; `judged`: with a verdict, as history, else waiting."""
    for portion in portions(made, 500):
        rows = [passage_row(PassageRecord(0, SITE, each), 1, NOW) for each in portion]
        shown = [row for each in portion for row in document_rows(each, SITE)]
        with store.write() as connection:
            connection.execute(insert(schema.passages), rows)
            if shown:
                connection.execute(insert(schema.passage_documents), shown)
            if judged:
                connection.execute(insert(schema.verdicts), [_verdict(each) for each in portion])
            else:
                waiting = [
                    {"passage_id": each.passage_id, "queued_ns": NOW, "reason": "", "turn": NOW} for each in portion
                ]
                connection.execute(insert(schema.to_judge), waiting)


def _verdict(passage: Passage) -> dict[str, object]:
    verdict = Verdict(passage_id=passage.passage_id, revision=1, sequence=1, decision=Decision(action=ACTION_RELEASE))
    return {
        "passage_id": passage.passage_id,
        "sequence": 1,
        "revision": 1,
        "journal_id": 1,
        "action": ACTION_RELEASE,
        "decided_ns": NOW - HOUR,
        "latest": True,
        "ledger_index": 0,
        "body": verdict.SerializeToString(),
    }


def _history(count: int) -> Iterator[Passage]:
    """Passages of the month before, each plate some ten times; travellers of other sailings."""
    chance = random.Random(17)
    for number in range(count):
        at = NOW - chance.randrange(30 * 24) * HOUR - HOUR
        if number % 2:
            yield _traveller(f"H-{number}", _pseudonym(1_000_000 + number), at)
        else:
            yield _vehicle(f"H-{number}", _plate(20_000 + number // 20), at)


def _measured(count: int) -> Iterator[Passage]:
    for number in range(count):
        at = NOW - HOUR + number * HOUR // count
        yield (
            _traveller(f"P-{number}", _pseudonym(number), at)
            if number % 2
            else _vehicle(f"P-{number}", _plate(number), at)
        )


def _prepared(directory: Path, before: int, count: int) -> tuple[Store, Reconciler]:
    store = open_store(f"sqlite:///{directory / 'collector.db'}")
    ledger = Ledger(Signer("bench/ledger", Ed25519PrivateKey.from_private_bytes(b"l" * 32)))
    journal = {
        "origin": "bench/agent/gate-1/0",
        "agent_id": "gate-1",
        "site_id": SITE,
        "verifier_key": "",
        "admitted_ns": NOW,
        "admission_index": 0,
    }
    with store.write() as connection:
        connection.execute(insert(schema.journals), journal)
    import_declarations(store, ledger, enumerate(map(_declaration, range(DECLARATIONS)), 1), NOW - HOUR)
    with store.write() as connection:
        enter(connection, ledger, list(_registers()), NOW - HOUR)
    reconciler = Reconciler(store, ledger, CollectorConfig(deployment="bench", state_dir=directory))
    while reconciler.run_once(NOW):  # what was entered is looked at, before there are passages
        pass
    _store_passages(store, _history(before), judged=True)
    _store_passages(store, _measured(count), judged=False)
    return store, reconciler


def _cost(before: int, *, alone: bool) -> tuple[float, float, float]:
    """Processor seconds and seconds for one passage, and the share of verdicts that are release.

    `alone`: each passage by itself, as on a quiet day; else as many together as a busy collector judges.
    """
    count = MEASURED_ALONE if alone else MEASURED
    directory = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    try:
        store, reconciler = _prepared(directory, before, count)
        together, service.MOST_AT_ONCE = service.MOST_AT_ONCE, 1 if alone else service.MOST_AT_ONCE
        started, used = time.monotonic(), time.process_time()
        while reconciler.run_once(NOW + 1):
            pass
        spent = (time.process_time() - used) / count, (time.monotonic() - started) / count
        service.MOST_AT_ONCE = together
        with store.read() as connection:
            rows = connection.execute(schema.verdicts.select().where(schema.verdicts.c.decided_ns > NOW - 1)).all()
        store.close()
    finally:
        shutil.rmtree(directory)
    if len(rows) < count:
        raise SystemExit(f"{len(rows)} verdicts for {count} passages")
    return *spent, sum(row.action == ACTION_RELEASE for row in rows) / count


def main(histories: list[int]) -> None:
    """Judge with each length of history, many together and one by one. Prints a table."""
    print(
        f"{MEASURED:,} passages, half of them vehicles with weights and containers, half travellers with documents; "
        f"{DECLARATIONS:,} declarations with payments, selections, quantities and carriers; {SAILINGS} sailings, "
        f"{TRAVELLERS:,} tickets, {ORDERS} control orders. SQLite, verdicts in signed ledger entries."
    )
    print()
    lines = []
    for before in histories:
        for alone in (False, True):
            cpu, elapsed, released = _cost(before, alone=alone)
            how = "one by one" if alone else f"up to {service.MOST_AT_ONCE} together"
            cores = f"{cpu * AN_HOUR / 3600:.3f}"
            lines.append((f"{before:,}", how, f"{cpu * 1e3:.2f}", cores, f"{1 / elapsed:,.0f}", f"{released:.0%}"))
    head = (
        "passages before",
        "judged",
        "CPU ms a passage",
        f"cores for {AN_HOUR:,} an hour",
        "passages a second",
        "released",
    )
    print(table(head, lines))


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [10_000, 200_000])
