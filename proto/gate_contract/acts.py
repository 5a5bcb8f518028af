"""Officers' acts: what one officer did about one passage, signed with the officer's own key. Pure.

Whoever judges a passage again opens its acts with the function here, at the gate and at the collector, so that the same
acts count at both ends. What does not hold is refused with the reason, and has no effect.

Source: Ed25519 (RFC 8032).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError

from gate_contract.signatures import holds
from gate_contract.v1.act_pb2 import INSPECTION_RESULT_DETAINED, OfficerAct, SignedAct
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE
from gate_contract.v1.order_pb2 import Officer
from gate_contract.words import is_id, quoted, says_something

FORMAT: Final = 1
MOST_BYTES: Final = 1 << 16

SECOND: Final = 1_000_000_000
AHEAD_NS: Final = 300 * SECOND
"""So far an act may seem to be done after its gate recorded it: the machine's clock was set back in between."""

LATE_NS: Final = 86_400 * SECOND
"""So long after an officer's office a gate may record what they did in it, where the list of officers does not say."""

_SIGNED: Final = b"tidegate/officer-act/v1\n"


class ActError(ValueError):
    """An act that must not count. `act_id` is "" where even that cannot be read."""

    def __init__(self, act_id: str, reason: str) -> None:
        """`str()` names the act and the reason."""
        self.act_id, self.reason = quoted(act_id), reason
        super().__init__(f"act {self.act_id or '(unreadable)'}: {reason}")


@dataclass(frozen=True, slots=True)
class OpenedAct:
    """An act whose signature holds, and the officer who signed it."""

    act: OfficerAct
    officer: Officer


def sign_act(act: bytes, key: Ed25519PrivateKey) -> bytes:
    """A serialised SignedAct of a serialised OfficerAct."""
    return SignedAct(act=act, signature=key.sign(_SIGNED + act)).SerializeToString()


def recorded_at(signed: bytes, now_unix_ns: int) -> bytes:
    """A serialised SignedAct with when its gate records it; what was said of that before is not believed.

    Raises DecodeError when it is none.
    """
    act = SignedAct.FromString(signed)
    act.recorded_unix_ns = now_unix_ns
    return act.SerializeToString()


def taken_until(officer: Officer) -> int:
    """Until when a gate must have recorded this officer's acts, nanoseconds since 1970-01-01T00:00:00Z."""
    if not officer.valid_until_unix_ns:
        return 1 << 63
    return officer.acts_until_unix_ns or officer.valid_until_unix_ns + LATE_NS


def open_act(data: bytes, officers: Mapping[str, Officer]) -> OpenedAct:
    """Open a serialised SignedAct. The signature is verified before anything that the act says is believed.

    Args:
        data: as it was recorded.
        officers: by officer id, from the deployment's list.

    Raises:
        ActError: it does not hold; the reason is for a person.
    """
    if len(data) > MOST_BYTES:
        raise ActError("", f"{len(data)} bytes are more than an act has ({MOST_BYTES})")
    try:
        signed = SignedAct.FromString(data)
        act = OfficerAct.FromString(signed.act)
    except DecodeError:
        raise ActError("", "it is no SignedAct") from None
    officer = _signer(act, signed, officers)
    for fault in _faults(act):
        raise ActError(act.act_id, fault)
    return OpenedAct(act, officer)


def _signer(act: OfficerAct, signed: SignedAct, officers: Mapping[str, Officer]) -> Officer:
    officer = officers.get(act.officer_id)
    if officer is None:
        raise ActError(act.act_id, f"{quoted(act.officer_id)!r} is no officer of this deployment")
    if not holds(officer.public_key, signed.signature, _SIGNED + signed.act):
        raise ActError(act.act_id, f"the signature of officer {officer.officer_id} does not hold")
    if officer.authority != act.authority:
        named = quoted(act.authority)
        raise ActError(act.act_id, f"officer {officer.officer_id} acts for {officer.authority!r}, not for {named!r}")
    if not officer.valid_from_unix_ns <= act.at_unix_ns < (officer.valid_until_unix_ns or 1 << 63):
        raise ActError(act.act_id, f"officer {officer.officer_id} was not in office when it was done")
    if act.deployment and officer.deployment not in {"", act.deployment}:
        raise ActError(act.act_id, f"it was made in the deployment {quoted(act.deployment)!r}, not in this one")
    if signed.recorded_unix_ns:
        _check_recorded(act, signed.recorded_unix_ns, officer)
    return officer


def _check_recorded(act: OfficerAct, recorded_unix_ns: int, officer: Officer) -> None:
    """When it was done is the officer's word; when it was recorded is under the gate's seal."""
    if act.at_unix_ns > recorded_unix_ns + AHEAD_NS:
        raise ActError(act.act_id, "it says that it was done later than its gate recorded it")
    if recorded_unix_ns >= taken_until(officer):
        raise ActError(
            act.act_id,
            f"officer {officer.officer_id} was not in office any more when it was recorded, and that it was signed "
            "before cannot be proved",
        )


def _faults(act: OfficerAct) -> Iterable[str]:
    """What is wrong with it, worst first."""
    if act.format != FORMAT:
        yield f"it is written in format {act.format}, which this release does not know"
    if not is_id(act.act_id) or not is_id(act.passage_id):
        yield "it has no id, or names no passage"
    if not act.authority:
        yield "it names no authority"
    if act.at_unix_ns <= 0:
        yield "it does not say when it was done"
    if not says_something(act.reason):
        yield "it gives no reason: say why"
    what = act.WhichOneof("what")
    if what is None:
        yield "it does nothing that this release knows"
    if what == "inspection" and not 0 < act.inspection.result <= INSPECTION_RESULT_DETAINED:
        yield "its inspection does not say what it found: as declared, differs or detained"
    if what == "override" and not ACTION_RELEASE <= act.override.action <= ACTION_HOLD:
        yield "its override asks for none of release, review, inspect and hold"
