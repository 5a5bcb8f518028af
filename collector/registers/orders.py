"""Control orders at the collector: what may be drafted, what is entered, and how each stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError
from sqlalchemy import Connection, select

from collector.draws.roster import in_office
from collector.errors import CollectorError
from collector.ledger.log import Ledger
from collector.registers.intake import Entered, NewItem, enter
from collector.registers.reading import latest, officers
from collector.store import schema
from gate_contract.orders import Opened, OrderError, Role, faults, open_order, sign
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import ControlOrder, Officer, OrderSignature, SignedOrder

SECOND: Final = 1_000_000_000
AHEAD_NS: Final = 300 * SECOND
"""So far the clock of who drafted an order may be ahead of the collector's."""

KEPT_AFTER_EXPIRY_NS: Final = 30 * 86_400 * SECOND
"""So long gates keep an expired order, to tell that it is ignored (O02)."""

_AGAIN: Final = "draft it again with `gate-collector orders draft`, and have it signed by two officers"


@dataclass(frozen=True, slots=True)
class Known:
    """An order that was entered.

    Attributes:
        order: what it says.
        version: of the register item.
        author, approver: officers' ids.
        standing: active, waiting, expired, lifted; refused when it does not hold (any more).
        reason: why it is refused.
    """

    order: ControlOrder
    version: int
    author: str
    approver: str
    standing: str
    reason: str = ""


def read_signed(data: bytes, where: str) -> tuple[SignedOrder, ControlOrder]:
    """An order file. CollectorError when it is none; signatures are not looked at."""
    try:
        signed = SignedOrder.FromString(data)
        order = ControlOrder.FromString(signed.order)
    except DecodeError:
        signed, order = SignedOrder(), ControlOrder()
    if not order.order_id:
        raise CollectorError(f"{where} is no order", fix="make one with `gate-collector orders draft FILE.toml`")
    return signed, order


def add_signature(data: bytes, where: str, role: Role, officer_id: str, key: Ed25519PrivateKey) -> bytes:
    """The order file with an officer's signature in a role; runs where there is no collector.

    Raises CollectorError when no gate would follow the order, or the same person has signed in the other role.
    """
    signed, order = read_signed(data, where)
    for fault in faults(order):
        raise CollectorError(f"{where} cannot be signed: {fault}", fix=_AGAIN)
    other_role: Role = "approver" if role == "author" else "author"
    other = signed.approver if role == "author" else signed.author
    if other.officer_id and (other.officer_id == officer_id or _is_by(signed.order, other_role, other, key)):
        raise CollectorError(
            f"{other.officer_id} has signed it as {other_role} already",
            cause="an order needs two persons",
            fix=f"let another officer of {order.authority} sign as {role}",
        )
    mine = sign(signed.order, role, officer_id, key)
    (signed.author if role == "author" else signed.approver).CopyFrom(mine)
    return signed.SerializeToString(deterministic=True)


def _is_by(order: bytes, role: Role, signature: OrderSignature, key: Ed25519PrivateKey) -> bool:
    """Whether a signature was made with this very key."""
    return sign(order, role, signature.officer_id, key).signature == signature.signature


def signatures_of(connection: Connection, data: bytes, now_unix_ns: int) -> tuple[str, str]:
    """What the signatures in an order file are worth by the list of officers, and why: for who looks at it.

    Returns:
        "missing", "do not hold" or "hold", and in words what is wrong, or how the order would stand now.
    """
    signed, _ = read_signed(data, "this")
    missing = [role for role, each in (("author", signed.author), ("approver", signed.approver)) if not each.officer_id]
    if missing:
        return "missing", f"its {' and its '.join(missing)} {'has' if len(missing) == 1 else 'have'} not signed yet"
    try:
        return "hold", open_order(data, officers(connection), now_unix_ns).standing
    except OrderError as error:
        return "do not hold", error.reason


def next_version(connection: Connection, order_id: str) -> int:
    """The version that a draft of this order gets."""
    known = _known(connection, order_id)
    return 1 if known is None else known.version + 1


def check_authority(connection: Connection, authority: str, now_unix_ns: int) -> None:
    """Refuse a draft that nobody could sign. CollectorError names what is missing."""
    serving = [each for each in officers(connection).values() if in_office(each, now_unix_ns)]
    mine = [each for each in serving if each.authority == authority]
    if not mine:
        known = ", ".join(sorted({each.authority for each in serving})) or "none"
        raise CollectorError(
            f"no officer in office acts for {authority!r}",
            cause=f"authorities with officers are: {known}",
            fix="correct authority in the draft, or add officers with `gate-collector officers add`",
        )
    if not any(
        author.officer_id != approver.officer_id
        for author in mine
        if author.author
        for approver in mine
        if approver.approver
    ):
        raise CollectorError(
            f"{authority} has no two officers of whom one may give orders and another approve them",
            fix="add the one that is missing with `gate-collector officers add … --may author,approver`",
        )


def served_sites(connection: Connection) -> set[str]:
    """Sites for which a gate machine was admitted."""
    return set(connection.scalars(select(schema.journals.c.site_id).distinct()))


def lifted(connection: Connection, deployment: str, order_id: str, reason: str, now_unix_ns: int) -> ControlOrder:
    """The next version of an order of this deployment, which lifts it; to be signed by two officers as every version.

    Raises CollectorError when there is none, it is lifted already, or no reason is given.
    """
    order = _known(connection, order_id)
    if order is None:
        raise CollectorError(f"there is no order {order_id!r}", fix="`gate-collector orders list` shows them")
    if order.lifted:
        raise CollectorError(f"the order {order_id} is lifted already, by its version {order.version}")
    if not reason.strip():
        raise CollectorError("an order is lifted for a reason", fix="say it with --reason")
    order.version += 1
    order.lifted, order.lift_reason = True, reason.strip()
    order.issued_unix_ns, order.deployment = now_unix_ns, deployment
    return order


