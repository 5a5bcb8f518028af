"""Reference data joined: what comes over gRPC, what lanes then know, what is alarmed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.app import reference as module
from edge_agent.app.reference import ReferenceDesk
from edge_agent.reference.cache import SliceRefusedError
from gate_contract.orders import DAY
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.reference_pb2 import (
    FetchDeclarationsRequest,
    FetchDeclarationsResponse,
    FollowRequest,
    FollowResponse,
    SailingKey,
)
from gate_contract.v1.reference_pb2_grpc import ReferenceServiceServicer
from tests.unit.edge_agent.app.following import (
    DEADLINE_S,
    OFFICERS,
    SECOND,
    SITE,
    Collector,
    Gate,
    item,
    moment,
    order,
    serving,
)
from tests.unit.gate_contract.test_orders import NOON


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
