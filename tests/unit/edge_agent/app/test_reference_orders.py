"""Control orders, officers and policies that come with the reference data: what counts, what is refused and alarmed."""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.app.reference import ReferenceDesk
from gate_contract.orders import DAY
from gate_contract.v1 import register_pb2 as pb
from tests.unit.edge_agent.app.following import (
    NOT_FOLLOWED,
    OFFICERS,
    SITE,
    Gate,
    item,
    order,
)
from tests.unit.gate_contract.test_orders import NOON, an_officer, an_order, signed


def test_an_order_of_two_officers_counts_for_the_next_passage_and_after_a_restart(
    gate: Gate, open_desk: Callable[..., ReferenceDesk]
) -> None:
    gate.collector.say(*OFFICERS, order())
    gate.keep()
    orders = gate.desk.known(gate.now[0]).orders
    assert orders is not None
    assert len(orders) == 1
    shown = gate.desk.shown(gate.now[0])
    assert shown["orders"] == {"active": 1, "waiting": 0, "expired": 0, "lifted": 0, "refused": 0}
    assert (shown["age_s"], shown["position"], shown["registers"]["officers"]) == (0, 1, 2)
    assert gate.told() == []
    gate.desk.close()
    again = open_desk(gate.now, gate.incidents)
    assert again.shown(gate.now[0])["orders"]["active"] == 1
    assert set(again.officers) == {"wang", "li"}
    gate.desk = again


def test_orders_that_do_not_hold_are_alarmed_once_and_not_by_what_they_are_about(gate: Gate) -> None:
    gate.collector.say(*OFFICERS, order("O-2", author="li"), order("O-3", expires_unix_ns=NOON - DAY + 1))
    gate.collector.say(order("O-4"))
    gate.keep()
    assert gate.told() == [
        ("order-refused", f"{NOT_FOLLOWED} O-2: author and approver are the same person: another one must approve it"),
        ("order-refused", f"{NOT_FOLLOWED} O-3: it had expired when it came (version 1)"),
    ]
    assert gate.desk.shown(gate.now[0])["orders"] == {
        "active": 1, "waiting": 0, "expired": 1, "lifted": 0, "refused": 1
    }  # fmt: skip


def test_a_policy_that_is_wrong_is_alarmed_and_the_one_before_stays(gate: Gate) -> None:
    good = item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\nmost_hours = 1\n"))
    gate.collector.say(good)
    gate.collector.say(item(pb.ITEM_KIND_POLICY, SITE, pb.PolicyText(toml="[K05]\nmost_hours = 0\n")))
    gate.keep()
    policy = gate.desk.known(gate.now[0]).policy
    assert policy is not None
    assert policy.K05.most_hours == 1
    assert [code for code, _ in gate.told()] == ["policy-refused"]
    assert "K05.most_hours = 0 is wrong" in gate.incidents[0].text
    shown = gate.desk.shown(gate.now[0])
    assert (shown["policy"], shown["policy_from"]) == (policy.hash, "collector")


def test_a_policy_for_the_site_that_is_wrong_does_not_hide_the_one_for_all_sites(
    gate: Gate, open_desk: Callable[..., ReferenceDesk]
) -> None:
    gate.collector.say(
        item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\nmost_hours = 5\n")),
        item(pb.ITEM_KIND_POLICY, SITE, pb.PolicyText(toml="[K05]\nmost_hours = 999999\n")),
    )
    gate.keep()
    for _ in range(2):
        policy = gate.desk.known(gate.now[0]).policy
        assert policy is not None
        assert policy.K05.most_hours == 5
        assert gate.told()[-1][0] == "policy-refused"
        gate.desk.close()
        gate.desk = open_desk(gate.now, gate.incidents)


def test_policies_that_are_taken_back_leave_the_sites_own(gate: Gate) -> None:
    gate.collector.say(item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\nmost_hours = 5\n")))
    gate.collector.say(item(pb.ITEM_KIND_POLICY, "", pb.PolicyText(), withdrawn=True))
    gate.keep()
    assert gate.desk.known(gate.now[0]).policy is None
    assert gate.desk.shown(gate.now[0])["policy_from"] == "site"
    assert gate.told() == []


def test_an_order_in_force_stays_so_whatever_is_written_over_it_by_one_person_and_after_a_restart(
    gate: Gate, open_desk: Callable[..., ReferenceDesk]
) -> None:
    gate.collector.say(*OFFICERS, order())
    gate.collector.say(order(author="li", version=2))
    gate.collector.say(item(pb.ITEM_KIND_ORDER, "O-1", pb.PolicyText(), withdrawn=True))
    gate.keep()
    kept = ". Version 1, which this gate has, stays as it is"
    assert gate.told() == [
        (
            "order-refused",
            f"{NOT_FOLLOWED} O-1: author and approver are the same person: another one must approve it{kept}",
        ),
        ("order-refused", f"{NOT_FOLLOWED} O-1: it was taken back without the signatures of two officers{kept}"),
    ]
    assert gate.desk.shown(gate.now[0])["orders"]["active"] == 1
    gate.desk.close()
    gate.desk = open_desk(gate.now, gate.incidents)
    shown = gate.desk.shown(gate.now[0])
    assert (shown["orders"]["active"], shown["position"]) == (1, 3)


def test_an_officer_and_a_version_that_they_sign_may_come_together(gate: Gate) -> None:
    gate.collector.say(*OFFICERS, order())
    chen = item(pb.ITEM_KIND_OFFICER, "chen", an_officer("chen"))
    lifted = signed(an_order(version=2, lifted=True, lift_reason="found"), "chen")
    gate.collector.say(chen, item(pb.ITEM_KIND_ORDER, "O-1", lifted))
    gate.keep()
    assert gate.told() == []
    assert gate.desk.shown(gate.now[0])["orders"] == {
        "active": 0, "waiting": 0, "expired": 0, "lifted": 1, "refused": 0
    }  # fmt: skip
