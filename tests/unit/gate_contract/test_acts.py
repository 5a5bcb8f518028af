from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.acts import AHEAD_NS, LATE_NS, MOST_BYTES, ActError, open_act, recorded_at, sign_act
from gate_contract.v1.act_pb2 import Inspection, LiftHolds, OfficerAct, Override, SignedAct
from gate_contract.v1.decision_pb2 import ACTION_UNSPECIFIED
from gate_contract.v1.order_pb2 import Officer

NOON = 1_790_000_000_000_000_000
KEY = Ed25519PrivateKey.from_private_bytes(b"wang".ljust(32))
OTHER = Ed25519PrivateKey.from_private_bytes(b"li".ljust(32))


def an_officer(**fields: Any) -> Officer:
    public = KEY.public_key().public_bytes_raw()
    return Officer(**({"officer_id": "wang", "authority": "customs", "public_key": public} | fields))


OFFICERS = {"wang": an_officer()}


def an_act(**fields: Any) -> OfficerAct:
    given_fields: dict[str, Any] = {
        "format": 1,
        "act_id": "A-1",
        "site_id": "xiuying",
        "passage_id": "P-1",
        "officer_id": "wang",
        "authority": "customs",
        "at_unix_ns": NOON,
        "reason": "weighed again on the static scale",
        "lift": LiftHolds(codes=["C02"]),
    } | fields
    if any(name in fields for name in ("inspection", "override")):
        del given_fields["lift"]
    return OfficerAct(**given_fields)


def signed(act: OfficerAct, key: Ed25519PrivateKey = KEY) -> bytes:
    return sign_act(act.SerializeToString(), key)


def test_an_act_opens_to_what_its_officer_signed() -> None:
    opened = open_act(signed(an_act()), OFFICERS)
    assert (opened.act, opened.officer) == (an_act(), OFFICERS["wang"])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"officer_id": "nobody"}, "'nobody' is no officer"),
        ({"authority": "border"}, "acts for 'customs', not for 'border'"),
        ({"format": 2}, "format 2"),
        ({"act_id": ""}, "no id"),
        ({"passage_id": ""}, "names no passage"),
        ({"at_unix_ns": 0}, "does not say when"),
        ({"reason": " \n"}, "gives no reason"),
        ({"reason": "\u200b\u00ad."}, "gives no reason"),
        ({"act_id": "A\n1"}, "no id"),
        ({"passage_id": "\u2028"}, "names no passage"),
        ({"lift": None}, "does nothing"),
        ({"inspection": Inspection()}, "does not say what it found"),
        ({"inspection": Inspection(result=9)}, "does not say what it found"),  # type: ignore[arg-type]
        ({"override": Override(action=ACTION_UNSPECIFIED)}, "none of release, review"),
        ({"override": Override(action=9)}, "none of release, review"),  # type: ignore[arg-type]
    ],
)
def test_an_act_that_lacks_what_makes_it_one_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ActError, match=reason):
        open_act(signed(an_act(**fields)), OFFICERS)


def test_an_act_that_another_key_signed_is_refused_and_named() -> None:
    with pytest.raises(ActError, match="act A-1: the signature of officer wang does not hold") as caught:
        open_act(signed(an_act(), OTHER), OFFICERS)
    assert caught.value.act_id == "A-1"


def test_an_officer_list_with_a_malformed_key_refuses_and_does_not_crash() -> None:
    with pytest.raises(ActError, match="does not hold"):
        open_act(signed(an_act()), {"wang": an_officer(public_key=b"short")})


def test_a_signature_under_an_order_is_none_under_an_act() -> None:
    act = an_act().SerializeToString()
    stolen = SignedAct(act=act, signature=KEY.sign(b"tidegate/control-order/v1/author\n" + act)).SerializeToString()
    with pytest.raises(ActError, match="does not hold"):
        open_act(stolen, OFFICERS)


def recorded(act: OfficerAct, at_unix_ns: int) -> bytes:
    return recorded_at(signed(act), at_unix_ns)


