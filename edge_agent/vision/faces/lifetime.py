"""How long one sailing's templates may live: within an hour of departure they are gone, whatever the clock says.

Pure: the time is an argument. Where the clocks disagree, the one that ends the life first is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import SECOND, Moment, WallNs

HOUR = 3600 * SECOND
AFTER_DEPARTURE = HOUR
"""The latest end: so long after the sailing's departure."""

LONGEST = 72 * HOUR
"""No gallery is made earlier than so long before departure: what is not there cannot be lost."""

UNTRUSTED = HOUR
"""The life of a gallery made while the clock was not synchronised. It was made before departure, so it ends in time."""


class LifetimeError(EdgeAgentError):
    """A gallery may not be made now: the sailing has departed, or departs too far ahead."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From when to when a gallery may live.

    Attributes:
        departure: of the sailing, as the declaration has it.
        made: when this machine made or received the gallery.
    """

    departure: WallNs
    made: Moment

    @classmethod
    def beginning(cls, departure: WallNs, now: Moment) -> Lifetime:
        """From now; LifetimeError when the sailing is over or too far ahead by this machine's clock."""
        life = cls(departure, now)
        if life.expired(now):
            raise LifetimeError(
                "this sailing's gallery is not taken",
                cause="by this machine's clock the sailing departed an hour or more ago",
                fix="Check the clock and the departure in the declaration",
            )
        if departure - now.wall > LONGEST:
            raise LifetimeError(
                "this sailing's gallery is not taken yet",
                cause=f"by this machine's clock it departs in more than {LONGEST // HOUR} hours",
                fix="Check the clock and the departure in the declaration, and send it later",
            )
        return life

    @property
    def nanoseconds(self) -> int:
        """From `made` to the latest end."""
        whole = self.departure + AFTER_DEPARTURE - self.made.wall
        return min(whole, LONGEST + AFTER_DEPARTURE) if self.made.synchronised else min(whole, UNTRUSTED)

    @property
    def ends(self) -> WallNs:
        """The latest end by the wall clock."""
        return WallNs(self.made.wall + self.nanoseconds)

    def expired(self, now: Moment) -> bool:
        """Whether everything of the gallery must be destroyed now.

        Within one boot the monotonic clock ends it too, so a wall clock that was set back keeps nothing longer. After a
        restart of the machine only a synchronised clock that is past `made` can say that there is time left.
        """
        if now.wall >= self.ends:
            return True
        if now.boot_id == self.made.boot_id:
            return now.mono - self.made.mono >= self.nanoseconds
        return not now.synchronised or now.wall < self.made.wall or now.mono >= self.nanoseconds
