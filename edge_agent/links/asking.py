"""Who is asked next on a line whose devices answer: one question at a time, each device in its turn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.model.moment import Moment


@dataclass(frozen=True, slots=True)
class Question:
    """Bytes that make a device answer, and how often.

    Attributes:
        device_id: whom it asks.
        data: as sent.
        interval_s: from one sending to the next, at least.
        timeout_s: how long to wait for the answer before the next question may go out.
    """

    device_id: str
    data: bytes
    interval_s: float
    timeout_s: float


class Rounds:
    """The questions of one line. Two answers can never meet on it: the next question waits for the answer or its time.

    Not thread-safe.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        """In this order at first, then whichever waited longest beyond its interval."""
        self._questions = list(questions)
        self._asked: dict[int, Moment] = {}
        self._open: int | None = None

    def due(self, now: Moment) -> bytes | None:
        """What to send now; None while an answer is awaited or nothing is due."""
        question = self.due_question(now)
        return None if question is None else question.data

    def due_question(self, now: Moment) -> Question | None:
        """The same, and whom it asks."""
        if self._open is not None:
            waited = now.seconds_since(self._asked[self._open])
            if waited < self._questions[self._open].timeout_s:
                return None
            self._open = None
        waiting = [(self._overdue(number, now), -number) for number in range(len(self._questions))]
        overdue, number = max(waiting, default=(-1.0, 0))
        if overdue < 0:
            return None
        self._open = -number
        self._asked[-number] = now
        return self._questions[-number]

    def answered(self, device_id: str) -> None:
        """A frame of this device came."""
        if self._open is not None and self._questions[self._open].device_id == device_id:
            self._open = None

    def _overdue(self, number: int, now: Moment) -> float:
        """Seconds beyond its interval; what was never asked comes first."""
        asked = self._asked.get(number)
        return float("inf") if asked is None else now.seconds_since(asked) - self._questions[number].interval_s
