"""D03, D05, D06: what was counted, what was amended after the vehicle was seen, what was used before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gate_contract.rules.case import Case
from gate_contract.rules.facts import Declared
from gate_contract.rules.findings import HOLD, INSPECT, REVIEW, Fired, Input
from gate_contract.rules.selection_rules import drawn_unix_ns
from gate_contract.rules.text import MOST_NAMED, listed, moment, plain, shown
from gate_contract.rules.trips import Trip
from gate_contract.rules.weights import Balance, balance_of


def packages_not_as_declared(case: Case) -> Iterator[Fired]:
    """D03: an officer counted another number of packages than a declaration says."""
    for declared in case.booked.declarations if case.booked else ():
        counted = case.context.counted.get(declared.declaration_id)
        if counted is None or declared.packages is None or counted == declared.packages:
            continue
        more_or_less = "more" if counted > declared.packages else "fewer"
        yield Fired(
            severity=3,
            action=INSPECT,
            explanation=(
                f"Declaration {declared.name}: {declared.packages} packages are declared, {counted} were counted,"
                f" {abs(counted - declared.packages)} {more_or_less}."
            ),
            inputs=(
                Input("packages_declared", str(declared.packages), f"declaration {declared.name}"),
                Input("packages_counted", str(counted), "an officer"),
            ),
            tolerance="as many packages as are declared",
        )


def amended_after_reading(case: Case) -> Iterator[Fired]:
    """D05: a declaration was amended after the vehicle was read or selected. Both versions are judged.

    What other rules find by the version that stood then is a finding, too: amending what was seen clears nothing.
    """
    known = _known(case)
    if known is None:
        return
    stood = _stood(case, known)
    amended = _amended(case, stood)
    plate = case.match.read.text if case.match.read else ""
    gone = [each for each in stood.values() if plate and each.vehicle_plate == plate] if not case.match.trips else []
    if not amended and not gone:
        return
    told = [f"{old.name} became version {new.version}: {', '.join(_changes(old, new))}" for old, new in amended]
    told += [f"{each.name} named this vehicle and no longer does" for each in gone]
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"Amended after the vehicle was seen or selected, at {moment(known)}: {listed(told)}.",
        inputs=(
            Input("known_utc", moment(known), "the gate's clock, or the selection"),
            *(Input("amended_utc", _when(new), f"declaration {new.name}") for _old, new in amended[:MOST_NAMED]),
            *_both_weights(case),
        ),
        tolerance="no amendment after the vehicle is read or selected; both versions are judged",
    )


def as_it_stood(case: Case) -> Case | None:
    """The case by the versions that stood when the vehicle was read or selected; None where nothing was amended since.

    Only where one trip is surely matched: of no other are the declared facts judged.
    """
    trip, known = case.booked, _known(case)
    old = {old.declaration_id: old for old, _new in _amended(case, _stood(case, known))} if known is not None else {}
    if trip is None or not old:
        return None
    before = replace(trip, declarations=tuple(old.get(each.declaration_id, each) for each in trip.declarations))
    match = replace(case.match, trips=(before,))
    return replace(case, match=match, balance=balance_of(case.passage, before, case.policy))


def _known(case: Case) -> int | None:
    """When the vehicle was read or selected, whichever was first; None where that is not known."""
    selected = (case.context.selected_unix_ns, drawn_unix_ns(case))
    return min((each for each in (case.passage.at_unix_ns, *selected) if each is not None), default=None)


def _amended(case: Case, stood: Mapping[str, Declared]) -> list[tuple[Declared, Declared]]:
    """Versions that stood, each with the one that stands and says something else."""
    pairs = [(stood[each.declaration_id], each) for each in _current(case) if each.declaration_id in stood]
    return [(old, new) for old, new in pairs if old.version < new.version and _changes(old, new)]


def _current(case: Case) -> tuple[Declared, ...]:
    """Declarations of the one trip."""
    return case.match.trip.declarations if case.match.trip else ()


def _stood(case: Case, known: int) -> dict[str, Declared]:
    """The highest version of each declaration that was superseded, of those that were received by then."""
    found: dict[str, Declared] = {}
    for each in map(Declared.of, case.context.superseded):
        before = found.get(each.declaration_id)
        received = each.received_unix_ns or each.lodged_unix_ns or 0
        if received <= known and (before is None or before.version < each.version):
            found[each.declaration_id] = each
    return found


def _changes(old: Declared, new: Declared) -> list[str]:
    """What differs, in words."""
    words = {
        "vehicle_plate": "plate",
        "trailer_plate": "trailer",
        "vehicle_tare_kilograms": "empty mass",
        "box_tare_kilograms": "container mass",
        "cargo_kilograms": "mass of the goods",
        "verified_gross_kilograms": "verified gross mass",
        "hs_codes": "goods",
        "packages": "packages",
        "boxes": "containers",
        "persons": "persons",
        "drivers": "drivers",
        "carrier_id": "carrier",
        "value": "value",
        "currency": "currency",
        "sailing_id": "sailing",
        "departure_unix_ns": "departure",
    }
    return [word for name, word in words.items() if getattr(old, name) != getattr(new, name)]


def _when(declared: Declared) -> str:
    received = declared.received_unix_ns or declared.lodged_unix_ns
    return moment(received) if received else "not known"


def _both_weights(case: Case) -> tuple[Input, ...]:
    """How the weight fits the version that stood and the one that stands."""
    before, trip = as_it_stood(case), case.booked
    if before is None or before.booked is None or trip is None:
        return ()
    return (_weight(case, before.booked, "weight_by_earlier"), _weight(case, trip, "weight_by_later"))


def _weight(case: Case, trip: Trip, name: str) -> Input:
    balance = balance_of(case.passage, trip, case.policy)
    if not isinstance(balance, Balance):
        return Input(name, "cannot be judged", trip.source)
    fits = "within" if balance.within_tolerance or balance.within_uncertainty else "beyond"
    return Input(name, f"{plain(balance.difference)} kg, {fits} what W01 allows", trip.source)


def used_twice(case: Case) -> Iterator[Fired]:
    """D06: another passage went on this declaration, or more of something passed than it declares."""
    trip = case.booked
    if trip is None:
        return
    uses = [
        (each, use)
        for each in trip.declarations
        for use in case.context.used_releases.get(each.declaration_id, ())
        if use.passage_id != case.passage.passage_id
    ]
    if uses:
        declared, use = uses[0]
        yield Fired(
            severity=4,
            action=HOLD,
            explanation=(
                f"Declaration {declared.name} was used before: passage {shown(use.passage_id)} went on it at"
                f" {moment(use.at_unix_ns)}."
            ),
            inputs=tuple(
                Input("used_utc", moment(use.at_unix_ns), f"passage {shown(use.passage_id)}")
                for _declared, use in uses[:MOST_NAMED]
            ),
            tolerance="one passage for one release",
        )
    yield from _negative(case, trip)


def _negative(case: Case, trip: Trip) -> Iterator[Fired]:
    left = [
        (each, quantity)
        for each in trip.declarations
        for quantity in case.context.quantities.get(each.declaration_id, ())
        if quantity.left.is_finite() and quantity.left < 0
    ]
    if not left:
        return
    names = [f"{shown(quantity.name)} {plain(quantity.left)} {shown(quantity.unit)}" for _each, quantity in left]
    yield Fired(
        severity=4,
        action=HOLD,
        explanation=f"More has passed than is declared by {trip.name}: left are {listed(names)}.",
        inputs=tuple(
            Input("left", f"{plain(quantity.left)} {shown(quantity.unit)}", f"declaration {each.name}")
            for each, quantity in left[:MOST_NAMED]
        ),
        tolerance="what is left is 0 or more",
    )
