"""The site's own tolerances: for as long as the collector sent none."""

from __future__ import annotations

from pathlib import Path

from edge_agent.errors import ConfigError
from gate_contract.rules import Policy, PolicyError


def load_policy(path: Path | None) -> Policy:
    """The policy file, or the rule book's defaults; ConfigError names what is wrong."""
    if path is None:
        return Policy.default()
    try:
        return Policy.from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PolicyError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        fix = "correct the file, or remove the key"
        raise ConfigError(f"the policy file {path} cannot be used", cause=cause or "", fix=fix) from error
