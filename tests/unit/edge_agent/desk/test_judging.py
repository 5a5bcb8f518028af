"""What becomes of an act that is handed over: counted, kept for later, refused with the reason in both languages."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.desk.core import acted, decided, put_by
from edge_agent.desk.judging import Judged, Outcome, judge
from edge_agent.desk.state import MOST_WAITING, LaneDesk
from edge_agent.model.handed_act import Handed
from gate_contract.acts import LATE_NS, recorded_at, sign_act
from gate_contract.v1 import act_pb2 as pb
from gate_contract.v1.act_pb2 import SignedAct
from gate_contract.v1.decision_pb2 import ACTION_RELEASE
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.order_pb2 import Officer
from tests.unit.edge_agent.desk.desk_doubles import KEYS, OFFICERS, SITE, act, opened, signed, told

HELD = decided(LaneDesk("L1"), told("P1", "D02")).lane
PHOTO = b"\xff\xd8\xff photo"


def judged(
    message: pb.OfficerAct,
    lane: LaneDesk = HELD,
    *,
    officers: dict[str, Officer] = OFFICERS,
    key: str = "C-1",
    photos: tuple[bytes, ...] = (),
    spooled: bool = False,
    now: int = 0,
) -> Judged:
    handed = Handed(signed(message, key), photos)
    found = judge(handed, SITE, officers, lane.find, now_unix_ns=now, spooled=spooled)
    assert found.words.en
    assert any("\u4e00" <= character <= "\u9fff" for character in found.words.zh)
    return found


def test_a_lift_by_the_authority_that_holds_counts() -> None:
    found = judged(act("C-1", "P1"))
    assert found.outcome is Outcome.DONE
    assert found.opened is not None


def test_another_authority_lifts_nothing_and_is_told_who_must() -> None:
    found = judged(act("B-1", "P1"), key="B-1")
    assert found.outcome is Outcome.REFUSED
    assert "Border inspection lifts nothing" in found.words.en
    assert "Customs must lift the hold (D02)" in found.words.en
    assert "海关" in found.words.zh
    lane = decided(LaneDesk("L1"), told("P1", "D02", "P02")).lane
    assert judged(act("B-1", "P1", lift=pb.LiftHolds(codes=["D02"])), lane, key="B-1").outcome is Outcome.REFUSED
    assert judged(act("B-1", "P1", lift=pb.LiftHolds(codes=["P02"])), lane, key="B-1").outcome is Outcome.DONE


def test_lifting_is_not_inspecting() -> None:
    lane = decided(LaneDesk("L1"), told("P1", "W01")).lane
    found = judged(act("C-1", "P1"), lane)
    assert found.outcome is Outcome.REFUSED
    assert "must inspect it (W01)" in found.words.en
    report = act("C-1", "P1", inspection=pb.Inspection(result=pb.INSPECTION_RESULT_AS_DECLARED))
    assert judged(report, lane).outcome is Outcome.DONE


def test_a_signature_that_is_not_the_officers_is_refused_and_told_as_forged() -> None:
    found = judged(act("C-1", "P1"), key="B-1")
    assert (found.outcome, found.is_forged) == (Outcome.REFUSED, True)


def test_an_officer_who_acts_for_somebody_else_or_is_not_in_office_is_refused() -> None:
    message = act("C-1", "P1")
    message.authority = "border"
    found = judged(message)
    assert (found.outcome, found.is_forged) == (Outcome.REFUSED, False)
    assert "acts for customs, not for border" in found.words.en
    retired = Officer()
    retired.CopyFrom(OFFICERS["C-1"])
    retired.valid_until_unix_ns = 50
    found = judged(act("C-1", "P1", at=50), officers={"C-1": retired})
    assert "not in office" in found.words.en


def test_who_left_office_does_not_go_on_acting_with_an_earlier_time() -> None:
    left = OFFICERS | {"C-1": Officer.FromString(OFFICERS["C-1"].SerializeToString())}
    lift = act("C-1", "P1")
    left["C-1"].valid_until_unix_ns = lift.at_unix_ns + 10
    assert judged(lift, officers=left, now=lift.at_unix_ns + 9).outcome is Outcome.DONE
    found = judged(lift, officers=left, now=lift.at_unix_ns + 10)
    assert (found.outcome, found.opened) == (Outcome.REFUSED, None)
    assert "not in office" in found.words.en
    assert judged(lift, officers=left, key="B-1", now=lift.at_unix_ns + 10).is_forged
    assert judged(lift, officers=left, now=lift.at_unix_ns + 10, spooled=True).outcome is Outcome.DONE, (
        "it was done while the agent did not run, and handed over when it did"
    )


def test_who_left_office_cannot_fill_the_spool_with_earlier_times_for_ever() -> None:
    lift = act("C-1", "P1")
    left = {"C-1": Officer.FromString(OFFICERS["C-1"].SerializeToString())}
    left["C-1"].valid_until_unix_ns = lift.at_unix_ns + 10
    late = left["C-1"].valid_until_unix_ns + LATE_NS
    found = judged(lift, officers=left, now=late - 1, spooled=True)
    assert (found.outcome, SignedAct.FromString(found.signed).recorded_unix_ns) == (Outcome.DONE, late - 1)
    found = judged(lift, officers=left, now=late, spooled=True)
    assert (found.outcome, found.opened) == (Outcome.REFUSED, None)
    assert "not in office" in found.words.en


def test_an_act_of_another_deployment_or_of_a_time_to_come_is_refused() -> None:
    ours = {"C-1": Officer.FromString(OFFICERS["C-1"].SerializeToString())}
    ours["C-1"].deployment = "hainan"
    lift = act("C-1", "P1")
    lift.deployment = "trial"
    assert "in the deployment 'trial', not in this one" in judged(lift, officers=ours).words.en
    ahead = act("C-1", "P1", at=1 << 60)
    assert "later than its gate recorded it" in judged(ahead, now=1 << 59).words.en


def test_an_unknown_officers_act_is_kept_and_opens_nothing() -> None:
    found = judged(act("C-1", "P1"), officers={})
    assert (found.outcome, found.opened) == (Outcome.RECORDED, None)
    assert "staffed lane" in found.words.en
    lane = HELD
    for number in range(MOST_WAITING):
        lane = put_by(lane, "P1", recorded_at(signed(act("C-1", "P1", f"a{number}")), 17))
    assert judged(act("C-1", "P1", "a0"), lane, officers={}).outcome is Outcome.KNOWN
    assert judged(act("C-1", "P1", "one too many"), lane, officers={}).outcome is Outcome.REFUSED
    assert judged(act("C-1", "P9"), officers={}).outcome is Outcome.REFUSED


def test_the_same_act_twice_counts_once() -> None:
    message = act("C-1", "P1")
    lane = acted(HELD, "P1", *opened(message)).lane
    assert judged(message, lane).outcome is Outcome.KNOWN
    assert "released" in judged(act("C-1", "P1", "another"), lane).words.en


def test_an_act_about_a_passage_that_is_not_kept_is_refused_but_an_inspection_is_recorded() -> None:
    assert judged(act("C-1", "P9")).outcome is Outcome.REFUSED
    found = judged(act("C-1", "P9", inspection=pb.Inspection(result=pb.INSPECTION_RESULT_DETAINED)))
    assert found.outcome is Outcome.DONE
    assert "collector" in found.words.en


def test_what_waited_in_the_spool_is_recorded_also_when_it_can_do_nothing_any_more() -> None:
    assert judged(act("C-1", "P9"), spooled=True).outcome is Outcome.RECORDED
    assert judged(act("B-1", "P1"), key="B-1", spooled=True).outcome is Outcome.RECORDED
    assert judged(act("C-1", "P9"), officers={}, spooled=True).outcome is Outcome.RECORDED
    assert judged(act("C-1", "P1"), key="B-1", spooled=True).outcome is Outcome.REFUSED


def test_pictures_must_be_those_that_the_act_names() -> None:
    named = Evidence(sha256=sha256(PHOTO).digest(), size=len(PHOTO), media_type="image/jpeg", role="override")
    message = act("C-1", "P1", override=pb.Override(action=ACTION_RELEASE, photos=[named]))
    assert judged(message, photos=(PHOTO,)).outcome is Outcome.DONE
    for photos in ((), (b"another",), (PHOTO, PHOTO)):
        assert "pictures" in judged(message, photos=photos).words.en


@pytest.mark.parametrize("data", [b"\x0a", b"junk that is no message", b""])
def test_bytes_that_are_no_act_are_refused(data: bytes) -> None:
    assert judge(Handed(data), SITE, OFFICERS, HELD.find).outcome is Outcome.REFUSED


@given(st.binary(max_size=60), st.booleans())
def test_whatever_bytes_somebody_signs_are_judged(data: bytes, spooled: bool) -> None:
    found = judge(Handed(sign_act(data, KEYS["C-1"])), "", OFFICERS, HELD.find, spooled=spooled)
    assert found.outcome in (Outcome.REFUSED, Outcome.RECORDED)


def test_an_act_of_another_site_or_without_a_reason_is_refused() -> None:
    message = act("C-1", "P1")
    message.site_id = "haikou"
    assert "haikou" in judged(message).words.en
    message = act("C-1", "P1")
    message.reason = " "
    assert "say why" in judged(message, officers={}).words.en


@pytest.mark.parametrize("missing", ["act_id", "passage_id", "lift"])
def test_an_act_without_id_passage_or_deed_is_refused_whoever_signed_it(missing: str) -> None:
    message = act("C-1", "P1")
    message.ClearField(missing)  # type: ignore[arg-type]
    for officers in (OFFICERS, {}):
        assert judged(message, officers=officers, spooled=True).outcome is Outcome.REFUSED
