"""[metrics] in the collector's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.config import load_config
from collector.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "collector.toml"
    path.write_text(f'deployment = "d.example"\nstate_dir = "s"\n{text}', encoding="utf-8")
    return path


def test_metrics_are_served_nowhere_unless_it_is_said_where(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")).metrics.listen is None
    said = load_config(written(tmp_path, '[metrics]\nlisten = "127.0.0.1:9465"\n'))
    assert said.metrics.listen == "127.0.0.1:9465"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[metrics]\nlisten = "9465"\n', "metrics.listen: '9465' is no address"),
        ('[metrics]\nlisen = "127.0.0.1:9465"\n', "metrics.lisen: unknown key; did you mean listen"),
    ],
)
def test_a_wrong_key_or_address_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(written(tmp_path, text))
