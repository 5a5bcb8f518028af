"""[cases] of the configuration: deadlines, escalation, and what an outcome does to credit."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
GRAVEST = 4

Hours = Annotated[int, Field(strict=True, ge=1, le=720)]
Days = Annotated[int, Field(strict=True, ge=30, le=1095)]


class CasePolicy(BaseModel):
    """[cases].

    Attributes:
        severity_1_hours: until when a case of notes must be decided, hours after it was opened; the next three alike.
            The same span again goes by between two levels of escalation.
        severity_2_hours: see above.
        severity_3_hours: see above.
        severity_4_hours: see above.
        levels: how often a case is escalated at most; beyond, it stays overdue.
        errors: so many errors within `within_days` make the class one worse.
        within_days: see `errors`.
        clean_days: after so long without an error or violation a released passage makes the class one better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity_1_hours: Hours = 168
    severity_2_hours: Hours = 72
    severity_3_hours: Hours = 24
    severity_4_hours: Hours = 4
    levels: Annotated[int, Field(strict=True, ge=1, le=5)] = 3
    errors: Annotated[int, Field(strict=True, ge=2, le=10)] = 2
    within_days: Days = 365
    clean_days: Days = 365

    def span_ns(self, severity: int) -> int:
        """How long a case of this severity may take, nanoseconds; a severity out of bounds counts as the nearest."""
        hours = (self.severity_1_hours, self.severity_2_hours, self.severity_3_hours, self.severity_4_hours)
        return hours[min(max(severity, 1), GRAVEST) - 1] * HOUR
