"""[draws] of the configuration: when seeds are published, how long gates keep what was drawn, who inspects."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class DrawPolicy(BaseModel):
    """[draws].

    Attributes:
        publish_after_hours: a day's seed is published so long after the day, hours: clocks may be corrected by less.
        keep_days: gates forget what was drawn for a declaration so long after its departure, days.
        authority: whose officers inspect declarations that are drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    publish_after_hours: Annotated[int, Field(strict=True, ge=1, le=72)] = 6
    keep_days: Annotated[int, Field(strict=True, ge=2, le=90)] = 7
    authority: Annotated[str, Field(min_length=1, max_length=64)] = "customs"
