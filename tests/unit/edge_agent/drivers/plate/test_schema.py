"""What a plate profile may say, and what whoever writes another thing is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.errors import ConfigError
from edge_agent.profiles import load_profile

GOOD = """
[device]
maker = "M"
models = ["x"]
source = "its manual"

[link]
mode = "poll"
path = "/plates?after={cursor}"

[plate]
paths = ["a/plate"]

[[confidence]]
paths = ["sure"]
scale = "percent"

[names]
cursor = ["id"]
"""


def load(directory: Path, text: str) -> PlateProfile:
    (directory / "plate").mkdir(exist_ok=True)
    (directory / "plate/mine.toml").write_text(text, encoding="utf-8")
    return load_profile("plate/mine", directory, of=PlateProfile)


def test_a_profile_of_an_installers_own_is_loaded(tmp_path: Path) -> None:
    profile = load(tmp_path, GOOD)
    assert profile.name == "plate/mine"
    assert profile.link.auth == ("digest",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[plate]", "[plait]", ["plait", "Did you mean 'plate'?"]),
        ('paths = ["a/plate"]', 'path = ["a/plate"]', ["plate.path", "Did you mean 'paths'?"]),
        ("a/plate", "a//plate", ["plate.paths", "no step of a path"]),
        ('scale = "percent"', 'scale = "per cent"', ["confidence", "scale", "percent"]),
        ('mode = "poll"', 'mode = "push"', ["link", "remove path"]),
        ('path = "/plates?after={cursor}"', "", ["link", "path is missing"]),
        ('mode = "poll"', 'mode = "stream"', ["link", "only a poll has a cursor"]),
        ('cursor = ["id"]', "", ["names.cursor is missing"]),
        ('maker = "M"\n', "", ["device.maker", "is missing"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_key_and_fix(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    text = str(caught.value)
    assert "plate/mine.toml" in text
    for part in told:
        assert part in text
