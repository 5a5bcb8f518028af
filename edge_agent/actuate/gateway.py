"""One lane's gateway: (state, what happened) -> (new state, commands, outcomes). Pure.

How a release goes:

* A **release** opens once, told however often: the gate's decision on a passage is one release in all its revisions,
  and each act of an officer is one. Who did not drive in time can be released anew by a person; nobody is who passed.
* It is **used up** when somebody has been in the gateway and has left it, or when nobody came in time. Then the gateway
  is shut, and what was seen of it is told.
* A release that comes while another is under way **waits** for it: the barrier stays up between the two.
* A **stop** that reaches a passage before it has gone through takes its release back. The barrier never comes down
  while somebody is seen in the gateway.
* **Trouble** (start, stop, a device that is lost) tells every actuator its fail-safe word and ends the release under
  way; those that wait go on when it is known that nobody is in the gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from edge_agent.actuate.settings import Actuator, LaneActuators
from edge_agent.actuate.words import KEEP, LET_THROUGH, SHUT, Word
from edge_agent.model.moment import Moment

REMEMBERED = 64
"""Releases that were opened for, and passages that passed; a passage is revised within minutes."""

MOST_WAITING = 4
"""Releases behind the one under way; more vehicles do not fit before a gateway."""

FRESH_S = 60.0
"""Who waited longer ago before a restart may have gone: a person looks, and releases whoever stands there."""

RESTARTED = "not known: the agent was restarted"


@dataclass(frozen=True, slots=True)
class Release:
    """A passage may go through. `cause` as `Actuation.cause`: "decision", or "act" and its id."""

    passage_id: str
    revision: int
    cause: str

    @property
    def key(self) -> str:
        """The same for the same release."""
        return f"{self.passage_id} {self.cause}"


@dataclass(frozen=True, slots=True)
class Stop:
    """A passage may not go through (any more)."""

    passage_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The gateway's input changed: somebody is in it, or nobody."""

    occupied: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """Nobody can be let through in order; `reason` as in `Actuation.cause` after "fail-safe".

    `blind`: whether somebody is in the gateway is not known until its input is heard again.
    """

    reason: str
    blind: bool = False


Happening = Release | Stop | Seen | Trouble


@dataclass(frozen=True, slots=True)
class Opening:
    """A release under way.

    Attributes:
        opening_id: names the command in its records.
        since: when it was commanded.
        entered: somebody has been seen in the gateway.
    """

    opening_id: str
    release: Release
    since: Moment
    entered: bool = False


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What a gateway remembers.

    Attributes:
        opening: the release under way.
        waiting: releases behind it, in order.
        used: keys of releases that were opened for, the newest last.
        passed: passages that went through, the newest last.
        occupied: somebody is in the gateway.
        must_shut: shut it as soon as nobody is.
    """

    opening: Opening | None = None
    waiting: tuple[Release, ...] = ()
    used: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    occupied: bool = False
    must_shut: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """An actuator is told a word, for a passage or ("") for none."""

    actuation_id: str
    actuator: Actuator
    word: Word
    passage_id: str
    revision: int
    cause: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen of an opening; `seen` when, None when nothing was."""

    opening: Opening
    text: str
    seen: Moment | None


