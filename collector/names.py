"""Names that a person gives and several parts must agree on."""

from __future__ import annotations

import re

SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
"""A site, as invitations and declarations name it."""

SITE_ID_RULE = "use 1 to 63 letters, digits, dots, hyphens and underscores"
"""What to tell who wrote something else."""
