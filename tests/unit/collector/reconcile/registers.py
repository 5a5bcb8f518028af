"""Register items and records as the reconciliation's tests need them."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.registers.intake import NewItem
from gate_contract.acts import sign_act
from gate_contract.orders import sign
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.act_pb2 import INSPECTION_RESULT_AS_DECLARED, OfficerAct, SignedAct
from gate_contract.v1.decision_pb2 import ACTION_HOLD
from gate_contract.v1.order_pb2 import ControlOrder, Officer, SignedOrder
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND, LANE_KIND_PASSENGER, Direction, Passage
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, Stamp
from tests.unit.collector.reconcile.island import HOUR, NOON, PLATE, SECOND, SITE

KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 4) for name in ("author-1", "approver", "customs1")}
MMSI = 412_345_678


def officers(authority: str = "customs", *, customs1_until: int = 0) -> list[NewItem]:
    return [
        NewItem.of(
            pb.ITEM_KIND_OFFICER,
            name,
            Officer(
                officer_id=name,
                authority=authority,
                public_key=key.public_key().public_bytes_raw(),
                author=name == "author-1",
                approver=name == "approver",
                valid_until_unix_ns=customs1_until if name == "customs1" else 0,
            ),
        )
        for name, key in KEYS.items()
    ]


def order(
    plate: str = PLATE, *, version: int = 1, approver: str = "approver", expires: int = NOON + 99 * HOUR
) -> NewItem:
    said = ControlOrder(
        format=1,
        order_id="O-1",
        version=version,
        authority="customs",
        legal_basis="Customs Law, article 6",
        issued_unix_ns=NOON - HOUR,
        valid_from_unix_ns=NOON - HOUR,
        expires_unix_ns=expires,
        action=ACTION_HOLD,
        instruction="Open it",
    )
    said.selectors.add(plate=plate)
    body = said.SerializeToString()
    signed = SignedOrder(order=body)
    signed.author.CopyFrom(sign(body, "author", "author-1", KEYS["author-1"]))
    signed.approver.CopyFrom(sign(body, "approver", approver, KEYS[approver]))
    return NewItem.of(pb.ITEM_KIND_ORDER, "O-1", signed)


def sailing(
    sailing_id: str = "HN-1", *, departure: int = NOON + HOUR // 2, heads: int | None = None, cancelled: bool = False
) -> NewItem:
    said = pb.Sailing(
        sailing_id=sailing_id, site_id=SITE, departure_unix_ns=departure, cancelled=cancelled, mmsi=MMSI, heads=heads
    )
    return NewItem.of(pb.ITEM_KIND_SAILING, sailing_id, said, site_id=SITE)


def manifest(tickets: dict[bytes, str], sailing_id: str = "HN-1") -> NewItem:
    """`tickets`: subject by pseudonym."""
    said = pb.SailingManifest(sailing_id=sailing_id, key_id=f"key-{sailing_id}")
    for number, (pseudonym, subject) in enumerate(tickets.items()):
        said.tickets.add(pseudonym=pseudonym, ticket_id=f"T-{number}", subject_id=subject)
    return NewItem.of(pb.ITEM_KIND_MANIFEST, sailing_id, said, site_id=SITE)


def policy(text: str, site: str = "") -> NewItem:
    return NewItem.of(pb.ITEM_KIND_POLICY, site, pb.PolicyText(toml=text), site_id=site)


def act(
    passage_id: str = "P-1", *, act_id: str = "A-1", at: int = NOON, packages: int | None = None, forged: bool = False
) -> Record:
    """A lift of all customs' holds, or a count of packages."""
    said = OfficerAct(
        format=1, act_id=act_id, site_id=SITE, passage_id=passage_id, officer_id="customs1", authority="customs"
    )
    said.at_unix_ns, said.reason = at, "looked at it"
    if packages is None:
        said.lift.SetInParent()
    else:
        said.inspection.result, said.inspection.packages = INSPECTION_RESULT_AS_DECLARED, packages
    key = KEYS["author-1" if forged else "customs1"]
    signed = SignedAct.FromString(sign_act(said.SerializeToString(), key))
    return Record(format=1, captured=Stamp(wall_unix_ns=at), site_id=SITE, act=signed)


def vessel(at: int, mmsi: int = MMSI) -> Record:
    record = Record(format=1, site_id=SITE)
    record.reading.at.wall_unix_ns = at
    record.reading.vessel.mmsi = mmsi
    record.reading.vessel.message_type = 1
    return record


def traveller(
    pseudonyms: Sequence[bytes],
    passage_id: str = "T-1",
    *,
    at: int = NOON,
    direction: Direction.ValueType = DIRECTION_OUTBOUND,
    key_id: str = "",
) -> Passage:
    """Somebody on foot; no plate, no weight."""
    stamp = Stamp(wall_unix_ns=at, clock=CLOCK_STATE_SYNCHRONISED, error_bound_ns=SECOND // 100)
    passage = Passage(
        passage_id=passage_id,
        revision=1,
        lane_id="passengers",
        lane_kind=LANE_KIND_PASSENGER,
        direction=direction,
        opened=stamp,
        decided=stamp,
    )
    for each in pseudonyms:
        reading = passage.readings.add(device_id="reader")
        reading.document.kind, reading.document.pseudonym, reading.document.key_id = "TD3", each, key_id
    return passage
