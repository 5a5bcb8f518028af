"""Reference data joined: what comes over gRPC, what lanes then know, what is alarmed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app import reference as module
from edge_agent.app.incidents import IncidentBook
from edge_agent.app.reference import ReferenceDesk, Reporting
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.reference.cache import SliceRefusedError
from gate_contract.checkpoint import COSIGNATURE, Signer
from gate_contract.orders import DAY
from gate_contract.reference import key_digest, sign_slice, slice_origin
from gate_contract.rules import Policy
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.record_pb2 import Incident
from gate_contract.v1.reference_pb2 import (
    FetchDeclarationsRequest,
    FetchDeclarationsResponse,
    FollowRequest,
    FollowResponse,
    SailingKey,
    Slice,
)
from gate_contract.v1.reference_pb2_grpc import ReferenceServiceServicer, add_ReferenceServiceServicer_to_server
from tests.unit.edge_agent.app.test_uplink import enrolled
from tests.unit.gate_contract.test_orders import NOON, an_officer, an_order, signed

DEADLINE_S = 60.0
SECOND = 10**9
SITE = "haikou"
KEY = Ed25519PrivateKey.generate()
RECEIPTS = Signer("hainan.example/collector", KEY, COSIGNATURE)
NOT_FOLLOWED = "This gate does not follow control order"
versions = count(1)


def item(kind: int, key: str, body: Any, **fields: Any) -> bytes:
    return pb.RegisterItem(
        format=1,
        kind=kind,  # type: ignore[arg-type]  # any number
        key=key,
        version=next(versions),
        body=body.SerializeToString(),
        **fields,
    ).SerializeToString()


OFFICERS = [item(pb.ITEM_KIND_OFFICER, name, an_officer(name)) for name in ("wang", "li")]


def order(order_id: str = "O-1", *, author: str = "wang", **fields: Any) -> bytes:
    return item(pb.ITEM_KIND_ORDER, order_id, signed(an_order(order_id=order_id, **fields), author))


@dataclass
class Collector(ReferenceServiceServicer):
    """Says to the next follower what the test put in, and ends the stream."""

    said: list[FollowResponse] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    position: int = 0
    site: str = SITE

    def say(
        self,
        *items: bytes,
        complete: bool = True,
        start: int | None = None,
        keys: Sequence[SailingKey] = (),
        **more: Any,
    ) -> None:
        """A slice that goes on from the one before, made a nanosecond after it."""
        made = Slice(
            site_id=self.site,
            from_position=self.position if start is None else start,
            position=self.position + 1,
            items=items,
            complete=complete,
            key_digests=map(key_digest, keys),
            **{"made_unix_ns": NOON + next(versions)} | more,
        )
        self.position += 1
        data = made.SerializeToString()
        note = sign_slice(data, made.position, slice_origin("hainan.example", self.site), RECEIPTS, 1)
        self.said.append(FollowResponse(slice=data, note=note, keys=keys))

    def FetchDeclarations(  # noqa: N802 - gRPC's name
        self, _request: FetchDeclarationsRequest, _context: Any
    ) -> Iterator[FetchDeclarationsResponse]:
        raise NotImplementedError  # whoever follows does not fetch

    def Follow(self, request: FollowRequest, _context: Any) -> Iterator[FollowResponse]:  # noqa: N802 - gRPC's name
        self.asked.append(request.position)
        said, self.said = self.said, []
        yield from said


@dataclass
class Gate:
    """A desk, its collector, and what it told."""

    desk: ReferenceDesk
    collector: Collector
    channel: grpc.Channel
    incidents: list[Incident]
    now: list[Moment]
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self) -> None:
        """Take all that was said, to the stream's end."""
        self.desk.keep(self.channel, self.over)

    def told(self) -> list[tuple[str, str]]:
        return [(each.code, each.text) for each in self.incidents]


def moment(wall: int = NOON, mono: int = 10**15) -> Moment:
    return Moment(WallNs(wall), MonoNs(mono), bytes(16), synchronised=True)


@contextmanager
def serving(servicer: ReferenceServiceServicer) -> Iterator[grpc.Channel]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    add_ReferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None)


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ReferenceDesk]:
    monkeypatch.setattr("tests.unit.edge_agent.app.test_uplink.RECEIPTS", RECEIPTS.verifier)
    keys = enrolled(tmp_path, "127.0.0.1:1")

    def opened(now: list[Moment], incidents: list[Incident]) -> ReferenceDesk:
        reporting = Reporting(lambda: now[0], IncidentBook(), incidents.extend)
        desk = ReferenceDesk(tmp_path, keys, SITE, Policy.default(), reporting)
        desk.start()
        return desk

    return opened


