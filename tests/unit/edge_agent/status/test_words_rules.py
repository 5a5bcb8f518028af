"""Every rule in Chinese."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from edge_agent.status.words_rules import EXPLANATIONS, explained
from gate_contract import rules
from gate_contract.holds import DETAINED, OVERRIDE
from gate_contract.rules import RULES


@pytest.mark.parametrize("code", [*(rule.code for rule in RULES), DETAINED, OVERRIDE])
def test_every_rule_of_the_book_is_explained_in_chinese(code: str) -> None:
    words = explained(code, {})
    assert any("\u4e00" <= character <= "\u9fff" for character in words)
    assert "{" not in words
    assert "|" not in words


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_what_the_rule_looked_at_is_named_where_it_is_known(code: str) -> None:
    names = [name for _, name, _, _ in Formatter().parse(EXPLANATIONS[code].partition("|")[2]) if name]
    shown = explained(code, {name: f"<{name}>" for name in names})
    assert all(f"<{name}>" in shown for name in names)
    assert explained(code, dict.fromkeys(names, "")) == explained(code, {})


def test_the_inputs_that_are_named_are_inputs_that_rules_have() -> None:
    source = "".join(each.read_text("utf-8") for each in Path(rules.__file__).parent.glob("*.py"))
    for code, words in EXPLANATIONS.items():
        for _, name, _, _ in Formatter().parse(words.partition("|")[2]):
            assert name is None or f'"{name}"' in source, (code, name)


def test_a_time_is_told_by_the_clock_on_the_wall() -> None:
    assert explained("V05", {"seen_before_utc": "2026-03-01T23:59:58Z"}).endswith("（上次 2026-03-02 07:59:58）")
    assert explained("V05", {"seen_before_utc": "not known"}).endswith("（上次 not known）")


def test_how_rules_say_nothing_is_chinese_too() -> None:
    assert explained("V01", {"plate_read": "missing", "plate_booked": "琼A12345"}).endswith(
        "（识别 未读到，预约 琼A12345）"
    )


def test_a_rule_that_only_a_newer_release_knows_is_left_to_its_english() -> None:
    assert explained("Z99", {}) == ""
