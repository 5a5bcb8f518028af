"""[collector] of the site file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import SiteError, load_site

SITE = """
site = "xiuying"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:8080"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]

"""


def written(tmp_path: Path, table: str) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE + table, encoding="utf-8")
    return path


def test_without_it_a_backlog_is_not_held_back(tmp_path: Path) -> None:
    assert load_site(written(tmp_path, "")).collector.max_records_per_s is None


def test_a_backlogs_rate_can_be_bounded(tmp_path: Path) -> None:
    assert load_site(written(tmp_path, "[collector]\nmax_records_per_s = 2000\n")).collector.max_records_per_s == 2000


@pytest.mark.parametrize("value", ["0", "-1", "1.5", '"2000"', "1000001"])
def test_what_is_no_rate_is_refused_by_the_key(tmp_path: Path, value: str) -> None:
    with pytest.raises(SiteError, match="max_records_per_s"):
        load_site(written(tmp_path, f"[collector]\nmax_records_per_s = {value}\n"))
