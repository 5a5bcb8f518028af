"""The site file with everything that it names: profiles, their variants, the policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_agent.app.agent import load_policy
from edge_agent.config import ScaleTable, SiteError, SiteFile, load_site
from edge_agent.drivers.scale.driver import ScaleDriver
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.profiles import load_profile


def load_usable_site(path: Path) -> SiteFile:
    """The site file, if the agent can run with it; SiteError names every key that keeps it from that."""
    site = load_site(path)
    if problems := list(_problems(site)):
        raise SiteError(path, problems)
    return site


def _problems(site: SiteFile) -> Iterator[str]:
    for scale in site.scale:
        yield from _scale_problems(scale)
    try:
        load_policy(site.agent.policy)
    except ConfigError as error:
        yield f"agent, policy: {error}"


def _scale_problems(scale: ScaleTable) -> Iterator[str]:
    key = f'scale "{scale.id}", '
    try:
        profile = load_profile(scale.profile)
    except EdgeAgentError as error:
        yield f"{key}profile: {error}"
        return
    try:
        ScaleDriver(profile, variant=scale.variant)
    except EdgeAgentError as error:
        yield f"{key}variant: {error}"
    try:
        ScaleDriver(profile, unit=scale.unit)
    except EdgeAgentError as error:
        yield f"{key}unit: {error}"