def test_an_act_counts_in_the_deployment_that_it_names_and_in_no_other() -> None:
    ours, unnamed = {"wang": an_officer(deployment="qiongzhou")}, {"wang": an_officer()}
    here = signed(an_act(deployment="qiongzhou"))
    assert open_act(here, ours).act.deployment == "qiongzhou"
    assert open_act(here, unnamed).act.deployment == "qiongzhou"
    assert open_act(signed(an_act()), ours).act.deployment == "", "as an older release signed it"
    with pytest.raises(ActError, match="it was made in the deployment 'trial', not in this one"):
        open_act(signed(an_act(deployment="trial")), ours)
    stripped = SignedAct(
        act=an_act().SerializeToString(), signature=SignedAct.FromString(signed(an_act(deployment="trial"))).signature
    )
    with pytest.raises(ActError, match="the signature of officer wang does not hold"):
        open_act(stripped.SerializeToString(), ours)


@pytest.mark.parametrize(("acts_until", "last"), [(0, NOON + LATE_NS), (NOON + 50, NOON + 50)])
def test_what_an_officer_did_in_office_must_be_recorded_soon_after_its_end(acts_until: int, last: int) -> None:
    left = {"wang": an_officer(valid_until_unix_ns=NOON + 10, acts_until_unix_ns=acts_until)}
    last += 0 if acts_until else 10
    open_act(recorded(an_act(), last - 1), left)
    with pytest.raises(ActError, match="not in office any more when it was recorded"):
        open_act(recorded(an_act(), last), left)
    open_act(recorded(an_act(), last), {"wang": an_officer()})  # still in office
    open_act(signed(an_act()), left)  # of a gate that did not say when


def test_an_act_is_not_done_after_it_was_recorded() -> None:
    open_act(recorded(an_act(), NOON - AHEAD_NS), OFFICERS)
    with pytest.raises(ActError, match="done later than its gate recorded it"):
        open_act(recorded(an_act(), NOON - AHEAD_NS - 1), OFFICERS)


def test_a_gate_believes_its_own_clock_and_not_what_it_is_handed() -> None:
    handed = SignedAct.FromString(recorded(an_act(), NOON))
    again = SignedAct.FromString(recorded_at(handed.SerializeToString(), NOON + 1))
    assert (again.recorded_unix_ns, again.act, again.signature) == (NOON + 1, handed.act, handed.signature)


def test_an_officer_acts_from_the_first_moment_in_office_until_before_the_last() -> None:
    officers = {"wang": an_officer(valid_from_unix_ns=NOON, valid_until_unix_ns=NOON + 10)}
    open_act(signed(an_act(at_unix_ns=NOON)), officers)
    open_act(signed(an_act(at_unix_ns=NOON + 9)), officers)
    for outside in (NOON - 1, NOON + 10):
        with pytest.raises(ActError, match="not in office"):
            open_act(signed(an_act(at_unix_ns=outside)), officers)


@given(st.data())
def test_no_changed_bit_of_an_act_counts(data: st.DataObject) -> None:
    whole = bytearray(signed(an_act()))
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[place // 8] ^= 1 << place % 8
    try:
        found = open_act(bytes(whole), OFFICERS)
    except ActError:
        return
    assert found.act == an_act(), "a bit outside what is signed was flipped"


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ActError):
        open_act(data, OFFICERS)


def test_an_act_without_end_of_bytes_is_not_even_parsed() -> None:
    with pytest.raises(ActError, match="more than an act has"):
        open_act(bytes(MOST_BYTES + 1), OFFICERS)


def test_an_officer_of_no_authority_acts_for_nobody() -> None:
    with pytest.raises(ActError, match="names no authority"):
        open_act(signed(an_act(authority="")), {"wang": an_officer(authority="")})


def test_what_is_refused_is_named_without_what_steers_a_terminal_or_fills_a_log() -> None:
    with pytest.raises(ActError) as caught:
        open_act(signed(an_act(act_id="A\x1b[2J" + "x" * 5_000, officer_id="o\n" * 5_000)), OFFICERS)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
