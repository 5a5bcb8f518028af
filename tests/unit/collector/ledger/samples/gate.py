from __future__ import annotations

from collector.registers.intake import NewItem, enter
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.act_pb2 import ACTUATOR_KIND_BARRIER, Actuation, OfficerAct, SignedAct
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND, LANE_KIND_PASSENGER
from gate_contract.v1.record_pb2 import Record
from tests.unit.collector.collected import Collected

MMSI = 412_345_678
PSEUDONYM = b"p" * 32


def fill(collected: Collected) -> None:
    """What gates record besides passages: rows of officer_acts, actuations, passage_documents and vessels_seen."""
    agent = collected.admit("gate-3", b"c")
    manifest = pb.SailingManifest(sailing_id="HN-2", tickets=[pb.Ticket(pseudonym=PSEUDONYM, subject_id="s-1")])
    with collected.store.write() as connection:
        item = NewItem.of(pb.ITEM_KIND_MANIFEST, "HN-2", manifest, site_id="haikou")
        enter(connection, collected.ledger, [item], collected.now_ns)
    now = collected.now_ns
    records = [shown(now), act(now), actuation(now), vessel(now), act(now + 1), actuation(now + 1)]
    collected.accept(agent, *records[:4])
    agent.records += records[4:]
    collected.take_live(agent, agent.live(4, 5))


def act(at_ns: int) -> bytes:
    said = OfficerAct(
        format=1, act_id=f"a-{at_ns}", site_id="haikou", passage_id="p8", officer_id="o-1", authority="customs"
    )
    said.at_unix_ns, said.reason = at_ns, "looked at"
    said.lift.SetInParent()
    signed = SignedAct(act=said.SerializeToString(), signature=b"s" * 64)
    return Record(format=1, site_id="haikou", act=signed).SerializeToString()


def actuation(at_ns: int) -> bytes:
    said = Actuation(
        actuation_id=f"b-{at_ns}", lane_id="lane-1", passage_id="p8", cause="decision", kind=ACTUATOR_KIND_BARRIER
    )
    said.commanded.wall_unix_ns = at_ns
    return Record(format=1, site_id="haikou", actuation=said).SerializeToString()


def vessel(at_ns: int) -> bytes:
    record = Record(format=1, site_id="haikou")
    record.reading.device_id = "ais"
    record.reading.at.wall_unix_ns = at_ns
    record.reading.vessel.mmsi = MMSI
    record.reading.vessel.message_type = 1
    return record.SerializeToString()


def shown(at_ns: int, passage_id: str = "p8", pseudonym: bytes = PSEUDONYM) -> bytes:
    """A record of a traveller's passage."""
    record = Record(format=1, site_id="haikou")
    passage = record.passage
    passage.passage_id, passage.revision, passage.lane_id = passage_id, 1, "passengers"
    passage.lane_kind, passage.direction = LANE_KIND_PASSENGER, DIRECTION_OUTBOUND
    passage.opened.wall_unix_ns = passage.decided.wall_unix_ns = at_ns
    passage.readings.add(device_id="reader").document.pseudonym = pseudonym
    return record.SerializeToString()
