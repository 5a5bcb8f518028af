"""[retention] in the collector's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.config import load_config
from collector.config_retention import DAY_NS, RetentionConfig
from collector.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "collector.toml"
    path.write_text(f'deployment = "d.example"\nstate_dir = "s"\n{text}', encoding="utf-8")
    return path


def test_terms_are_days_from_what_they_begin_with(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")).retention == RetentionConfig()
    told = load_config(
        written(tmp_path, "[retention]\ntravellers_days = 30\npseudonyms_days = 2\nfaces_days = 9\ncases_days = 365\n")
    ).retention
    ends = (told.travellers_until(5), told.pseudonyms_until(5), told.faces_until(5), told.cases_until(5))
    assert ends == (30 * DAY_NS + 5, 2 * DAY_NS + 5, 9 * DAY_NS + 5, 365 * DAY_NS + 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("travellers_days = 0", "retention.travellers_days: input should be greater than or equal to 1, not 0"),
        ("pseudonyms_days = 91", "retention.pseudonyms_days: input should be less than or equal to 90, not 91"),
        ("cases_days = 3651", "retention.cases_days: input should be less than or equal to 3650, not 3651"),
        ('cases_days = "5"', "retention.cases_days: input should be a valid integer"),
        ("case_days = 5", "retention.case_days: unknown key; did you mean cases_days"),
    ],
)
def test_a_wrong_term_is_named_with_its_bound(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(written(tmp_path, f"[retention]\n{text}\n"))
