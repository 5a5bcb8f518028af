"""Control orders: signed by two persons of one authority, on a legal basis, until a day. Pure.

An order stops people and goods, so no single person can give one, and no order lasts for ever. The collector and every
gate open an order with the same function: what does not hold is refused with the reason, and the refusal is alarmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError

from gate_contract.signatures import holds
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT, ACTION_REVIEW
from gate_contract.v1.order_pb2 import ControlOrder, Officer, OrderSignature, Selector, SignedOrder
from gate_contract.v1.passage_pb2 import Direction
from gate_contract.words import is_id, quoted, says_something

FORMAT: Final = 1
DAY: Final = 86_400_000_000_000
LONGEST: Final = 366 * DAY
"""No order is in force for longer than a year; who still needs it gives it again."""

MOST_SELECTORS: Final = 10_000
MOST_BYTES: Final = 1 << 20

PSEUDONYM_BYTES: Final = 32

_HS_PREFIX: Final = re.compile(r"[0-9]{2,10}")

Role = Literal["author", "approver"]


class OrderError(ValueError):
    """An order that must not be followed. `order_id` is "" where even that cannot be read."""

    def __init__(self, order_id: str, reason: str) -> None:
        """`str()` names the order and the reason."""
        self.order_id, self.reason = quoted(order_id), reason
        super().__init__(f"control order {self.order_id or '(unreadable)'}: {reason}")


@dataclass(frozen=True, slots=True)
class Opened:
    """An order whose signatures hold.

    `standing`: "active"; "waiting" before it is in force; "expired" after; "lifted".
    """

    order: ControlOrder
    author: str
    approver: str
    standing: Literal["active", "waiting", "expired", "lifted"]


def sign(order: bytes, role: Role, officer_id: str, key: Ed25519PrivateKey) -> OrderSignature:
    """One person's signature under the serialised order."""
    return OrderSignature(officer_id=officer_id, signature=key.sign(_signed(order, role)))


def open_order(data: bytes, officers: Mapping[str, Officer], now_unix_ns: int) -> Opened:
    """Open a serialised SignedOrder. The signatures are verified before anything in the order is believed.

    Args:
        data: as it was sent.
        officers: by officer id, from the deployment's list.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.

    Raises:
        OrderError: it does not hold; the reason is for a person.
    """
    if len(data) > MOST_BYTES:
        raise OrderError("", f"{len(data)} bytes are more than an order has ({MOST_BYTES})")
    try:
        signed = SignedOrder.FromString(data)
        order = ControlOrder.FromString(signed.order)
    except DecodeError:
        raise OrderError("", "it is no SignedOrder") from None
    author = _signer(order, signed, "author", officers)
    approver = _signer(order, signed, "approver", officers)
    if author.officer_id == approver.officer_id or author.public_key == approver.public_key:
        raise OrderError(order.order_id, "author and approver are the same person: another one must approve it")
    for fault in faults(order):
        raise OrderError(order.order_id, fault)
    return Opened(order, author.officer_id, approver.officer_id, _standing(order, now_unix_ns))


def latest(opened: Iterable[Opened]) -> dict[str, Opened]:
    """The highest version of each order, by order id; of two under one version number the one that came first."""
    found: dict[str, Opened] = {}
    for each in opened:
        known = found.get(each.order.order_id)
        if known is None or known.order.version < each.order.version:
            found[each.order.order_id] = each
    return found


def _signer(order: ControlOrder, signed: SignedOrder, role: Role, officers: Mapping[str, Officer]) -> Officer:
    signature = signed.author if role == "author" else signed.approver
    officer = officers.get(signature.officer_id)
    if officer is None:
        raise OrderError(
            order.order_id, f"its {role} {quoted(signature.officer_id)!r} is no officer of this deployment"
        )
    if not holds(officer.public_key, signature.signature, _signed(signed.order, role)):
        raise OrderError(order.order_id, f"the signature of its {role} {officer.officer_id} does not hold")
    if not (officer.author if role == "author" else officer.approver):
        verb = "give" if role == "author" else "approve"
        raise OrderError(order.order_id, f"officer {officer.officer_id} may not {verb} orders")
    if officer.authority != order.authority:
        raise OrderError(
            order.order_id,
            f"its {role} {officer.officer_id} acts for {officer.authority!r}, not for {quoted(order.authority)!r}",
        )
    if not officer.valid_from_unix_ns <= order.issued_unix_ns < (officer.valid_until_unix_ns or 1 << 63):
        raise OrderError(order.order_id, f"officer {officer.officer_id} was not in office when it was given")
    if order.deployment and officer.deployment not in {"", order.deployment}:
        raise OrderError(order.order_id, f"it is given in the deployment {quoted(order.deployment)!r}, not in this one")
    return officer


def faults(order: ControlOrder) -> Iterable[str]:
    """What is wrong with what an order says, worst first; signed by whomever, no gate follows it."""
    if order.format != FORMAT:
        yield f"it is written in format {order.format}, which this release does not know"
    if not is_id(order.order_id) or order.version < 1:
        yield "it has no id or no version"
    if not says_something(order.legal_basis):
        yield "it names no legal basis"
    yield from _faults_of_its_term(order)
    if order.action not in {ACTION_REVIEW, ACTION_INSPECT, ACTION_HOLD}:
        yield "it asks for none of review, inspect and hold"
    if order.direction not in Direction.values():
        yield "it is for a direction that this release does not know"
    if not 0 < len(order.selectors) <= MOST_SELECTORS:
        yield f"it is about {len(order.selectors)} things, not 1 to {MOST_SELECTORS}"
    elif not all(map(_can_be_met, order.selectors)):
        yield "one of the things it is about is empty, no passage can show it, or this release does not know its kind"
    if order.lifted and not says_something(order.lift_reason):
        yield "it is lifted without a reason"


def _faults_of_its_term(order: ControlOrder) -> Iterable[str]:
    if not 0 < order.valid_from_unix_ns < order.expires_unix_ns:
        yield "it does not say from when until when it is in force"
    elif order.expires_unix_ns - order.valid_from_unix_ns > LONGEST:
        yield f"it is in force for more than {LONGEST // DAY} days"


def _can_be_met(selector: Selector) -> bool:
    """Whether a passage could ever show it: an order about nothing stops nobody, and nobody would notice."""
    what = selector.WhichOneof("what")
    if what == "document":
        return len(selector.document) == PSEUDONYM_BYTES
    if what == "hs_prefix":
        return _HS_PREFIX.fullmatch(selector.hs_prefix) is not None
    return what is not None and says_something(getattr(selector, what))


def _standing(order: ControlOrder, now_unix_ns: int) -> Literal["active", "waiting", "expired", "lifted"]:
    if order.lifted:
        return "lifted"
    if now_unix_ns < order.valid_from_unix_ns:
        return "waiting"
    return "active" if now_unix_ns < order.expires_unix_ns else "expired"


def _signed(order: bytes, role: Role) -> bytes:
    return f"tidegate/control-order/v1/{role}\n".encode() + order