@pytest.fixture
def gate(open_desk: Callable[..., ReferenceDesk]) -> Iterator[Gate]:
    collector, incidents, now = Collector(), list[Incident](), [moment()]
    with serving(collector) as channel:
        desk = open_desk(now, incidents)
        yield Gate(desk, collector, channel, incidents, now)
        desk.close()


def test_an_order_of_two_officers_counts_for_the_next_passage_and_after_a_restart(
    gate: Gate, open_desk: Callable[..., ReferenceDesk]
) -> None:
    gate.collector.say(*OFFICERS, order())
    gate.keep()
    orders = gate.desk.known(gate.now[0]).orders
    assert orders is not None
    assert len(orders) == 1
    shown = gate.desk.shown(gate.now[0])
    assert shown["orders"] == {"active": 1, "waiting": 0, "expired": 0, "lifted": 0, "refused": 0}
    assert (shown["age_s"], shown["position"], shown["registers"]["officers"]) == (0, 1, 2)
    assert gate.told() == []
    gate.desk.close()
    again = open_desk(gate.now, gate.incidents)
    assert again.shown(gate.now[0])["orders"]["active"] == 1
    assert set(again.officers) == {"wang", "li"}
    gate.desk = again


def test_orders_that_do_not_hold_are_alarmed_once_and_not_by_what_they_are_about(gate: Gate) -> None:
    gate.collector.say(*OFFICERS, order("O-2", author="li"), order("O-3", expires_unix_ns=NOON - DAY + 1))
    gate.collector.say(order("O-4"))
    gate.keep()
    assert gate.told() == [
        ("order-refused", f"{NOT_FOLLOWED} O-2: author and approver are the same person: another one must approve it"),
        ("order-refused", f"{NOT_FOLLOWED} O-3: it had expired when it came (version 1)"),
    ]
    assert gate.desk.shown(gate.now[0])["orders"] == {
        "active": 1, "waiting": 0, "expired": 1, "lifted": 0, "refused": 1
    }  # fmt: skip


def test_a_slice_that_was_altered_is_refused_unread_alarmed_and_all_is_fetched_anew(gate: Gate) -> None:
    gate.collector.say(*OFFICERS)
    gate.collector.say(order())
    altered = gate.collector.said[1]
    altered.slice = altered.slice[:-1] + bytes([altered.slice[-1] ^ 1])
    with pytest.raises(SliceRefusedError, match="not those that were signed"):
        gate.keep()
    assert [code for code, _ in gate.told()] == ["reference-refused"]
    assert gate.desk.shown(gate.now[0])["orders"]["active"] == 0
    assert gate.desk.officers.keys() == {"wang", "li"}, "what was here counts"
    gate.collector.position = 0
    gate.collector.say(*OFFICERS, order())
    gate.keep()
    assert gate.collector.asked == [0, 0]
    assert gate.desk.shown(gate.now[0])["orders"]["active"] == 1
    assert gate.incidents[0].HasField("closed"), "it is over when all came"


def test_a_slice_of_another_site_or_after_a_gap_is_refused(gate: Gate) -> None:
    gate.collector.site = "elsewhere"
    gate.collector.say(order())
    with pytest.raises(SliceRefusedError, match="not for this gate's site 'haikou'"):
        gate.keep()
    gate.collector.site = SITE
    gate.collector.say(start=7)
    with pytest.raises(SliceRefusedError, match="goes on from position 7"):
        gate.keep()