@dataclass(frozen=True, slots=True)
class Step:
    """What one happening gives. `unreleased`: somebody entered the gateway whom nothing had let through."""

    state: GatewayState
    commands: tuple[Command, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    unreleased: bool = False


class Gateway:
    """The steps of one lane's gateway. Holds no state itself: the state goes in and comes out."""

    def __init__(self, lane: LaneActuators, new_id: Callable[[], str]) -> None:
        """`new_id` names commands; no two names may be equal, ever."""
        self._lane, self._new_id = lane, new_id

    def advance(self, state: GatewayState, happening: Happening | None, now: Moment) -> Step:
        """One happening, or (None) the passing of time up to `now`."""
        match happening:
            case Release():
                return self._release(state, happening, now)
            case Stop():
                return self._stop(state, happening)
            case Seen():
                return self._seen(state, happening.occupied, now)
            case Trouble():
                return self._trouble(state, happening)
            case None:
                return self._tick(state, now)

    def resumed(self, state: GatewayState, now: Moment) -> Step:
        """After a restart: what became of the release under way is not known, so it is not given again.

        Nor is it known who stands under the barrier, until the gateway's input is heard. Who waited behind goes on if
        that was just now; later nobody knows who stands there.
        """
        outcomes = () if state.opening is None else (Outcome(state.opening, RESTARTED, None),)
        just_now = state.opening is not None and now.seconds_since(state.opening.since) <= FRESH_S
        left = replace(state, opening=None, waiting=state.waiting if just_now else ())
        step = self._trouble(left, Trouble("the agent was started", blind=True))
        return replace(step, outcomes=outcomes)

    def _release(self, state: GatewayState, release: Release, now: Moment) -> Step:
        under_way = [state.opening.release] if state.opening is not None else []
        known = {each.passage_id for each in (*under_way, *state.waiting)}
        if release.key in state.used or release.passage_id in known or release.passage_id in state.passed:
            return Step(state)
        if state.opening is None:
            return self._open(state, release, now)
        if len(state.waiting) == MOST_WAITING:
            return Step(state)  # nobody can stand there for it; a person can still release whoever it was
        return Step(replace(state, waiting=(*state.waiting, release)))

    def _open(self, state: GatewayState, release: Release, now: Moment) -> Step:
        opening = Opening(self._new_id(), release, now, entered=False)
        used = (*state.used, release.key)[-REMEMBERED:]
        told = self._tell(LET_THROUGH, release.passage_id, release.revision, release.cause, opening.opening_id)
        return Step(replace(state, opening=opening, used=used, must_shut=False), told)

    def _stop(self, state: GatewayState, stop: Stop) -> Step:
        waiting = tuple(each for each in state.waiting if each.passage_id != stop.passage_id)
        state = replace(state, waiting=waiting)
        opening = state.opening
        if opening is None:
            return Step(state, self._tell(KEEP, stop.passage_id, stop.revision, "decision"))
        if opening.release.passage_id != stop.passage_id or opening.entered:
            return Step(state)  # the one before goes first; and who is in the gateway already is a person's affair
        outcome = Outcome(opening, "taken back before anybody passed", None)
        shut = self._shut(replace(state, opening=None), stop.passage_id, stop.revision, "decision")
        return replace(shut, outcomes=(outcome,))

    def _seen(self, state: GatewayState, occupied: bool, now: Moment) -> Step:
        if occupied == state.occupied:
            return Step(state)
        state, opening = replace(state, occupied=occupied), state.opening
        if occupied:
            if opening is None:
                return Step(state, unreleased=True)
            return Step(replace(state, opening=replace(opening, entered=True)))
        if opening is None or not opening.entered:
            return self._shut(state, "", 0, "departed") if state.must_shut else Step(state)
        state = replace(state, passed=(*state.passed, opening.release.passage_id)[-REMEMBERED:])
        return self._over(state, Outcome(opening, "passed", now), "departed", now)

    def _tick(self, state: GatewayState, now: Moment) -> Step:
        opening, lane = state.opening, self._lane
        if opening is None and state.waiting and not state.occupied:
            return self._open(replace(state, waiting=state.waiting[1:]), state.waiting[0], now)
        if opening is None or opening.entered or now.seconds_since(opening.since) < lane.pass_within_s:
            return Step(state)
        text = f"not passed within {lane.pass_within_s:g} s" if lane.watches else ""
        return self._over(state, Outcome(opening, text, None), "departed", now)

    def _over(self, state: GatewayState, outcome: Outcome, cause: str, now: Moment) -> Step:
        """The release under way is used up: the next one, or shut."""
        state, release = replace(state, opening=None), outcome.opening.release
        if state.waiting:
            begun = self._open(replace(state, waiting=state.waiting[1:]), state.waiting[0], now)
            return replace(begun, outcomes=(outcome,))
        return replace(self._shut(state, release.passage_id, release.revision, cause), outcomes=(outcome,))

    def _shut(self, state: GatewayState, passage_id: str, revision: int, cause: str) -> Step:
        """Barrier down, unless somebody is under it; lamps and displays at once."""
        words = KEEP if state.occupied else SHUT
        told = self._tell(words, passage_id, revision, cause)
        return Step(replace(state, must_shut=state.occupied), told)

    def _trouble(self, state: GatewayState, trouble: Trouble) -> Step:
        outcomes = () if state.opening is None else (Outcome(state.opening, f"not known: {trouble.reason}", None),)
        occupied = state.occupied or (trouble.blind and self._lane.watches)
        commands: list[Command] = []
        must_shut = False
        for actuator in self._lane.actuators:
            if actuator.fail_safe is Word.CLOSE and occupied:
                must_shut = True  # never onto somebody
            elif actuator.fail_safe is not None:
                cause = f"fail-safe {trouble.reason}"
                commands.append(Command(self._new_id(), actuator, actuator.fail_safe, "", 0, cause))
        left = replace(state, opening=None, occupied=occupied, must_shut=must_shut)
        return Step(left, tuple(commands), outcomes)

    def _tell(
        self, words: Iterable[Word], passage_id: str, revision: int, cause: str, opening_id: str = ""
    ) -> tuple[Command, ...]:
        """A command for each actuator that understands one of the words; the barrier's has the opening's name."""
        wanted = tuple(words)
        found = []
        # A lamp that does not answer must not keep a barrier from opening, nor invite under one that is not open yet.
        order = self._lane.actuators if Word.OPEN not in wanted else tuple(reversed(self._lane.actuators))
        for actuator in order:
            for word in wanted:
                if word in actuator.outputs:
                    name = opening_id if word is Word.OPEN and opening_id else self._new_id()
                    found.append(Command(name, actuator, word, passage_id, revision, cause))
        return tuple(found)
