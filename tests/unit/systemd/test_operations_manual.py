"""What docs/operations.md tells an installer to type is there and is accepted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector.config import load_config
from edge_agent.config import load_site
from edge_agent.profiles import profile_names

REPOSITORY = Path(__file__).resolve().parents[3]
MANUAL = (REPOSITORY / "docs" / "operations.md").read_text()
UNITS = {path.name: path.read_text() for path in (REPOSITORY / "systemd").glob("*.service")}


def example(path: str) -> str:
    """The TOML that is to be written to a path."""
    (text,) = re.findall(rf"```toml\n# {re.escape(path)}\n(.*?)```", MANUAL, re.DOTALL)
    assert isinstance(text, str)
    return text


def test_the_collectors_example_is_a_configuration_that_fits_its_unit(tmp_path: Path) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(example("/etc/tidegate/collector.toml"))
    assert load_config(file).state_dir == Path("/var/lib/tidegate-collector")
    assert "StateDirectory=tidegate-collector\n" in UNITS["gate-collector.service"]


def test_the_gates_example_is_a_site_file_with_profiles_that_are_shipped(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(example("/etc/tidegate/site.toml"))
    site = load_site(file)
    assert str(site.agent.state_dir) == "/var/lib/tidegate-edge"
    assert {scale.profile for scale in site.scale} <= set(profile_names())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"(?<![\w/])(?:systemd|requirements)/[\w./-]*\w", MANUAL))))
def test_every_file_of_a_release_that_is_named_is_there(name: str) -> None:
    for role in ("edge", "collector"):
        assert (REPOSITORY / name.replace("$ROLE", role)).exists()


def test_everything_in_systemd_is_installed_by_the_manual() -> None:
    files = [path.relative_to(REPOSITORY) for path in (REPOSITORY / "systemd").rglob("*") if path.is_file()]
    assert files
    assert [str(file) for file in files if str(file) not in MANUAL] == []


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/status.md", "firmware_configs/images/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    path = REPOSITORY / page
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        file, _, heading = target.partition("#")
        page_meant = path.parent / file if file else path
        assert page_meant.exists(), target
        if heading:
            assert heading in {slug(line) for line in page_meant.read_text().splitlines() if line.startswith("#")}, (
                target
            )


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and GitLab make it."""
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").lower()).replace(" ", "-")
