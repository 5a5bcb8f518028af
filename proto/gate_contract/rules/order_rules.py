"""O: control orders."""

from __future__ import annotations

from collections.abc import Iterator

from gate_contract.rules.case import Case
from gate_contract.rules.findings import HOLD, RELEASE, REVIEW, Fired, Input
from gate_contract.rules.standing_orders import Hit, Key, container_key, goods_keys, plate_key
from gate_contract.rules.text import MOST_NAMED, listed, moment, shown
from gate_contract.v1.order_pb2 import ControlOrder

_LONGEST_INSTRUCTION = 400
_WORDS = {
    "plate": "plate",
    "container": "container",
    "declaration_id": "declaration",
    "hs_prefix": "goods of HS code",
    "declarant_id": "declarant",
    "document": "a document",
}


def order_hit(case: Case) -> Iterator[Fired]:
    """O01: an order in force is about something of this passage. What it says is done; its authority alone lifts it."""
    for hit in _hits(case):
        if hit.refused or _standing(case, hit.order) != "in force":
            continue
        order = hit.order
        instruction = shown(order.instruction, _LONGEST_INSTRUCTION).rstrip(".")
        yield Fired(
            severity=4,
            action=order.action if REVIEW <= order.action <= HOLD else HOLD,
            explanation=(
                f"Control order {_name(order)} of {shown(order.authority)} is about {_about(hit)}"
                f"{f': {instruction}' if instruction else ''}."
            ),
            inputs=(
                Input("order", _name(order), shown(order.authority)),
                Input("legal_basis", shown(order.legal_basis), f"order {_name(order)}"),
                Input("instruction", instruction or "none", f"order {_name(order)}"),
                Input("instruction_zh", shown(order.instruction_zh, _LONGEST_INSTRUCTION), f"order {_name(order)}"),
                Input("expires_utc", moment(order.expires_unix_ns), f"order {_name(order)}"),
                *_key_inputs(hit),
            ),
            tolerance="no order in force is about it; only its authority lifts an order",
        )


def order_ignored(case: Case) -> Iterator[Fired]:
    """O02: an order about something of this passage has expired, or does not hold: it stops nothing, and is told."""
    for hit in _hits(case):
        expired = not hit.refused and _standing(case, hit.order) == "expired"
        if not (hit.refused or expired):
            continue
        why = shown(hit.refused) if hit.refused else f"it expired at {moment(hit.order.expires_unix_ns)}"
        yield Fired(
            severity=4,
            action=RELEASE,
            explanation=f"Control order {_name(hit.order)} about {_about(hit)} is ignored: {why}.",
            inputs=(Input("order", _name(hit.order), why), *_key_inputs(hit)),
            tolerance="an order holds with the signatures of two officers and until it expires",
        )


def _hits(case: Case) -> list[Hit]:
    """Orders for this place and way about what the passage shows or its declarations say."""
    orders = case.context.orders
    if orders is None or not len(orders):
        return []
    site, way = case.context.site_id, case.passage.direction
    return [
        hit
        for hit in orders.about(_keys(case))
        if (not hit.order.site_ids or not site or site in hit.order.site_ids)
        and (not hit.order.direction or not way or hit.order.direction == way)
    ]


def _keys(case: Case) -> Iterator[Key]:
    yield from (plate_key(each.text) for each in case.passage.plates if each.text)
    yield from (plate_key(each.text) for each in (case.match.read,) if each)
    yield from (container_key(each.number) for each in case.passage.seen.containers)
    yield from (container_key(each.read_as) for each in case.passage.seen.containers if each.read_as)
    yield from (("document", each.pseudonym) for each in case.passage.seen.documents if each.pseudonym)
    for each in case.booked.declarations if case.booked else ():
        yield from (plate_key(plate) for plate in (each.vehicle_plate, each.trailer_plate) if plate)
        yield from (container_key(box.number) for box in each.boxes)
        yield ("declaration_id", each.declaration_id)
        yield ("declarant_id", each.declarant_id)
        for code in each.hs_codes:
            yield from goods_keys(code)


def _standing(case: Case, order: ControlOrder) -> str:
    """Whether it was in force while the passage was there; where its time cannot be believed, whether it is now."""
    now = case.context.now_unix_ns
    start = case.passage.at_unix_ns
    end = now if start is None or case.passage.decided_unix_ns is None else case.passage.decided_unix_ns
    start = now if start is None else start
    if order.lifted:
        return "lifted"
    if order.expires_unix_ns <= start:
        return "expired"
    return "in force" if order.valid_from_unix_ns <= max(start, end) else "waiting"


def _name(order: ControlOrder) -> str:
    return f"{shown(order.order_id)} version {order.version}"


def _about(hit: Hit) -> str:
    return listed([_ordered(hit, key) for key in hit.keys])


def _ordered(hit: Hit, key: Key) -> str:
    """What the order is about in its own words: a plate with its look-alikes as one is a plate of nobody."""
    if key[0] != "plate":
        return _key(key)
    named = next((each.plate for each in hit.order.selectors if each.plate and plate_key(each.plate) == key), key[1])
    return _key(("plate", named))


def _key(key: Key) -> str:
    what, value = key
    return _WORDS[what] if isinstance(value, bytes) else f"{_WORDS[what]} {shown(value)}"


def _key_inputs(hit: Hit) -> tuple[Input, ...]:
    return tuple(
        Input("selected_by", _ordered(hit, key), "look-alikes of a plate as one: 0 O D Q, 1 I, 2 Z, 5 S, 8 B, 6 G")
        if key[0] == "plate"
        else Input("selected_by", _key(key), f"order {_name(hit.order)}")
        for key in hit.keys[:MOST_NAMED]
    )
