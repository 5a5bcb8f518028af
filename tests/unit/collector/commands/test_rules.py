from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def test_every_rule_says_what_it_means(tmp_path: Path) -> None:
    for rule in RULES:
        assert ask(tmp_path, "explain", rule.code)["meaning"].startswith(f"{rule.code}: ")
