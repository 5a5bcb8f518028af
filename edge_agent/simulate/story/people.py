"""Travellers that are told: what needs photographs, or two boardings that lie apart in time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from edge_agent.simulate.story import readings
from edge_agent.simulate.story.judging import Due
from gate_contract.v1.passage_pb2 import Passage

APART = timedelta(minutes=10)


def people_told(now: datetime, of_each: int) -> list[tuple[Passage, Due | None]]:
    """Passages with the verdict due; None where another passage is the one that is judged."""
    told: list[tuple[Passage, Due | None]] = []
    for number in range(of_each):
        told.append(_face(f"told-face-{number}", "another face than the document's", "P02", 0.41, "live", now))
        told.append(
            _face(f"told-mask-{number}", "a picture before the camera", "P02 P03", 0.97, "attack suspected", now)
        )
        told += _twice(f"told-twice-{number}", bytes([200 + number]) * 32, now)
    return told


def _face(name: str, injected: str, codes: str, score: float, liveness: str, now: datetime) -> tuple[Passage, Due]:
    """A face check as a gate records it; there are no photographs in the repository to hold before a camera."""
    message = readings.passage(name, "told-walk", "passenger", "outbound", now)
    message.readings.append(readings.face(now, score, liveness=liveness))
    return message, Due(name, injected, frozenset(codes.split()), "REVIEW")


def _twice(name: str, pseudonym: bytes, now: datetime) -> list[tuple[Passage, Due | None]]:
    """One document goes out twice within minutes; nobody sold it a ticket, either."""
    first = readings.passage(f"{name}-first", "told-walk", "passenger", "outbound", now - APART)
    first.readings.append(readings.document(now - APART, pseudonym))
    second = readings.passage(name, "told-walk", "passenger", "outbound", now)
    second.readings.append(readings.document(now, pseudonym))
    due = Due(name, "one document twice", frozenset({"P01", "P05"}), "REVIEW")
    return [(first, None), (second, due)]
