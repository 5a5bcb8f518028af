from __future__ import annotations

import pytest

from collector.draws import seeds
from collector.draws.days import day_after, day_of, end_of
from collector.draws.policy import DrawPolicy
from collector.draws.roster import on_duty
from collector.errors import CollectorError
from gate_contract.draws import commitment
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.cases.bureau import Bureau
from tests.unit.collector.reconcile.island import HOUR, NOON

DAY = 24 * HOUR
TODAY = "2026-03-01"


def known(bureau: Bureau, day: str) -> seeds.Seed | None:
    with bureau.store.read() as connection:
        return seeds.seed_of(connection, day)


@pytest.mark.parametrize(
    ("moment", "day"),
    [(0, "1970-01-01"), (NOON, TODAY), (end_of(TODAY) - 1, TODAY), (end_of(TODAY), "2026-03-02")],
)
def test_a_day_is_a_utc_day(moment: int, day: str) -> None:
    assert day_of(moment) == day


def test_days_follow_each_other() -> None:
    assert day_after("2026-02-28") == "2026-03-01"
    assert end_of("2026-02-28") == end_of(TODAY) - DAY


def test_seeds_of_today_and_tomorrow_are_committed_to_before_anything_is_declared(bureau: Bureau) -> None:
    bureau.draw(NOON)
    for day in (TODAY, "2026-03-02"):
        seed = known(bureau, day)
        assert seed is not None
        assert not seed.published
        assert commitment(seed.seed) == seed.commitment
    assert bureau.ledger_kinds().count("draw_seed") == 2
    bureau.restart()
    bureau.draw(NOON + HOUR)
    assert bureau.ledger_kinds().count("draw_seed") == 2


def test_a_seed_is_published_some_hours_after_its_day_and_not_before(bureau: Bureau) -> None:
    bureau.draw(NOON)
    with (
        bureau.store.write() as connection,
        pytest.raises(CollectorError, match=r"cannot be published yet.*wait until 6 hours after"),
    ):
        seeds.publish(connection, bureau.ledger, TODAY, 6, end_of(TODAY) + 6 * HOUR - 1)
    bureau.draw(end_of(TODAY) + 5 * HOUR)
    assert not known(bureau, TODAY).published  # type: ignore[union-attr]  # it is there
    bureau.draw(end_of(TODAY) + 6 * HOUR)
    assert known(bureau, TODAY).published  # type: ignore[union-attr]
    assert not known(bureau, "2026-03-02").published  # type: ignore[union-attr]
    assert bureau.audit().holds


def test_a_seed_that_nobody_committed_to_cannot_be_published(bureau: Bureau) -> None:
    with bureau.store.write() as connection, pytest.raises(CollectorError, match="there is no seed of 2020-01-01"):
        seeds.publish(connection, bureau.ledger, "2020-01-01", 6, NOON)


def test_on_duty_is_who_is_in_office_and_neither_gives_nor_approves_orders() -> None:
    officers = [
        Officer(officer_id="O-2", authority="customs"),
        Officer(officer_id="O-1", authority="customs", valid_from_unix_ns=NOON, valid_until_unix_ns=NOON + 1),
        Officer(officer_id="A", authority="customs", author=True),
        Officer(officer_id="B", authority="customs", approver=True),
        Officer(officer_id="P", authority="border"),
    ]
    assert on_duty(officers, "customs", NOON) == ["O-1", "O-2"]
    assert on_duty(officers, "customs", NOON - 1) == ["O-2"]
    assert on_duty(officers, "customs", NOON + 1) == ["O-2"]


@pytest.mark.parametrize(
    "values", [{"publish_after_hours": 0}, {"publish_after_hours": 73}, {"keep_days": 1}, {"authority": ""}]
)
def test_numbers_out_of_bounds_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        DrawPolicy.model_validate(values)
