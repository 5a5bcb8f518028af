"""The collector's one error base. Vendor errors are translated where they enter."""

from __future__ import annotations


class CollectorError(Exception):
    """Something a person can act on: what, why, and what to do next.

    `str()` is one paragraph ready for a terminal.
    """

    def __init__(self, what: str, *, cause: str = "", fix: str = "") -> None:
        """What went wrong, its cause and the next step; each one sentence without a full stop at the end."""
        self.what, self.cause, self.fix = what, cause, fix
        super().__init__(". ".join(part for part in (what, cause, fix) if part))


class ConfigError(CollectorError):
    """The configuration or policy file is wrong; names the file and the key."""


class StoreError(CollectorError):
    """The database could not do what was asked; nothing was half done."""


class StoreDownError(StoreError):
    """The database can do nothing for anybody now: full disk, locked, away, stalled."""


class EnrolmentError(CollectorError):
    """An invitation, certificate or key is not acceptable."""
