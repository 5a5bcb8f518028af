from __future__ import annotations

import pytest

from collector.registers.intake import NewItem
from gate_contract.acts import LATE_NS
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE, Decision, ReleaseMode
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import (
    DIRECTION_INBOUND,
    LANE_KIND_OBSERVATION,
    PASSAGE_CLOSING_BACKED_OUT,
    Passage,
)
from tests.unit.collector.reconcile.island import (
    HOUR,
    NOON,
    PLATE,
    SECOND,
    SITE,
    Island,
    a_declaration,
    a_passage,
    codes,
)
from tests.unit.collector.reconcile.registers import (
    MMSI,
    act,
    manifest,
    officers,
    order,
    policy,
    sailing,
    traveller,
    vessel,
)

MINUTE = 60 * SECOND
ONE, TWO, OTHER = b"1" * 32, b"2" * 32, b"3" * 32


def passage(passage_id: str = "P-1", *, at: int = NOON, bound: int = SECOND // 100, **more: object) -> Passage:
    """With a clock that is as good as it says."""
    made = a_passage(passage_id, at=at, **more)  # type: ignore[arg-type]
    made.opened.error_bound_ns = made.decided.error_bound_ns = bound
    return made


def found(island: Island, passage_id: str = "P-1") -> list[str]:
    return codes(island.verdicts(passage_id)[-1])


def last(island: Island, passage_id: str = "P-1") -> Decision:
    return island.verdicts(passage_id)[-1].decision


def with_packages(number: int) -> Declaration:
    declared = a_declaration()
    declared.goods.add(hs_code="610910", packages=number)
    return declared


def test_one_plate_at_two_sites_too_soon_puts_both_passages_in_doubt(island: Island) -> None:
    island.receive(passage("P-1", lane="first-line"))
    island.reconcile()
    island.receive(passage("P-2", at=NOON + MINUTE), agent="gate-9", site="xiuying", at=NOON + MINUTE)
    island.reconcile(NOON + 2 * MINUTE)
    assert "V04" in found(island, "P-2")
    assert "V04" in found(island, "P-1")
    assert island.verdicts("P-1")[-1].reason == "passage P-2 is of the same vehicle or person elsewhere"


def test_two_passages_of_one_vehicle_that_wait_together_know_of_each_other(island: Island) -> None:
    island.receive(passage("P-1", lane="first-line"))
    island.receive(passage("P-2", at=NOON + MINUTE), agent="gate-9", site="xiuying")
    island.reconcile(NOON + 2 * MINUTE)
    assert "V04" in found(island, "P-2")


def test_the_register_says_how_far_two_sites_are_apart(island: Island) -> None:
    far = pb.Journey(site_id=SITE, other_site_id="xiuying", shortest_s=30)
    island.enter(NewItem.of(pb.ITEM_KIND_JOURNEY, f"{SITE}/xiuying", far))
    island.receive(passage("P-1", lane="first-line"))
    island.receive(passage("P-2", at=NOON + MINUTE), agent="gate-9", site="xiuying")
    island.reconcile(NOON + 2 * MINUTE)
    assert "V04" not in found(island, "P-2")


def test_the_same_way_twice_is_seen_unless_the_first_one_went_back(island: Island) -> None:
    back = passage("P-1", lane="first-line")
    back.closed_by = PASSAGE_CLOSING_BACKED_OUT
    island.receive(back)
    island.receive(passage("P-2", lane="first-line", at=NOON + HOUR))
    island.receive(passage("P-3", lane="first-line", at=NOON + 2 * HOUR), at=NOON + 2 * HOUR)
    island.reconcile(NOON + 2 * HOUR)
    assert [found(island, each) for each in ("P-2", "P-3")] == [[], ["V05"]]


def test_an_observation_point_is_no_way_through(island: Island) -> None:
    seen = passage("P-0", lane="first-line", at=NOON - HOUR)
    seen.lane_kind = LANE_KIND_OBSERVATION
    island.receive(seen, passage("P-1", lane="first-line"))
    island.reconcile()
    assert found(island, "P-1") == []


def test_a_passage_that_comes_late_judges_the_one_after_it_again(island: Island) -> None:
    island.receive(passage("P-2", lane="first-line", at=NOON + HOUR))
    island.reconcile(NOON + HOUR)
    assert found(island, "P-2") == []
    island.receive(passage("P-1", lane="first-line"), agent="gate-2", at=NOON + 2 * HOUR)
    island.reconcile(NOON + 2 * HOUR)
    assert sorted(found(island, "P-2")) == ["K02", "V05"]
    assert island.verdicts("P-2")[-1].reason == "passage P-1, which was before it, was judged"


def test_a_release_is_used_once(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(passage("P-1"), passage("P-2", at=NOON + 20 * MINUTE))
    island.reconcile(NOON + HOUR)
    assert found(island, "P-1") == []
    assert sorted(found(island, "P-2")) == ["D06", "V05"]
    assert last(island, "P-2").action == ACTION_HOLD


def test_a_release_that_was_held_is_used_when_officers_let_it_go(island: Island) -> None:
    island.enter(*officers(), order(expires=NOON + MINUTE))
    island.declare(a_declaration())
    island.receive(passage("P-1"))
    island.reconcile()
    assert found(island) == ["O01"]
    island.receive(passage("P-2", at=NOON + 10 * MINUTE), at=NOON + 10 * MINUTE)
    island.reconcile(NOON + 10 * MINUTE)
    assert "D06" not in found(island, "P-2")
    island.bring(act("P-1", at=NOON + MINUTE), at=NOON + 11 * MINUTE)
    island.receive(passage("P-3", at=NOON + 20 * MINUTE), at=NOON + 20 * MINUTE)
    island.reconcile(NOON + 20 * MINUTE)
    assert "D06" in found(island, "P-3")


@pytest.mark.parametrize(
    ("lane", "minutes", "fires"),
    [("gate", 4, []), ("gate", 25, []), ("gate", 31, ["D06", "V05"]), ("scale", 4, ["D06"])],
    ids=["at once", "one after the other", "much later", "one lane twice"],
)
def test_a_vehicle_that_passes_two_lanes_of_a_terminal_uses_its_release_once(
    island: Island, lane: str, minutes: int, fires: list[str]
) -> None:
    island.declare(a_declaration())
    island.receive(passage("P-1", lane="scale"), passage("P-2", lane=lane, at=NOON + minutes * MINUTE))
    island.reconcile(NOON + HOUR)
    assert [sorted(found(island, each)) for each in ("P-1", "P-2")] == [[], fires]


@pytest.mark.parametrize(("allowed", "fires"), [("2", False), ("1", True)])
def test_what_a_declaration_allows_is_used_up(island: Island, allowed: str, fires: bool) -> None:
    quantity = pb.DeclarationQuantity(
        declaration_id="D-1", name="vehicles", allowed=allowed, unit="vehicles", used_per_passage="1"
    )
    island.enter(NewItem.of(pb.ITEM_KIND_QUANTITY, "D-1/vehicles", quantity))
    island.declare(a_declaration())
    island.receive(passage("P-1"), passage("P-2", at=NOON + 20 * MINUTE))
    island.reconcile(NOON + HOUR)
    assert "D06" not in found(island, "P-1")
    texts = " ".join(each.explanation for each in last(island, "P-2").findings if each.code == "D06")
    assert ("More has passed" in texts) is fires


@pytest.mark.parametrize("name", ["kilograms", "rambutan"])
@pytest.mark.parametrize(("allowed", "fires"), [("13000", False), ("12000", True)])
def test_kilograms_are_what_is_declared_while_the_weight_fits(
    island: Island, allowed: str, fires: bool, name: str
) -> None:
    quantity = pb.DeclarationQuantity(declaration_id="D-1", name=name, allowed=allowed, unit="kg")
    island.enter(NewItem.of(pb.ITEM_KIND_QUANTITY, f"D-1/{name}", quantity))
    island.declare(a_declaration())
    island.receive(passage(kilograms="25200"))
    island.reconcile()
    assert found(island) == (["D06"] if fires else [])


def test_packages_that_an_officer_counted_judge_the_passage_again(island: Island) -> None:
    island.enter(*officers())
    island.declare(with_packages(10))
    island.receive(passage())
    island.reconcile()
    island.bring(act(packages=9), at=NOON + MINUTE)
    island.reconcile(NOON + MINUTE)
    assert sorted(found(island)) == ["D03", "K02"]
    assert island.verdicts()[-1].reason == "officer customs1 counted packages"


def test_a_forged_count_says_nothing_and_is_alarmed_once(island: Island) -> None:
    island.enter(*officers())
    island.declare(with_packages(10))
    island.receive(passage())
    island.bring(act(packages=9, forged=True))
    island.reconcile(NOON + MINUTE)
    island.reconcile(NOON + 2 * MINUTE)
    assert found(island) == []
    assert [kind for kind, _ in island.alarms()] == ["officer-act-refused"]


def test_a_count_that_came_after_its_officer_left_and_cannot_be_proved_says_nothing(island: Island) -> None:
    island.enter(*officers(customs1_until=NOON + MINUTE))
    island.declare(with_packages(10))
    island.receive(passage())
    late = act(packages=9)
    late.act.recorded_unix_ns = NOON + MINUTE + LATE_NS
    island.bring(late)
    island.reconcile(NOON + 2 * MINUTE)
    assert found(island) == []
    [(kind, told)] = island.alarms()
    assert (kind, "not in office any more when it was recorded" in told) == ("officer-act-refused", True)


def test_both_versions_are_judged_when_a_declaration_is_amended_after_the_reading(island: Island) -> None:
    island.declare(a_declaration(), at=NOON - HOUR)
    island.receive(passage())
    island.reconcile()
    island.declare(a_declaration(cargo="9000"), at=NOON + MINUTE)
    island.reconcile(NOON + MINUTE)
    assert sorted(found(island)) == ["D05", "K02", "W01"]


def test_the_register_says_who_runs_a_vehicle(island: Island) -> None:
    declared = a_declaration()
    declared.carrier_id = "C-1"
    island.declare(declared)
    island.receive(passage())
    island.reconcile()
    carrier = pb.VehicleCarrier(plate=PLATE, carrier_id="C-2")
    island.enter(NewItem.of(pb.ITEM_KIND_CARRIER, PLATE, carrier))
    island.reconcile(NOON + MINUTE)
    assert sorted(found(island)) == ["K02", "V06"]
    assert island.verdicts()[-1].reason == f"carrier {PLATE} version 1 came"


def test_what_is_settled_later_judges_the_passage_again(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(passage())
    island.reconcile()
    unpaid = pb.DeclarationSettlement(declaration_id="D-1", duty_due="100", duty_paid="0")
    island.enter(NewItem.of(pb.ITEM_KIND_SETTLEMENT, "D-1", unpaid))
    island.reconcile(NOON + MINUTE)
    assert sorted(found(island)) == ["K02", "M03"]
    paid = pb.DeclarationSettlement(declaration_id="D-1", duty_due="100", duty_paid="100")
    island.enter(NewItem.of(pb.ITEM_KIND_SETTLEMENT, "D-1", paid))
    island.reconcile(NOON + 2 * MINUTE)
    assert found(island) == ["K02"]


def test_a_selection_says_how_goods_are_let_go(island: Island) -> None:
    drawn = pb.Selection(
        declaration_id="D-1", mode=ReleaseMode.RELEASE_MODE_SAMPLING, drawn=True, selected_unix_ns=NOON - HOUR
    )
    island.enter(NewItem.of(pb.ITEM_KIND_SELECTION, "D-1", drawn))
    island.declare(a_declaration(), at=NOON - 2 * HOUR)
    island.receive(passage())
    island.reconcile()
    assert found(island) == ["R01"]
    assert last(island).release_mode == ReleaseMode.RELEASE_MODE_SAMPLING


def test_a_policy_of_the_register_replaces_the_configured_one_at_its_site(island: Island) -> None:
    island.enter(policy("[W01]\nshare_of_declared_percent = 20\nmost_kilograms = 5000\n", SITE))
    island.declare(a_declaration(), a_declaration("D-2", plate="琼B67890", site="xiuying"))
    island.receive(passage(kilograms="27000"))
    island.receive(passage("P-2", plates=["琼B67890"], kilograms="27000"), agent="gate-9", site="xiuying")
    island.reconcile()
    assert [found(island, each) for each in ("P-1", "P-2")] == [[], ["W01"]]
    assert last(island, "P-1").policy != last(island, "P-2").policy


def test_an_order_holds_what_it_is_about_from_when_it_comes(island: Island) -> None:
    island.enter(*officers())
    island.declare(a_declaration())
    island.receive(passage())
    island.reconcile()
    island.enter(order())
    island.reconcile(NOON + MINUTE)
    assert found(island) == ["O01", "K02"]
    assert island.verdicts()[-1].reason == "order O-1 version 1 came"


def test_an_order_that_does_not_hold_stops_nothing_and_is_alarmed_once(island: Island) -> None:
    island.enter(*officers(), order(approver="customs1"))
    island.declare(a_declaration())
    island.receive(passage())
    island.reconcile()
    island.reconcile(NOON + MINUTE)
    assert found(island) == ["O02"]
    assert last(island).action == ACTION_RELEASE
    assert [kind for kind, _ in island.alarms()] == ["control-order-refused"]


def test_who_has_no_ticket_is_not_on_the_manifest_of_the_next_sailing(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1"}), sailing("HN-2", departure=NOON + 2 * HOUR), manifest({}, "HN-2"))
    island.receive(traveller([ONE], "T-1"), traveller([OTHER], "T-2"))
    island.reconcile()
    assert "P01" not in found(island, "T-1")
    assert "P01" in found(island, "T-2")
    assert "HN-1" in next(each.explanation for each in last(island, "T-2").findings if each.code == "P01")


def test_the_key_that_a_document_was_read_under_names_its_sailing(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1"}), sailing("HN-2", departure=NOON + 2 * HOUR), manifest({}, "HN-2"))
    island.receive(traveller([OTHER], "T-2", key_id="key-HN-2"))
    island.reconcile()
    assert "HN-2" in next(each.explanation for each in last(island, "T-2").findings if each.code == "P01")


def test_a_ticket_that_comes_late_lets_a_traveller_go(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1"}))
    island.receive(traveller([OTHER]))
    island.reconcile()
    assert "P01" in found(island, "T-1")
    island.enter(manifest({ONE: "s-1", OTHER: "s-2"}), at=NOON + MINUTE)
    island.reconcile(NOON + MINUTE)
    assert "P01" not in found(island, "T-1")


def test_one_document_boards_once(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1"}))
    island.receive(traveller([ONE], "T-1"), traveller([ONE], "T-2", at=NOON + 10 * MINUTE))
    island.reconcile(NOON + HOUR)
    assert ["P05" in found(island, each) for each in ("T-1", "T-2")] == [False, True]


def test_days_of_stay_are_counted_over_all_sailings_of_a_traveller(island: Island) -> None:
    day = 24 * HOUR
    island.enter(
        sailing("HN-0", departure=NOON - 10 * day), manifest({TWO: "s-1"}, "HN-0"), sailing(), manifest({ONE: "s-1"})
    )
    island.receive(traveller([TWO], "T-0", at=NOON - 10 * day, direction=DIRECTION_INBOUND), at=NOON - 10 * day)
    island.receive(traveller([ONE], "T-1"))
    island.reconcile()
    [stay] = [each for each in last(island, "T-1").findings if each.code == "P08"]
    assert "full-days 9" in stay.explanation


@pytest.mark.parametrize(("heard", "fires"), [([MMSI], False), ([99_999_999], True), ([], False)])
def test_ais_says_whether_the_ship_of_a_sailing_is_here(island: Island, heard: list[int], fires: bool) -> None:
    island.enter(sailing())
    island.declare(a_declaration(sailing="HN-1", departure=NOON + HOUR // 2))
    island.bring(*(vessel(NOON - 5 * MINUTE, each) for each in heard), vessel(NOON - 9 * HOUR))
    island.receive(passage())
    island.reconcile()
    assert found(island) == (["S01"] if fires else [])


def test_a_sailing_that_is_cancelled_judges_its_vehicles_again(island: Island) -> None:
    island.enter(sailing())
    island.declare(a_declaration(sailing="HN-1", departure=NOON + HOUR // 2))
    island.receive(passage())
    island.reconcile()
    island.enter(sailing(cancelled=True))
    island.reconcile(NOON + MINUTE)
    assert sorted(found(island)) == ["K02", "S01"]
