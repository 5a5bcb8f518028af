"""What an audit finds, gathered: the first problems in full, all of them counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError

from collector.errors import StoreError

MOST_KEPT = 100
"""Problems told in full; beyond that they are counted."""

_SHOWN = 80
_SHOWN_BYTES = 32

Columns: TypeAlias = Mapping[str, Any] | RowMapping


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit: `where` names the record or row, `what` says why."""

    where: str
    what: str


@dataclass(slots=True)
class Problems:
    """All that was found, and how far the audit has come."""

    on_progress: Callable[[int], None] = lambda _checked: None
    kept: list[Problem] = field(default_factory=list)
    count: int = 0
    checked: int = 0

    def add(self, where: str, what: str) -> None:
        """Something does not fit."""
        self.count += 1
        if len(self.kept) < MOST_KEPT:
            self.kept.append(Problem(where, what))

    def progress(self, checked: int) -> None:
        """So many more records, entries or rows were checked."""
        self.checked += checked
        self.on_progress(self.checked)

    def compare(self, where: str, source: str, row: Columns, expected: Mapping[str, Any]) -> None:
        """Each column of `expected` must stand in the row so; `source` is where the expectation is from."""
        for name, value in expected.items():
            if row[name] == value:
                continue
            if isinstance(value, bytes) and len(value) > _SHOWN_BYTES:
                self.add(where, f"column {name} is not what {source} says")
            else:
                self.add(where, f"column {name} is {_shown(row[name])}; {source} says {_shown(value)}")

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """What cannot be read is a problem with a name; the audit goes on with the next part."""
        try:
            yield
        except DBAPIError as error:
            self.add(what, f"cannot be read any further: {error.orig}")
        except (AttributeError, TypeError, ValueError) as error:
            # SQLite lets any type into any column; what works with it then raises these.
            self.add(what, f"cannot be read any further: a column holds what does not belong there ({error})")
        except StoreError as error:
            self.add(what, str(error))


def _shown(value: object) -> str:
    """A value in a sentence, cut to a readable length; bytes in hexadecimal."""
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
