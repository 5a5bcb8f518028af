from pathlib import Path

from edge_agent.drivers.scale.page import page
from edge_agent.profiles import load_profile, profile_names

REPOSITORY = Path(__file__).resolve().parents[5]
PROFILES = [load_profile(name) for name in profile_names() if name.startswith("scale/")]


def test_the_page_of_scales_is_what_the_profiles_say() -> None:
    written = (REPOSITORY / "docs" / "devices" / "scales.md").read_text(encoding="utf-8")
    assert page(PROFILES) == written, "run: python -m edge_agent.drivers.scale > docs/devices/scales.md"


def test_every_profile_has_a_section_with_its_commands_and_its_source() -> None:
    text = page(PROFILES)
    for profile in PROFILES:
        section = text.partition(f"## {profile.name}\n")[2].partition("\n## ")[0]
        assert all(f"`{command.bytes}`" in section for command in profile.link.command)
        assert "Source: " in section
        assert all(f"`{variant.name}`" in section for variant in profile.frame.variant)
