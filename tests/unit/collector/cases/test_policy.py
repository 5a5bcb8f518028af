from __future__ import annotations

from pathlib import Path

import pytest

from collector.cases.policy import HOUR, CasePolicy
from collector.config import load_config
from collector.errors import ConfigError

BASE = 'deployment = "d.example"\nstate_dir = "state"\n'


def test_a_severity_out_of_bounds_counts_as_the_nearest() -> None:
    policy = CasePolicy()
    assert [policy.span_ns(severity) // HOUR for severity in range(6)] == [168, 168, 72, 24, 4, 4]


def test_cases_and_draws_are_configured_in_tables_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(f'{BASE}[cases]\nseverity_4_hours = 2\n[draws]\nauthority = "border"\n', encoding="utf-8")
    config = load_config(file)
    assert (config.cases.severity_4_hours, config.cases.levels) == (2, 3)
    assert (config.draws.authority, config.draws.keep_days) == ("border", 7)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[cases]\nlevles = 2\n", r"cases\.levles: unknown key; did you mean levels\?"),
        ("[cases]\nlevels = 9\n", r"cases\.levels: input should be less than or equal to 5, not 9"),
        ("[draws]\nkeep_day = 3\n", r"draws\.keep_day: unknown key; did you mean keep_days\?"),
        ("[draws]\nkeep_days = 1\n", r"draws\.keep_days: input should be greater than or equal to 2, not 1"),
    ],
)
def test_a_wrong_key_or_number_is_named_with_the_likely_fix(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(BASE + text, encoding="utf-8")
    with pytest.raises(ConfigError, match=why):
        load_config(file)
