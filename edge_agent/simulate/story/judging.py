"""The told and the travellers against what was injected: who was caught, and who was stopped for nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

NOTES = frozenset({"P08", "K01"})
"""Codes that only tell something: they stand beside any verdict and stop nobody."""


@dataclass(frozen=True, slots=True)
class Due:
    """The verdict due on one subject.

    Attributes:
        subject: passage, declaration or sailing id.
        injected: what was injected, in words; "clean" for nothing.
        codes: of all rules that must fire.
        action: that must be asked for, e.g. "HOLD".
    """

    subject: str
    injected: str
    codes: frozenset[str]
    action: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the collector says of one subject."""

    codes: frozenset[str]
    action: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the confusion table: all subjects with one thing injected.

    `caught`: every code due fired and the action is the one due. `others`: codes that nobody injected, with how often.
    """

    injected: str
    codes: tuple[str, ...]
    action: str
    subjects: int
    caught: int
    others: tuple[str, ...]
    missed: tuple[str, ...]


def confusion(due: Iterable[Due], found: Mapping[str, Found]) -> list[Row]:
    """A row for each thing that was injected, in order of first appearance."""
    groups: dict[str, list[Due]] = {}
    for each in due:
        groups.setdefault(each.injected, []).append(each)
    return [_row(name, group, found) for name, group in groups.items()]


def is_right(due: Due, found: Found | None) -> bool:
    """Whether the verdict is the one due; notes may stand beside it."""
    if found is None:
        return False
    return found.codes - (NOTES - due.codes) == due.codes and found.action == due.action


def wrongly_stopped(due: Iterable[Due], found: Mapping[str, Found]) -> list[str]:
    """Clean subjects that were not simply released."""
    clean = (each for each in due if not each.codes and each.action == "RELEASE")
    return [each.subject for each in clean if found.get(each.subject, Found(frozenset(), "-")).action != "RELEASE"]


def _row(name: str, group: Sequence[Due], found: Mapping[str, Found]) -> Row:
    others: dict[str, int] = {}
    missed = []
    for each in group:
        seen = found.get(each.subject)
        for code in sorted((seen.codes if seen else frozenset()) - each.codes - NOTES):
            others[code] = others.get(code, 0) + 1
        if not is_right(each, seen):
            missed.append(each.subject)
    first = group[0]
    return Row(
        name,
        tuple(sorted(first.codes)),
        first.action,
        len(group),
        len(group) - len(missed),
        tuple(f"{code} x {count}" for code, count in sorted(others.items())),
        tuple(missed),
    )
