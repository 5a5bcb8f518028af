"""A row's digest: for tables of which nothing is signed, so that the audit finds a row that was altered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256


def row_digest(columns: Mapping[str, object]) -> bytes:
    """SHA-256 over the columns (text, integers, hashes), all but the digest itself."""
    return sha256(json.dumps(dict(columns), sort_keys=True, default=bytes.hex).encode()).digest()
