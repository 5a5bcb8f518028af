"""The agent's one error base. Vendor errors are translated where they enter."""

from __future__ import annotations


class EdgeAgentError(Exception):
    """Something a person can act on: what, why, and what to do next.

    `str()` is one paragraph ready for a terminal.
    """

    def __init__(self, what: str, *, cause: str = "", fix: str = "") -> None:
        """What went wrong, its cause and the next step; each one sentence without a full stop at the end."""
        self.what, self.cause, self.fix = what, cause, fix
        super().__init__(". ".join(part for part in (what, cause, fix) if part))


class ConfigError(EdgeAgentError):
    """A site file or device profile is wrong; names the file and the key."""


class LinkError(EdgeAgentError):
    """A transport to a device failed; the supervisor opens it again."""


class JournalError(EdgeAgentError):
    """The journal could not do what was asked; nothing that was acknowledged is affected."""


class EvidenceLostError(JournalError):
    """A blob of evidence is gone or is not what it was; trying again does not help."""


class UplinkError(EdgeAgentError):
    """The collector could not be reached or refused us."""
