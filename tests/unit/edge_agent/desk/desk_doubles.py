"""Officers, decisions and acts for the tests of the desk."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_agent.desk.state import Looks, Told
from gate_contract.acts import OpenedAct, open_act, sign_act
from gate_contract.v1 import act_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT, ACTION_RELEASE, ACTION_REVIEW, Decision, Finding
from gate_contract.v1.order_pb2 import Officer

SITE = "xiuying"
ACTIONS = {"D02": ACTION_HOLD, "V01": ACTION_HOLD, "W01": ACTION_INSPECT, "V02": ACTION_REVIEW, "P02": ACTION_REVIEW}
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number, name in enumerate(("C-1", "B-1"), 1)
}
AUTHORITIES = {"C-1": "customs", "B-1": "border"}
OFFICERS = {
    name: Officer(
        officer_id=name,
        authority=AUTHORITIES[name],
        public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
    )
    for name, key in KEYS.items()
}


def decision(*codes: str, at: int = 1) -> Decision:
    """What the rules said, so many nanoseconds after 1970."""
    findings = [Finding(code=code, action=ACTIONS[code], severity=3, explanation=f"{code} fired.") for code in codes]
    action = max((each.action for each in findings), default=ACTION_RELEASE)
    return Decision(action=action, findings=findings, decided_unix_ns=at)


def told(passage_id: str, *codes: str, revision: int = 1, at: int = 1, gone: bool = False) -> Told:
    return Told(passage_id, revision, at, Looks(("琼A12345",)), decision(*codes, at=at), gone)


def act(officer: str, passage_id: str, act_id: str = "a", *, at: int = 100, **what: object) -> pb.OfficerAct:
    """An act; without more a lift of everything."""
    return pb.OfficerAct(
        format=1,
        act_id=act_id,
        site_id=SITE,
        passage_id=passage_id,
        officer_id=officer,
        authority=AUTHORITIES.get(officer, "customs"),
        at_unix_ns=at,
        reason="seen and in order",
        **(what or {"lift": pb.LiftHolds()}),  # type: ignore[arg-type]
    )


def signed(message: pb.OfficerAct, key: str = "") -> bytes:
    """By the officer that it names, or with another's key."""
    return sign_act(message.SerializeToString(), KEYS[key or message.officer_id])


def opened(message: pb.OfficerAct) -> tuple[bytes, OpenedAct]:
    data = signed(message)
    return data, open_act(data, OFFICERS)