def enter_order(connection: Connection, ledger: Ledger, data: bytes, now_unix_ns: int) -> tuple[Opened, Entered | None]:
    """Enter a signed order in the caller's write transaction; None when it is known already.

    Raises:
        OrderError: its signatures or what it says do not hold: no gate would follow it.
        CollectorError: it holds and still cannot be entered now.
    """
    _check_signed(data)
    known_officers = officers(connection)
    opened = open_order(data, known_officers, now_unix_ns)
    order = opened.order
    before = latest(connection, pb.ITEM_KIND_ORDER, [order.order_id]).get(order.order_id)
    if before is not None and before.body == data:
        return opened, None
    _check_deployment(order, ledger.deployment)
    _check_now(opened, known_officers, now_unix_ns)
    _check_follows(
        order, None if before is None else ControlOrder.FromString(SignedOrder.FromString(before.body).order)
    )
    # For every site: a version that leaves a site out must reach that site too. Which it is for stands in the order.
    item = NewItem(
        pb.ITEM_KIND_ORDER, order.order_id, data, expires_unix_ns=order.expires_unix_ns + KEPT_AFTER_EXPIRY_NS
    )
    [entered] = enter(connection, ledger, [item], now_unix_ns)
    return opened, entered


def _check_signed(data: bytes) -> None:
    """A signature that is not there yet is no forgery."""
    signed, order = read_signed(data, "this")
    for role, signature in (("author", signed.author), ("approver", signed.approver)):
        if not signature.officer_id:
            raise CollectorError(
                f"the order {order.order_id} is not signed by its {role} yet",
                fix=f"let an officer of {order.authority} sign it with `gate-collector orders sign FILE --role {role}`",
            )


def _check_deployment(order: ControlOrder, deployment: str) -> None:
    """What was entered without a name by an older release holds; nothing more is."""
    if not order.deployment:
        raise CollectorError(
            f"the order {order.order_id} does not say in which deployment it is given",
            cause="an older release drafted it, and it may have been signed for another collector",
            fix=_AGAIN,
        )
    if order.deployment != deployment:
        raise OrderError(order.order_id, f"it is given in the deployment {order.deployment!r}, not in this one")


def _check_now(opened: Opened, known: Mapping[str, Officer], now_unix_ns: int) -> None:
    """What only the collector can know: the time when an order really came."""
    order = opened.order
    if opened.standing == "expired":
        raise CollectorError(f"the order {order.order_id} has expired", fix=_AGAIN)
    if order.issued_unix_ns > now_unix_ns + AHEAD_NS:
        raise CollectorError(
            f"the order {order.order_id} says that it is given in the future",
            cause="the clock of the machine where it was drafted, or this one's, is wrong",
            fix=f"set the clocks, then {_AGAIN}",
        )
    for role, officer_id in (("author", opened.author), ("approver", opened.approver)):
        if not in_office(known[officer_id], now_unix_ns):
            raise CollectorError(
                f"the {role} {officer_id} is not in office any more",
                cause="when the order was signed cannot be proved, only when it came",
                fix=_AGAIN,
            )


def _check_follows(order: ControlOrder, before: ControlOrder | None) -> None:
    """Versions follow each other; one authority gives, changes and lifts an order."""
    if before is None:
        if order.lifted:
            raise CollectorError(f"there is no order {order.order_id!r} to be lifted", fix="check its id")
        if order.version != 1:
            raise CollectorError(
                f"the order {order.order_id} is not known, and this is version {order.version}", fix=_AGAIN
            )
        return
    if order.authority != before.authority:
        raise CollectorError(
            f"the order {order.order_id} is one of {before.authority}",
            cause=f"this version is given by {order.authority}, and only who gave an order may change or lift it",
            fix="give an order of your own under another id",
        )
    if order.version != before.version + 1:
        raise CollectorError(
            f"the order {order.order_id} has version {before.version}, and this is version {order.version}",
            cause="it was drafted before another version was entered, or is entered a second time with changes",
            fix=_AGAIN,
        )


def known_orders(connection: Connection, now_unix_ns: int) -> list[Known]:
    """Every order in its last version, by id, as a gate would take it now."""
    known = officers(connection)
    items = sorted(latest(connection, pb.ITEM_KIND_ORDER).items())
    return [_stands(item.body, item.version, known, now_unix_ns) for _, item in items]


def _stands(data: bytes, version: int, known: Mapping[str, Officer], now_unix_ns: int) -> Known:
    signed = SignedOrder.FromString(data)
    order = ControlOrder.FromString(signed.order)
    author, approver = signed.author.officer_id, signed.approver.officer_id
    try:
        opened = open_order(data, known, now_unix_ns)
    except OrderError as error:
        return Known(order, version, author, approver, "refused", error.reason)
    return Known(order, version, author, approver, opened.standing)


def _known(connection: Connection, order_id: str) -> ControlOrder | None:
    item = latest(connection, pb.ITEM_KIND_ORDER, [order_id]).get(order_id)
    return None if item is None else ControlOrder.FromString(SignedOrder.FromString(item.body).order)


def about(order: ControlOrder) -> Sequence[str]:
    """What an order is about, one thing each; a person's document as the beginning of its pseudonym."""
    found = []
    for selector in order.selectors:
        what = selector.WhichOneof("what") or "nothing"
        value = getattr(selector, what, "")
        found.append(f"{what.removesuffix('_id')} {value.hex()[:12] + '…' if isinstance(value, bytes) else value}")
    return found
