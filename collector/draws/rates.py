"""The rule book's policy that a draw rests on: its rates. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gate_contract.rules import Policy, PolicyError


def policy_of(texts: Mapping[str, str], site_id: str, otherwise: Policy) -> Policy:
    """The policy in force at a site: its own, else that of all sites, else `otherwise`. `texts` are the register's."""
    return next(filter(None, (_parsed(texts.get(key, "")) for key in (site_id, ""))), otherwise)


@lru_cache(maxsize=16)
def _parsed(text: str) -> Policy | None:
    try:
        return Policy.from_toml(text) if text else None
    except PolicyError:
        return None  # of a later release: what this one cannot read, it cannot go by
