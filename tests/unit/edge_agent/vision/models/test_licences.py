import pytest

from edge_agent.vision.models.licences import refusal


@pytest.mark.parametrize("spdx", ["MIT", "Apache-2.0", "CC0-1.0", "BSD-3-Clause AND MIT"])
def test_a_permissive_licence_needs_no_statement(spdx: str) -> None:
    assert not refusal(spdx, None)


@pytest.mark.parametrize(
    "spdx", ["CC-BY-NC-4.0", "AGPL-3.0-only", "LicenseRef-InsightFace", "unknown", "", "MIT OR me"]
)
def test_any_other_licence_is_refused_by_name(spdx: str) -> None:
    assert spdx in refusal(spdx, None)
    assert "agreement" in refusal(spdx, None)


def test_what_is_refused_is_only_the_part_that_forbids() -> None:
    assert "MIT" not in refusal("MIT AND CC-BY-NC-4.0", None)


def test_the_operators_statement_answers_for_it_when_it_names_an_agreement() -> None:
    assert not refusal("CC-BY-NC-4.0", "Agreement 2026-117 with the makers, until 2028-12-31")
    assert "names no agreement" in refusal("CC-BY-NC-4.0", "yes")
