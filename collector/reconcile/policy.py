"""The policy in force at this collector."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from collector.errors import ConfigError
from collector.registers.reading import latest
from gate_contract.rules import Policy, PolicyError
from gate_contract.v1 import register_pb2 as pb


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


def policy_then(connection: Connection, site_id: str, ledger_index: int, configured: Policy) -> Policy:
    """Tolerances at a site when the ledger had so many entries; `configured` where the register had none to use."""
    kept = latest(connection, pb.ITEM_KIND_POLICY, ["", site_id], before=ledger_index)
    for key in (site_id, ""):
        if (item := kept.get(key)) is not None:
            try:
                return Policy.from_toml(pb.PolicyText.FromString(item.body).toml)
            except PolicyError:
                continue  # of a release that knew other keys
    return configured
