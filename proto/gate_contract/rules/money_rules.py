"""M and S: payments, parties, duty, and the sailing. Parties are compared, never named."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

from gate_contract.rules.case import Case
from gate_contract.rules.facts import Declared
from gate_contract.rules.findings import HOLD, INSPECT, REVIEW, Fired, Input
from gate_contract.rules.records import Sailing, Settlement
from gate_contract.rules.text import listed, moment, plain, shown
from gate_contract.rules.visits import MINUTE
from gate_contract.rules.weights import ARITHMETIC

FEN = Decimal("0.01")


def paid_not_declared(case: Case) -> Iterator[Fired]:
    """M01: what was paid is not the declared value, beyond the larger of a share and an amount, in yuan."""
    for declared, settlement in _settlements(case):
        paid = _yuan(settlement.paid, settlement.currency, settlement.yuan_per_paid)
        value = declared.value if isinstance(declared.value, Decimal) else None
        worth = _yuan(value, declared.currency, settlement.yuan_per_declared)
        if paid is None or worth is None:
            continue
        policy = case.policy.M01
        with localcontext(ARITHMETIC):
            difference = paid - worth
            allowed = max(worth * policy.share_of_declared_percent / 100, policy.least_yuan)
        if abs(difference) <= allowed:
            continue
        yield Fired(
            severity=2,
            action=REVIEW,
            explanation=(
                f"Declaration {declared.name}: {_money(worth)} yuan are declared, {_money(paid)} yuan were paid:"
                f" {_money(abs(difference))} yuan apart, beyond {_money(allowed)} yuan."
            ),
            inputs=(
                Input("value_declared", f"{plain(value or Decimal(0))} {shown(declared.currency)}", declared.name),
                Input("paid", f"{plain(settlement.paid or Decimal(0))} {shown(settlement.currency)}", "payments"),
                Input("value_yuan", plain(worth), "declared value x exchange rate"),
                Input("paid_yuan", plain(paid), "paid x exchange rate"),
            ),
            tolerance=(
                f"|difference| <= {_money(allowed)} yuan (max({plain(policy.share_of_declared_percent)} %,"
                f" {plain(policy.least_yuan)} yuan))"
            ),
        )


def _yuan(value: Decimal | None, currency: str, rate: Decimal | None) -> Decimal | None:
    """An amount in yuan; None when it or its exchange rate is not known. Yuan need no rate."""
    if value is None or not value.is_finite():
        return None
    if currency.strip().upper() == "CNY":
        return value
    if rate is None or not rate.is_finite() or rate <= 0:
        return None
    with localcontext(ARITHMETIC):
        return value * rate


def parties_disagree(case: Case) -> Iterator[Fired]:
    """M02: order, payment and logistics name different parties. Those that are not known contradict nothing."""
    for declared, settlement in _settlements(case):
        known = {role: "".join(name.split()).casefold() for role, name in sorted(settlement.parties.items())}
        known = {role: name for role, name in known.items() if name}
        if len(set(known.values())) < 2:  # noqa: PLR2004 - two parties are needed for a contradiction
            continue
        yield Fired(
            severity=3,
            action=INSPECT,
            explanation=f"Declaration {declared.name}: {listed(list(known))} do not name the same party.",
            inputs=tuple(
                Input(f"party_of_{shown(role)}", f"party {sorted(set(known.values())).index(name) + 1}", declared.name)
                for role, name in known.items()
            ),
            tolerance="one party in order, payment and logistics",
        )


def duty_unpaid(case: Case) -> Iterator[Fired]:
    """M03: duty is unpaid and no guarantee covers it, or the guarantee is exhausted."""
    for declared, settlement in _settlements(case):
        due, paid, left = (
            _finite(each) for each in (settlement.duty_due, settlement.duty_paid, settlement.guarantee_left)
        )
        unpaid = max(due - (paid or Decimal(0)), Decimal(0)) if due is not None else Decimal(0)
        uncovered = unpaid > 0 and (left is None or left < unpaid)
        if not uncovered and not (left is not None and left < 0):
            continue
        guarantee = "no guarantee is known" if left is None else f"{_money(left)} yuan of guarantee are left"
        yield Fired(
            severity=3,
            action=HOLD,
            explanation=f"Declaration {declared.name}: {_money(unpaid)} yuan of duty are unpaid, and {guarantee}.",
            inputs=(
                Input("duty_due_yuan", "not known" if due is None else plain(due), declared.name),
                Input("duty_paid_yuan", "none known" if paid is None else plain(paid), declared.name),
                Input("guarantee_left_yuan", "not known" if left is None else plain(left), declared.name),
            ),
            tolerance="duty paid, or a guarantee that covers what is not",
        )


def sailing_not_sure(case: Case) -> Iterator[Fired]:
    """S01: the sailing is not in the schedule, is cancelled, or AIS does not have its ship here before it leaves."""
    schedule, sailing_id = case.context.sailings, _sailing_id(case)
    if schedule is None or not sailing_id:
        return
    sailing = schedule.get(sailing_id)
    problem = "is not in the schedule" if sailing is None else _problem(case, sailing)
    if not problem:
        return
    departure = sailing.departure_unix_ns if sailing else None
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=f"Sailing {shown(sailing_id)} {problem}.",
        inputs=(
            Input("sailing", shown(sailing_id), case.booked.source if case.booked else "manifest"),
            Input("departure_utc", moment(departure) if departure else "not known", "schedule"),
            Input("ship_here", _WORDS[sailing.ship_here if sailing else None], "AIS"),
        ),
        tolerance="a sailing of the schedule, and its ship at the port"
        f" {case.policy.S01.here_before_departure_minutes} min before it leaves",
    )


_WORDS = {True: "yes", False: "no", None: "not known"}


def _problem(case: Case, sailing: Sailing) -> str:
    at, departure = case.passage.at_unix_ns, sailing.departure_unix_ns
    if sailing.cancelled:
        return "is cancelled"
    if sailing.ship_here is not False or at is None or departure is None:
        return ""
    soon = departure - at <= case.policy.S01.here_before_departure_minutes * MINUTE
    return f"leaves at {moment(departure)}, and AIS does not have its ship here" if soon else ""


def _sailing_id(case: Case) -> str:
    if case.booked:
        return next((each.sailing_id for each in case.booked.declarations if each.sailing_id), "")
    passengers = case.match.read is None and case.context.manifest is not None
    return case.context.manifest.sailing_id if passengers and case.context.manifest else ""


def _settlements(case: Case) -> Iterator[tuple[Declared, Settlement]]:
    for each in case.booked.declarations if case.booked else ():
        settlement = case.context.payments.get(each.declaration_id)
        if settlement is not None:
            yield each, settlement


def _finite(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value.is_finite() else None


def _money(value: Decimal) -> str:
    with localcontext(ARITHMETIC):
        return plain(value.quantize(FEN))
