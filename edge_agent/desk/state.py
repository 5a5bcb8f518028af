"""What the desk of one lane keeps: the passages that stand there, and those that were released lately. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gate_contract.acts import OpenedAct
from gate_contract.holds import Standing, stand
from gate_contract.v1.decision_pb2 import Decision

MOST_STOPPED = 32
"""Passages of one lane that wait for an officer; of more the oldest is forgotten here, and told."""

MOST_RELEASED = 16
"""Released passages of one lane that are remembered: a revision comes within a minute or two."""

MOST_ACTS = 64
"""Acts that count for one passage."""

MOST_WAITING = 8
"""Acts for one passage whose officers this gate does not know yet."""

MOST_EARLIER = 4
"""Earlier decisions that are remembered for one passage: an officer knew what stood then."""


class Opening(Enum):
    """Whether those who open for a released passage were told."""

    NOT = "not"
    """Not told: it is not released, or it does not stand at the barrier any more."""
    TOLD = "told"
    """Told, or about to be: it is remembered before."""
    DONE = "done"
    """Told, and they have it."""
    UNSURE = "unsure"
    """The agent ended in between: nobody is told twice, a person looks."""


@dataclass(frozen=True, slots=True)
class Looks:
    """By what the person in front recognises a passage.

    Attributes:
        plates: as read, in full.
        containers: their numbers as read.
        documents: kind and issuing state, e.g. "TD3 CHN"; a number is nowhere.
    """

    plates: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A decision on one revision of a passage. `gone`: it went back the way it came, nothing stands there any more."""

    passage_id: str
    revision: int
    since_unix_ns: int
    looks: Looks
    decision: Decision
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """One passage.

    Attributes:
        revision: the latest that was decided.
        since_unix_ns: when it came, nanoseconds since 1970-01-01T00:00:00Z.
        decision: on that revision.
        earlier: decisions before it, oldest first; of their findings what tells them apart.
        acts: those that count, in the order in which they were recorded, each with its bytes.
        waiting: SignedActs that are recorded and count as soon as their officer is known.
        released: whether nothing stops it.
        gone: it went back the way it came; remembered so that nothing opens for it.
        causes: of the releases that were told, "decision" or "act <id>": none is told twice.
    """

    passage_id: str
    revision: int
    since_unix_ns: int
    looks: Looks
    decision: Decision
    earlier: tuple[Decision, ...] = ()
    acts: tuple[tuple[bytes, OpenedAct], ...] = ()
    waiting: tuple[bytes, ...] = ()
    released: bool = False
    gone: bool = False
    causes: tuple[str, ...] = ()
    opening: Opening = Opening.NOT

    @property
    def standing(self) -> Standing:
        """What still stands of the decision after the acts."""
        return stand(self.decision, [opened for _, opened in self.acts], self.earlier)


@dataclass(frozen=True, slots=True)
class LaneDesk:
    """One lane. `kept` in the order in which they came; `last` names the last decision that was taken in."""

    lane_id: str
    kept: tuple[Kept, ...] = ()
    last: tuple[str, int] | None = None

    def find(self, passage_id: str) -> Kept | None:
        """A passage that is kept."""
        return next((each for each in self.kept if each.passage_id == passage_id), None)

    @property
    def stopped(self) -> tuple[Kept, ...]:
        """Those that wait for an officer, oldest first."""
        return tuple(each for each in self.kept if not (each.released or each.gone))


@dataclass(frozen=True, slots=True)
class Release:
    """To be told once to those who open: the passage may go. `cause`: "decision" or "act <id>"."""

    lane_id: str
    passage_id: str
    revision: int
    cause: str


@dataclass(frozen=True, slots=True)
class Stop:
    """To be told to those who open: the passage may not go (any more). Telling it twice changes nothing."""

    lane_id: str
    passage_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of a lane, and what is to be told once that is durable. `forgotten`: dropped while still stopped."""

    lane: LaneDesk
    releases: tuple[Release, ...] = ()
    stops: tuple[Stop, ...] = ()
    forgotten: tuple[str, ...] = ()
