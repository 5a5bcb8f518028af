"""One traveller before the camera: best shot over time, three tries, then the staffed lane. Pure: time is an argument.

    frame, nobody -> Wait (say this) | Compare (these pictures) | Finished
    compared -> Wait | Finished

A try begins with the first face and gathers good pictures for a moment; the best of them are compared. A try in which
no picture was good enough counts too. Nobody is refused: after the last try, or when nobody comes, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from edge_agent.model.moment import SECOND, MonoNs
from edge_agent.vision.faces.advice import HOLD_STILL, NO_FACE, STAFF, WELCOME, Advice
from edge_agent.vision.faces.check import Liveness, Outcome
from edge_agent.vision.faces.matching import Match
from edge_agent.vision.faces.quality import Quality

Picture = TypeVar("Picture")

MOST = 10
"""Tries, and pictures kept for one comparison, that a policy may ask for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Of one lane.

    Attributes:
        tries: before the staffed lane.
        gather_ns: good pictures are gathered so long after the first.
        try_ns: a try lasts at most so long.
        pause_ns: between tries, so that the traveller can do what they were told.
        patience_ns: without any face the session ends after so long.
        shots: best pictures kept for one comparison; bounds the memory.
        keep_picture: the lane's policy says that the best picture goes with the record. No by default.
    """

    tries: int = 3
    gather_ns: int = SECOND
    try_ns: int = 8 * SECOND
    pause_ns: int = SECOND
    patience_ns: int = 60 * SECOND
    shots: int = 3
    keep_picture: bool = False

    def __post_init__(self) -> None:
        """ValueError for a policy that could never end or never look."""
        if not 1 <= self.tries <= MOST or not 1 <= self.shots <= MOST:
            raise ValueError(f"tries and shots are 1 to {MOST}")
        if not 0 < self.gather_ns <= self.try_ns <= self.patience_ns or self.pause_ns < 0:
            raise ValueError("times are positive, gather at most try, try at most patience")


@dataclass(frozen=True, slots=True)
class Shot(Generic[Picture]):
    """A picture and how good the face in it is."""

    picture: Picture
    quality: Quality


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on with the next frame; tell the traveller this."""

    advice: Advice


@dataclass(frozen=True, slots=True)
class Compare(Generic[Picture]):
    """Compare these pictures of one face, best first, and say `compared`."""

    shots: tuple[Shot[Picture], ...]


@dataclass(frozen=True, slots=True)
class Finished(Generic[Picture]):
    """The check is over.

    Attributes:
        outcome: matched, or the staffed lane.
        reason: for the officer.
        reason_zh: the same in 简体中文.
        tries: that were made to their end.
        match: of the deciding comparison: the best one; None when nothing was compared.
        best: the picture of that comparison; None when there was none.
        liveness: what was found in that comparison.
        advice: what to tell the traveller.
    """

    outcome: Outcome
    reason: str
    reason_zh: str
    tries: int
    match: Match | None
    best: Shot[Picture] | None
    liveness: Liveness
    advice: Advice


@dataclass(frozen=True, slots=True)
class _Tried(Generic[Picture]):
    match: Match
    best: Shot[Picture]
    liveness: Liveness


Step = Wait | Compare[Picture] | Finished[Picture]


