"""[metrics] in the site file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import SiteError, load_site

SITE = """\
site = "xiuying"
{}
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


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE.format(text), encoding="utf-8")
    return path


def test_metrics_are_served_nowhere_unless_it_is_said_where(tmp_path: Path) -> None:
    assert load_site(written(tmp_path, "")).metrics.listen is None
    said = load_site(written(tmp_path, '[metrics]\nlisten = "127.0.0.1:9464"'))
    assert said.metrics.listen == "127.0.0.1:9464"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[metrics]\nlisten = "gate-1:9464"', "metrics, listen: 'gate-1:9464' is no address to listen on"),
        ('[metrics]\nlisen = "127.0.0.1:9464"', "metrics, lisen: there is no such key; did you mean 'listen'"),
        ("[[metrics]]", "metrics: is a table of its own, once"),
    ],
)
def test_a_wrong_key_or_address_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SiteError) as told:
        load_site(written(tmp_path, text))
    assert words in str(told.value)
