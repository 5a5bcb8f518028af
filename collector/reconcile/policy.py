"""The policy in force at this collector."""

from __future__ import annotations

from pathlib import Path

from collector.errors import ConfigError
from gate_contract.rules import Policy, PolicyError


def load_policy(policy_file: Path | None) -> Policy:
    """Tolerances from the file; the rule book's defaults without one.

    Raises:
        ConfigError: it cannot be read or is wrong; names the file, the keys and their bounds.
    """
    if policy_file is None:
        return Policy.default()
    try:
        return Policy.from_toml(policy_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the policy file {policy_file} cannot be read",
            cause=str(error),
            fix="correct policy_file in the configuration, or leave it out to use the defaults",
        ) from None
    except PolicyError as error:
        raise ConfigError(f"{policy_file}", cause=str(error)) from None