class FaceSession(Generic[Picture]):
    """The state machine; `frame` or `nobody` for each frame, `compared` after each Compare, until Finished.

    Keeps at most `policy.shots` pictures and the best of the last comparisons. ValueError when it is fed after its end,
    or when frames come while it waits for a comparison.
    """

    def __init__(self, policy: Policy, now: MonoNs) -> None:
        self._policy = policy
        self._tries = 0
        self._last_face = now
        self._pause_until = now
        self._began: MonoNs | None = None
        self._gather_until: MonoNs | None = None
        self._shots: list[Shot[Picture]] = []
        self._comparing: tuple[Shot[Picture], ...] | None = None
        self._best: _Tried[Picture] | None = None
        self._over = False

    @property
    def tries(self) -> int:
        """Tries that are over."""
        return self._tries

    def frame(self, picture: Picture, quality: Quality, now: MonoNs) -> Step[Picture]:
        """One frame with a face: the picture, and the quality of the largest face in it."""
        if self._resting(now):
            return Wait(HOLD_STILL)
        self._last_face = now
        if self._began is None:
            self._began = now
        if quality.ok:
            self._keep(Shot(picture, quality), now)
        return self._on(now, quality.advice or HOLD_STILL)

    def nobody(self, now: MonoNs) -> Step[Picture]:
        """One frame without a face."""
        if self._resting(now):
            return Wait(HOLD_STILL)
        if self._began is None and now - self._last_face >= self._policy.patience_ns:
            return self._staffed("no face was seen", "未检测到人脸")
        return self._on(now, NO_FACE)

    def compared(self, match: Match, liveness: Liveness, now: MonoNs) -> Step[Picture]:
        """The result of the comparison that was asked for."""
        self._alive()
        if self._comparing is None:
            raise ValueError("no comparison was asked for")
        tried = _Tried(match, self._comparing[0], liveness)
        self._comparing = None
        self._tries += 1
        if liveness is Liveness.ATTACK_SUSPECTED:
            self._best = tried
            return self._staffed("a presentation attack is suspected", "疑似照片或屏幕冒用")
        if match.same:
            self._best = tried
            return self._finished(Outcome.MATCHED, match.reason, "人脸比对一致", WELCOME)
        if self._best is None or (match.score or -1.0) > (self._best.match.score or -1.0):
            self._best = tried
        return self._next_try(now, tried.best.quality.advice or HOLD_STILL)

    def leave(self) -> Finished[Picture]:
        """The traveller has gone, or the lane closes: what there is becomes the record."""
        self._alive()
        return self._staffed("the check was not finished", "核验未完成")

    def _resting(self, now: MonoNs) -> bool:
        self._alive()
        if self._comparing is not None:
            raise ValueError("the session waits for a comparison")
        return now < self._pause_until

    def _on(self, now: MonoNs, advice: Advice) -> Step[Picture]:
        """Compare when enough was gathered; a try that is over without a good picture is lost."""
        gathered = self._gather_until is not None and now >= self._gather_until
        tried = self._began is not None and now - self._began >= self._policy.try_ns
        if self._shots and (gathered or tried):
            return self._compare()
        return self._try_lost(now, advice) if tried else Wait(advice)

    def _keep(self, shot: Shot[Picture], now: MonoNs) -> None:
        if self._gather_until is None:
            self._gather_until = MonoNs(now + self._policy.gather_ns)
        # stable: of two as good, the earlier stays
        self._shots = sorted([*self._shots, shot], key=lambda each: -each.quality.score)[: self._policy.shots]

    def _compare(self) -> Compare[Picture]:
        self._comparing, self._shots = tuple(self._shots), []
        self._began = self._gather_until = None
        return Compare(self._comparing)

    def _try_lost(self, now: MonoNs, advice: Advice) -> Step[Picture]:
        self._tries += 1
        return self._next_try(now, advice)

    def _next_try(self, now: MonoNs, advice: Advice) -> Step[Picture]:
        self._began = self._gather_until = None
        if self._tries < self._policy.tries:
            self._pause_until = MonoNs(now + self._policy.pause_ns)
            return Wait(advice)
        if self._best is None:
            return self._staffed("no picture was good enough to compare", "照片质量不足，无法比对")
        return self._staffed(self._best.match.reason, "人脸比对未达到阈值")

    def _staffed(self, reason: str, reason_zh: str) -> Finished[Picture]:
        return self._finished(Outcome.STAFFED_LANE, reason, reason_zh, STAFF)

    def _finished(self, outcome: Outcome, reason: str, reason_zh: str, advice: Advice) -> Finished[Picture]:
        self._over = True
        best, self._best, self._shots, self._comparing = self._best, None, [], None
        return Finished(
            outcome,
            reason,
            reason_zh,
            self._tries,
            best.match if best else None,
            best.best if best else None,
            best.liveness if best else Liveness.NOT_CHECKED,
            advice,
        )

    def _alive(self) -> None:
        if self._over:
            raise ValueError("this session is over")
