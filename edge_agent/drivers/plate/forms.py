"""Documents of a form that was seen before, understood by one regular expression. Pure.

A camera sends the same few documents all its life: only their values differ. The second of a form is taken apart
(`leaves`) and read once more with marks in place of its values; the marks that come out as fields say which values
those are. From then on one match of a regular expression gives what reading would, ten to twenty times faster.

A form is exact: the same names, the same order, the same fields empty, the same values where the profile's paths depend
on one (`Object[ObjectType=Plate]`). Whatever differs, be it broken, is of no known form and read in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from edge_agent.drivers.plate.documents import whole_text
from edge_agent.drivers.plate.fields import FieldFinder, Fields
from edge_agent.drivers.plate.leaves import Leaf, is_odd, pieces, unescaped
from edge_agent.drivers.plate.parts import Document, Form
from edge_agent.drivers.plate.tree import TreeError

MAX_FORMS = 64  # a camera has about ten
MAX_ALIKE = 4  # that look alike at first sight
MAX_PIECES = 800  # of a form; each value costs about 0.1 ms to learn
MAX_CHARS = 64 * 1024
AT_ONCE, ONE_IN = 16, 32
"""Forms that are learned at once; then one in so many documents of no known form: ever new ones cost little more."""

_FIRST_SIGHT: Mapping[Form, str] = {"xml": "<", "json": '"', "dahua": '"', "pairs": "\n", "word": "\n"}
"""What no value holds, so that all documents of a form have as many."""

_MARK = "\ue000%d\ue001"

_Sight = tuple[Form, int]
_Found = tuple[Fields | None, ...]


class _Event(NamedTuple):
    """Where an event's fields are among a match's groups and the form's constants."""

    texts: Callable[[tuple[str, ...]], Any]
    pictures: tuple[tuple[int, int], ...]
    marked: bool
    root: str


class _Known(NamedTuple):
    """A form."""

    form: Form
    pattern: re.Pattern[str]
    constants: tuple[str, ...]
    events: tuple[_Event, ...]

    def read(self, text: str) -> _Found | None:
        """None when the document is of another form."""
        if (match := self.pattern.fullmatch(text)) is None:
            return None
        values = match.groups()
        if ("&" if self.form == "xml" else "\\") in text:
            values = tuple([unescaped(self.form, value) for value in values])
            if any(not value or value != value.strip() for value in values):
                return None
        values += self.constants
        found = []
        for texts, pictures, marked, root in self.events:
            shown = tuple([(number, values[at]) for number, at in pictures]) if pictures else ()
            found.append(Fields(texts(values), shown, marked, root))
        return tuple(found)


class Forms:
    """The fields of documents, as its finder finds them; it learns as they come."""

    def __init__(self, finder: FieldFinder) -> None:
        self._finder = finder
        self._known: dict[_Sight, tuple[_Known, ...]] = {}
        self._met: dict[_Sight, int] = {}
        self._unknown = self._learned = 0

    def find(self, document: Document) -> _Found:
        """See FieldFinder."""
        text = whole_text(document)
        if text is None or is_odd(document.form, text):
            return self._finder.find(document)
        sight = document.form, text.count(_FIRST_SIGHT[document.form])
        for known in self._known.get(sight, ()):
            if (found := known.read(text)) is not None:
                return found
        found = self._finder.find(document)
        self._meet(sight, text, found)
        return found

    def _meet(self, sight: _Sight, text: str, found: _Found) -> None:
        """A document of no known form: the second, fourth, eighth … of those that look alike is learned from."""
        self._unknown += 1
        times = self._met.get(sight, 0) + 1
        if len(self._met) >= MAX_FORMS:
            self._met = {}
        self._met[sight] = times
        may_learn = self._learned < AT_ONCE + self._unknown // ONE_IN
        if times == 1 or times & (times - 1) or not may_learn:
            return
        self._learned += 1
        known = _learned(self._finder, sight[0], text)
        if known is not None and known.read(text) == found:  # else it is not as plain as it seemed
            others = self._known.get(sight, ())[: MAX_ALIKE - 1]
            if len(self._known) >= MAX_FORMS:
                self._known = {}
            self._known[sight] = (known, *others)


def _learned(finder: FieldFinder, form: Form, text: str) -> _Known | None:
    parts = pieces(form, text, finder.conditions) if len(text) <= MAX_CHARS else None
    if parts is None or len(parts) > MAX_PIECES:
        return None
    numbered = list(enumerate(parts))
    marked = "".join(part if isinstance(part, str) else part.pattern.quoted(_MARK % at) for at, part in numbered)
    try:
        found = finder.find(Document(form, marked.encode()))
    except TreeError:
        return None
    events = [each for each in found if each is not None]
    told = {text for each in events for text in (*each.texts, *(text for _, text in each.pictures))}
    taken = [at for at, part in numbered if isinstance(part, Leaf) and _MARK % at in told]
    constants = tuple(told - {_MARK % at for at in taken})
    places = {text: at for at, text in enumerate((*(_MARK % at for at in taken), *constants))}
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else f"({part.pattern.taken})" if at in taken else part.pattern.left
        for at, part in numbered
    )
    return _Known(form, re.compile(pattern), constants, tuple(_event(each, places) for each in events))


def _event(fields: Fields, places: Mapping[str, int]) -> _Event:
    return _Event(
        itemgetter(*(places[text] for text in fields.texts)),
        tuple((number, places[text]) for number, text in fields.pictures),
        fields.marked,
        fields.root,
    )
