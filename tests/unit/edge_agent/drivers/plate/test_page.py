"""The page of plate cameras is what their profiles say."""

from __future__ import annotations

from pathlib import Path

from edge_agent.drivers.plate.page import page
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.profiles import load_profile, profile_names

REPOSITORY = Path(__file__).resolve().parents[5]
PROFILES = [load_profile(name, of=PlateProfile) for name in profile_names() if name.startswith("plate/")]


def test_the_page_of_plate_cameras_is_what_the_profiles_say() -> None:
    written = (REPOSITORY / "docs/devices/plate-cameras.md").read_text(encoding="utf-8")
    assert page(PROFILES) == written, "run: python -m edge_agent.drivers.plate > docs/devices/plate-cameras.md"


def test_every_profile_has_a_section_with_its_paths_and_its_source() -> None:
    text = page(PROFILES)
    for profile in PROFILES:
        section = text.partition(f"## {profile.name}\n")[2].partition("\n## ")[0]
        assert all(f"`{path}`" in section for path in profile.plate.paths)
        assert "Source: " in section
        assert f"(#{profile.name.replace('/', '')})" in text