def test_a_collector_that_knows_no_follow_is_asked_for_declarations(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older(Collector):
        def Follow(self, request: FollowRequest, context: Any) -> Iterator[FollowResponse]:  # noqa: N802
            return ReferenceServiceServicer.Follow(self, request, context)  # type: ignore[return-value]

        def FetchDeclarations(  # noqa: N802 - gRPC's name
            self, _request: FetchDeclarationsRequest, _context: Any
        ) -> Iterator[FetchDeclarationsResponse]:
            body = Declaration(declaration_id="D-1", version=1, vehicle_plate="琼A12345").SerializeToString()
            yield FetchDeclarationsResponse(declarations=[body], position=5)

    monkeypatch.setattr(module, "FETCH_EVERY_S", 0.0)
    with serving(Older()) as channel:
        gate.desk.keep(channel, gate.over)
        gate.desk.keep(channel, gate.over)
    shown = gate.desk.shown(gate.now[0])
    assert (shown["declarations"], shown["age_s"], shown["position"]) == (1, 0, 0)


def test_a_policy_that_is_wrong_is_alarmed_and_the_one_before_stays(gate: Gate) -> None:
    good = item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\nmost_hours = 1\n"))
    gate.collector.say(good)
    gate.collector.say(item(pb.ITEM_KIND_POLICY, SITE, pb.PolicyText(toml="[K05]\nmost_hours = 0\n")))
    gate.keep()
    policy = gate.desk.known(gate.now[0]).policy
    assert policy is not None
    assert policy.K05.most_hours == 1
    assert [code for code, _ in gate.told()] == ["policy-refused"]
    assert "K05.most_hours = 0 is wrong" in gate.incidents[0].text
    shown = gate.desk.shown(gate.now[0])
    assert (shown["policy"], shown["policy_from"]) == (policy.hash, "collector")


def test_a_policy_for_the_site_that_is_wrong_does_not_hide_the_one_for_all_sites(
    gate: Gate, open_desk: Callable[..., ReferenceDesk]
) -> None:
    gate.collector.say(
        item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\nmost_hours = 5\n")),
        item(pb.ITEM_KIND_POLICY, SITE, pb.PolicyText(toml="[K05]\nmost_hours = 999999\n")),
    )
    gate.keep()
    for _ in range(2):
        policy = gate.desk.known(gate.now[0]).policy
        assert policy is not None
        assert policy.K05.most_hours == 5
        assert gate.told()[-1][0] == "policy-refused"
        gate.desk.close()
        gate.desk = open_desk(gate.now, gate.incidents)


def test_policies_that_are_taken_back_leave_the_sites_own(gate: Gate) -> None:
    gate.collector.say(item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\nmost_hours = 5\n")))
    gate.collector.say(item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(), withdrawn=True))
    gate.keep()
    assert gate.desk.known(gate.now[0]).policy is None
    assert gate.desk.shown(gate.now[0])["policy_from"] == "site"
    assert gate.told() == []


def test_a_key_of_a_sailing_is_there_with_its_manifest_and_gone_with_it(gate: Gate) -> None:
    sailing = pb.Sailing(sailing_id="S-1", departure_unix_ns=NOON)
    manifest = pb.SailingManifest(sailing_id="S-1", key_id="K-1")
    gate.collector.say(
        item(pb.ITEM_KIND_SAILING, "S-1", sailing),
        item(pb.ITEM_KIND_MANIFEST, "S-1", manifest, expires_unix_ns=NOON + DAY),
        keys=[
            SailingKey(key_id="K-1", sailing_id="S-1", key=bytes(32), expires_unix_ns=NOON + DAY),
            SailingKey(key_id="K-2", sailing_id="S-2", key=bytes(32)),
        ],
    )
    gate.keep()
    assert gate.desk.boarding_keys(gate.now[0]) == [("K-1", bytes(32))]
    assert gate.desk.shown(gate.now[0])["sailing_keys"] == 1, "one that no manifest names is not kept"
    gate.now[0] = moment(NOON + DAY, 10**15 + DAY)
    gate.desk.sweep()
    shown = gate.desk.shown(gate.now[0])
    assert (shown["sailing_keys"], shown["registers"]["manifests"], shown["age_s"]) == (0, 0, 86_400)


def test_a_key_that_somebody_put_beside_a_slice_is_not_kept_and_nothing_of_the_slice_is(gate: Gate) -> None:
    gate.collector.say(*OFFICERS)
    gate.collector.said[0].keys.append(SailingKey(key_id="K-1", sailing_id="S-1", key=bytes(32)))
    with pytest.raises(SliceRefusedError, match="the keys of sailings beside it are not those that were signed for"):
        gate.keep()
    assert gate.desk.shown(gate.now[0])["sailing_keys"] == 0
    assert gate.desk.officers == {}
    assert [code for code, _ in gate.told()] == ["reference-refused"]


def test_a_slice_that_is_played_again_brings_no_key_either(gate: Gate) -> None:
    gate.collector.say(*OFFICERS, keys=[SailingKey(key_id="K-1", sailing_id="S-1", key=bytes(32))])
    [old] = gate.collector.said
    gate.keep()
    assert gate.desk.cache.followed == 1
    gate.desk.sweep()
    gate.collector.said = [old]
    with pytest.raises(SliceRefusedError, match="goes on from position 0, and this gate is at 1"):
        gate.keep()
    assert gate.desk.shown(gate.now[0])["sailing_keys"] == 0


def test_who_signed_once_is_not_believed_without_a_signature(gate: Gate) -> None:
    class Unsigned(Collector):
        def Follow(self, request: FollowRequest, context: Any) -> Iterator[FollowResponse]:  # noqa: N802
            return ReferenceServiceServicer.Follow(self, request, context)  # type: ignore[return-value]

    gate.collector.say(*OFFICERS)
    gate.keep()
    with serving(Unsigned()) as channel, pytest.raises(SliceRefusedError, match="says that it cannot any more"):
        gate.desk.keep(channel, gate.over)
    assert [code for code, _ in gate.told()] == ["reference-refused"]
    assert gate.desk._without_follow is None


def test_an_order_in_force_stays_so_whatever_is_written_over_it_by_one_person_and_after_a_restart(
    gate: Gate, open_desk: Callable[..., ReferenceDesk]
) -> None:
    gate.collector.say(*OFFICERS, order())
    gate.collector.say(order(author="li", version=2))
    gate.collector.say(item(pb.ITEM_KIND_ORDER, "O-1", pb.PolicyText(), withdrawn=True))
    gate.keep()
    kept = ". Version 1, which this gate has, stays as it is"
    assert gate.told() == [
        (
            "order-refused",
            f"{NOT_FOLLOWED} O-1: author and approver are the same person: another one must approve it{kept}",
        ),
        ("order-refused", f"{NOT_FOLLOWED} O-1: it was taken back without the signatures of two officers{kept}"),
    ]
    assert gate.desk.shown(gate.now[0])["orders"]["active"] == 1
    gate.desk.close()
    gate.desk = open_desk(gate.now, gate.incidents)
    shown = gate.desk.shown(gate.now[0])
    assert (shown["orders"]["active"], shown["position"]) == (1, 3)


def test_an_officer_and_a_version_that_they_sign_may_come_together(gate: Gate) -> None:
    gate.collector.say(*OFFICERS, order())
    chen = item(pb.ITEM_KIND_OFFICER, "chen", an_officer("chen"))
    lifted = signed(an_order(version=2, lifted=True, lift_reason="found"), "chen")
    gate.collector.say(chen, item(pb.ITEM_KIND_ORDER, "O-1", lifted))
    gate.keep()
    assert gate.told() == []
    assert gate.desk.shown(gate.now[0])["orders"] == {
        "active": 0, "waiting": 0, "expired": 0, "lifted": 1, "refused": 0
    }  # fmt: skip


def test_what_is_played_again_is_told_and_over_as_soon_as_news_come(gate: Gate) -> None:
    gate.collector.say(*OFFICERS)
    gate.keep()
    gate.now[0] = moment(NOON + 400 * SECOND, 10**15 + 400 * SECOND)
    gate.collector.say()
    gate.keep()
    [(code, text)] = gate.told()
    assert code == "reference-old"
    assert "said it 399 s ago by what it signed" in text
    gate.collector.say(made_unix_ns=NOON + 400 * SECOND)
    gate.keep()
    assert gate.incidents[-1].HasField("closed")
    assert gate.desk.shown(gate.now[0])["age_s"] == 0


def test_a_file_that_was_damaged_is_told_when_the_agent_starts(
    gate: Gate, open_desk: Callable[..., ReferenceDesk], tmp_path: Path
) -> None:
    gate.collector.say(*OFFICERS, order())
    gate.keep()
    gate.desk.close()
    (tmp_path / "reference.db").write_bytes(b"not a database" * 100)
    gate.desk = open_desk(gate.now, gate.incidents)
    [(code, text)] = gate.told()
    assert code == "reference-damaged"
    assert text.startswith("reference.db is damaged: it cannot be read (file is not a database). It is fetched anew")
    gate.collector.position = 0
    gate.collector.say(*OFFICERS, order())
    gate.keep()
    assert gate.collector.asked == [0, 0]
    assert gate.desk.shown(gate.now[0])["orders"]["active"] == 1


def test_a_passage_waits_a_moment_for_what_was_said_while_the_gate_was_offline(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_WITHIN_S", DEADLINE_S)
    gate.desk.connected()
    gate.collector.say(*OFFICERS, order())
    came: queue.SimpleQueue[int] = queue.SimpleQueue()
    lane = threading.Thread(target=lambda: came.put(len(gate.desk.known(gate.now[0]).orders or ())))
    lane.start()
    assert came.empty()
    gate.keep()
    assert came.get(timeout=DEADLINE_S) == 1


def test_a_passage_does_not_wait_for_a_collector_that_says_nothing(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WITHIN_S", 0.01)
    gate.desk.connected()
    assert gate.desk.known(gate.now[0]).age_s is None
    assert gate.desk._caught_up.is_set(), "and the next one does not even wait that long"
    gate.desk.connected()
    gate.desk.disconnected()
    assert gate.desk._caught_up.is_set()


def test_a_collector_that_was_restored_is_asked_for_everything(gate: Gate) -> None:
    gate.collector.say(*OFFICERS)
    gate.keep()
    gate.desk.behind()
    gate.collector.position = 0
    gate.collector.say(*OFFICERS)
    gate.keep()
    assert gate.collector.asked == [0, 0]
