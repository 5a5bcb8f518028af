"""The page of the other devices is made from their profiles."""

from __future__ import annotations

from pathlib import Path

from edge_agent.drivers.others.__main__ import KINDS, shipped
from edge_agent.drivers.others.page import page
from edge_agent.profiles import KINDS as PROFILE_KINDS

REPOSITORY = Path(__file__).resolve().parents[5]


def test_the_page_is_what_the_profiles_say() -> None:
    written = (REPOSITORY / "docs" / "devices" / "others.md").read_text(encoding="utf-8")

    assert page(shipped()) == written, "run: python -m edge_agent.drivers.others > docs/devices/others.md"


def test_every_kind_of_profile_has_a_page() -> None:
    assert set(KINDS) | {"scale", "plate"} == set(PROFILE_KINDS)


def test_every_profile_has_a_capture_of_its_own() -> None:
    captures = REPOSITORY / "tests" / "captures"
    assert [each.name for each in shipped() if not (captures / each.name / "expected.jsonl").is_file()] == []
