"""Who runs a command, for the ledger: what is entered by hand names somebody who can be asked."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

LOGIN_UID: Final = Path("/proc/self/loginuid")
"""Who logged in, whatever user they became since (sudo, su): the kernel keeps it; see proc(5), pam_loginuid(8)."""

_NOBODY: Final = 2**32 - 1


def who(officer_id: str = "") -> str:
    """E.g. "user tidegate, logged in as wang, officer C-17"; `officer_id` is whom --as named."""
    user = os.getuid()
    login = _login(LOGIN_UID)
    parts = [f"user {_name(user)}"]
    if login is not None and login != user:
        parts.append(f"logged in as {_name(login)}")
    if officer_id:
        parts.append(f"officer {officer_id}")
    return ", ".join(parts)


def _login(path: Path) -> int | None:
    try:
        found = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # a kernel without it, or a container
    return None if found == _NOBODY else found


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"id {user}"
