from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from collector.cli import cli
from gate_contract.rules import RULE_BOOK_HASH, RULES, Policy


def run(directory: Path, *arguments: str, policy: str = "") -> str:
    config = directory / "collector.toml"
    lines = ['deployment = "test.example"', 'hostnames = ["127.0.0.1"]', 'state_dir = "state"']
    if policy:
        (directory / "policy.toml").write_text(policy)
        lines.append('policy_file = "policy.toml"')
    config.write_text("\n".join(lines))
    done = CliRunner().invoke(cli, ["rules", *arguments, "--config", str(config)])
    assert done.exit_code == 0, done.output
    return done.stdout


def ask(directory: Path, *arguments: str, policy: str = "") -> Any:
    return json.loads(run(directory, *arguments, "--json", policy=policy))


def test_the_book_is_listed_with_its_hash_before_anything_was_ever_judged(tmp_path: Path) -> None:
    listed = ask(tmp_path, "list")
    assert (listed["rule_book"], listed["policy"]) == (RULE_BOOK_HASH, Policy.default().hash)
    assert [each["code"] for each in listed["rules"]] == [rule.code for rule in RULES]
    shown = run(tmp_path, "list")
    assert "plate is not the booked one" in shown
    assert RULE_BOOK_HASH in shown


def test_a_rule_is_explained_with_what_it_needs_and_the_tolerances_in_force(tmp_path: Path) -> None:
    told = ask(tmp_path, "explain", "w01", policy="[W01]\nmost_kilograms = 750")
    assert (told["code"], told["action"], told["greatest_severity"]) == ("W01", "inspect", 3)
    assert "beyond the tolerance" in told["meaning"]
    assert {"key": "W01.most_kilograms", "value": "750", "bounds": "50 to 5000"} in told["tolerances"]
    shown = run(tmp_path, "explain", "W01")
    assert "W01.most_kilograms = 1000" in shown
    assert "asked only where one trip is surely matched" in shown


@pytest.mark.parametrize(
    ("code", "decided"),
    [
        ("W01", "at the gate, and again at the collector"),
        ("V04", "at the collector"),
        ("K05", "at the gate"),
        ("D06", "at the gate by what passed there, and again at the collector by what passed at every gate"),
    ],
)
def test_a_rule_says_where_it_is_decided(tmp_path: Path, code: str, decided: str) -> None:
    assert ask(tmp_path, "explain", code)["decided"] == decided
    assert f"decided {decided}" in " ".join(run(tmp_path, "explain", code).split())


def test_every_rule_says_what_it_means(tmp_path: Path) -> None:
    for rule in RULES:
        assert ask(tmp_path, "explain", rule.code)["meaning"].startswith(f"{rule.code}: ")
        assert "\N{REPLACEMENT CHARACTER}" not in run(tmp_path, "explain", rule.code)


def test_a_rule_that_goes_by_another_table_of_the_policy_shows_it(tmp_path: Path) -> None:
    told = ask(tmp_path, "explain", "R01", policy="[release]\nwarned_of_ten_thousand = 3000")
    assert {"key": "release.warned_of_ten_thousand", "value": "3000", "bounds": "0 to 10000"} in told["tolerances"]
    assert [each["key"] for each in ask(tmp_path, "explain", "V01")["tolerances"]][:3] == [
        "V01.match_within",
        "V01.few_bookings",
        "booking.departure_window_hours",
    ]


def test_every_table_of_the_policy_is_some_rules(tmp_path: Path) -> None:
    told = {each["key"].split(".")[0] for rule in RULES for each in ask(tmp_path, "explain", rule.code)["tolerances"]}
    assert told == set(Policy.model_fields)


def test_the_page_of_the_documentation_is_the_book_as_it_is() -> None:
    """When this fails: `gate-collector rules page > docs/rule-book.md`."""
    done = CliRunner().invoke(cli, ["rules", "page"])
    assert done.exit_code == 0, done.output
    assert (Path(__file__).parents[4] / "docs" / "rule-book.md").read_text(encoding="utf-8") == done.stdout


def test_the_page_tells_of_every_rule_what_it_means_whose_it_is_and_its_tolerances() -> None:
    page = CliRunner().invoke(cli, ["rules", "page"]).stdout
    for rule in RULES:
        assert f"| [{rule.code}](#{rule.code.lower()}) | {rule.title} |" in page
        assert f"\n## {rule.code}\n\n" in page
    assert "| 4 | hold | the order's |" in page
    assert "| `W01.most_kilograms` | 1000 | 50 to 5000 |" in page
