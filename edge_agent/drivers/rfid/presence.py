"""Tags that are there: reports in, each tag's arrival once out. Pure; time is an argument."""

from __future__ import annotations

from edge_agent.model.lane_readings import TagSeen
from edge_agent.model.moment import Moment

MOST_TAGS = 4096
"""Tags remembered; beyond it the one that was seen longest ago counts as gone."""


class TagPresence:
    """A tag has arrived when it was not seen for `gone_after_s`; antennas are not told apart."""

    def __init__(self, gone_after_s: float) -> None:
        self._gone_after_s = gone_after_s
        self._seen: dict[str, Moment] = {}

    def arrived(self, tag: TagSeen, now: Moment) -> bool:
        """Whether this report is a tag's first of its presence."""
        last = self._seen.pop(tag.epc, None)
        self._seen[tag.epc] = now  # at the end: the dict is in order of last sight
        if len(self._seen) > MOST_TAGS:
            del self._seen[next(iter(self._seen))]
        return last is None or now.seconds_since(last) >= self._gone_after_s
