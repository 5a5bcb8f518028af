from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from gate_contract.rules import Policy, PolicyError, default_policy_text


def test_the_shipped_file_says_what_the_code_defaults_to() -> None:
    assert Policy.default() == Policy() == Policy.from_toml("")


def test_the_shipped_file_names_every_tolerance() -> None:
    text = default_policy_text()
    for section, values in Policy().model_dump().items():
        assert f"[{section}]" in text
        assert all(f"\n{key} = " in text or f"\n[{section}.{key}]\n" in text for key in values)


def test_a_policy_file_changes_what_it_names_and_nothing_else() -> None:
    policy = Policy.from_toml("[W01]\nshare_of_declared_percent = 2.5\n")
    assert policy.W01.share_of_declared_percent == Decimal("2.5")
    assert policy.model_copy(update={"W01": Policy().W01}) == Policy()


def test_the_hash_is_of_the_values_not_of_their_spelling() -> None:
    spelled = "# a comment\nD01 = { grace_hours = 24 }\n[W01]\nmost_kilograms = 1_000.00\nperson_kilograms=75.0"
    assert Policy.from_toml(spelled).hash == Policy.default().hash
    assert Policy.from_toml("[W01]\nperson_kilograms = 80").hash != Policy.default().hash
    assert len(Policy.default().hash) == 64


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[W01]\nshare_of_declared_percent = 50", ["W01.share_of_declared_percent = 50", "from 0.1 to 20"]),
        ("[W01]\nshare_of_declared_percent = 0.09", ["W01.share_of_declared_percent = 0.09", "from 0.1 to 20"]),
        ("[W01]\nmost_kilograms = 49", ["W01.most_kilograms = 49", "from 50 to 5000"]),
        ('[W01]\nmost_kilograms = "1000"', ["W01.most_kilograms", "must be a number, without quotes"]),
        ("[W01]\nmost_kilograms = true", ["W01.most_kilograms", "must be a number"]),
        ("[W01]\nmost_kilograms = inf", ["W01.most_kilograms", "from 50 to 5000"]),
        ("[W01]\nmost_kilograms = nan", ["W01.most_kilograms", "from 50 to 5000"]),
        ("[W01]\nmost_kilograms = 99.0001", ["W01.most_kilograms", "decimal places"]),
        ("[V01]\nmatch_within = 3", ["V01.match_within = 3", "from 1 to 2"]),
        ("[V01]\nmatch_within = 1.0", ["V01.match_within", "from 1 to 2"]),
        ("[V01]\nmatch_withing = 1", ["V01.match_withing is unknown", "did you mean match_within?"]),
        ("[V01]\nzzz = 1", ["V01.zzz is unknown", "known here: match_within, few_bookings"]),
        ("[W33]\nx = 1", ["W33 is unknown", "known here: booking, release, V01"]),
        ("[W02]\ntwo_axle_kilograms = 1", ["W02.two_axle_kilograms is unknown", "did you mean two_axles_kilograms?"]),
        (
            "[X01.chapters]\nfish = 3",
            ["X01.chapters.fish", "write each class with its HS chapters", "textiles = [61, 62]"],
        ),
        ("[X01.chapters]\nfish = [100]", ["X01.chapters.fish", "1 to 99"]),
        ("W01 = 5", ["W01 = 5 is no table", "write [W01]"]),
        ("[W01]\nmost_kilograms = = 5", ["no TOML", "line 2"]),
        ("[W01]\nmost_kilograms = 1e9999999999999999999", ["no TOML"]),
    ],
)
def test_a_wrong_policy_names_the_key_the_bound_and_the_fix(text: str, words: list[str]) -> None:
    with pytest.raises(PolicyError) as raised:
        Policy.from_toml(text)
    for word in words:
        assert word in str(raised.value)


def test_every_fault_of_a_policy_is_named_at_once() -> None:
    with pytest.raises(PolicyError, match=r"W01\.most_kilograms.*D01\.grace_hours"):
        Policy.from_toml("[W01]\nmost_kilograms = 0\n[D01]\ngrace_hours = 0")


@pytest.mark.parametrize(
    ("section", "key", "low", "high"),
    [
        ("booking", "departure_window_hours", 1, 168),
        ("booking", "lodged_before_hours", 1, 2160),
        ("booking", "lodged_after_hours", 1, 168),
        ("V01", "match_within", 1, 2),
        ("V01", "few_bookings", 0, 1000),
        ("W01", "most_kilograms", 50, 5000),
        ("W01", "person_kilograms", 50, 150),
        ("W01", "tare_uncertainty_kilograms", 0, 500),
        ("W01", "fuel_uncertainty_kilograms", 0, 500),
        ("V04", "shortest_travel_minutes", 1, 1440),
        ("V05", "same_visit_minutes", 0, 120),
        ("V05", "lanes_in_series_minutes", 0, 720),
        ("P01", "ask_without_manifest", 0, 1),
        ("C05", "times_uncertainty", 1, 6),
        ("W02", "two_axles_kilograms", 10_000, 60_000),
        ("W02", "three_axles_kilograms", 10_000, 60_000),
        ("W02", "four_axles_kilograms", 10_000, 60_000),
        ("W02", "five_axles_kilograms", 10_000, 60_000),
        ("W02", "six_axles_kilograms", 10_000, 60_000),
        ("W05", "most_kilograms", 50, 5000),
        ("X01", "least_confidence_percent", 0, 100),
        ("P02", "tries", 1, 10),
        ("P07", "heads_allowed", 0, 50),
        ("P08", "full_days", 0, 1),
        ("P08", "both_ends", 0, 1),
        ("P08", "midnights", 0, 1),
        ("D01", "grace_hours", 1, 720),
        ("M01", "least_yuan", 0, 1_000_000),
        ("S01", "here_before_departure_minutes", 0, 1440),
        ("K01", "noted_seconds", 1, 60),
        ("K05", "most_hours", 1, 168),
        ("release", "good_of_ten_thousand", 0, 10_000),
        ("release", "warned_of_ten_thousand", 0, 10_000),
        ("release", "dishonest_of_ten_thousand", 0, 10_000),
        ("release", "unknown_of_ten_thousand", 0, 10_000),
    ],
)
def test_both_ends_of_the_bounds_are_allowed_and_nothing_beyond(section: str, key: str, low: int, high: int) -> None:
    for value in (low, high):
        assert Policy.from_toml(f"[{section}]\n{key} = {value}").model_dump()[section][key] == value
    for value in (low - 1, high + 1):
        with pytest.raises(PolicyError, match=f"{section}.{key} = {value} is wrong"):
            Policy.from_toml(f"[{section}]\n{key} = {value}")


def test_a_site_that_lists_the_classes_of_its_scanner_lists_all_of_them() -> None:
    policy = Policy.from_toml('[X01.chapters]\n"冷冻肉" = [2]\nleer = []')
    assert policy.X01.chapters == {"冷冻肉": (2,), "leer": ()}
    assert policy.hash != Policy.default().hash


def test_a_policy_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Policy.default().W01.most_kilograms = Decimal(9)
