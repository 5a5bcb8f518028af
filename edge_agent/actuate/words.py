"""What actuators are told, in one word each. Pure."""

from __future__ import annotations

from enum import Enum


class Word(Enum):
    """A command."""

    OPEN = "open"
    """Barrier: up."""
    CLOSE = "close"
    """Barrier: down."""
    GREEN = "green"
    """Lamp: drive."""
    RED = "red"
    """Lamp: stop."""
    GO = "go"
    """Display: drive on."""
    STOP = "stop"
    """Display: stop, somebody comes; or take the staffed lane."""
    OFF = "off"
    """Lamp or display: dark."""


LET_THROUGH = (Word.GREEN, Word.GO, Word.OPEN)
"""What a release tells, to those who understand it."""

KEEP = (Word.RED, Word.STOP)
"""What a stop tells."""

SHUT = (Word.RED, Word.STOP, Word.CLOSE)
"""What the end of a release tells."""
