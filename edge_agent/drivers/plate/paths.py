"""Where a profile says that a field stands: `ANPR/licensePlate`, `//plateNo`, `Object[ObjectType=Plate]/Text`. Pure.

A path is steps joined by "/". A step is a name, in any case, or "*" for any; in brackets, a child or attribute ("@…")
and the text it must have (see `like`; no text: it is empty or not there), or the position in a list, from 0. A path
that begins with "//" and a name is looked for everywhere below. One that begins with brackets is for an event that says
so ("#root" is the root's name). What stands several times is tried in its order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from edge_agent.drivers.plate.tree import Tree, Value, text_of

_IN = r"\[(?P<key>[@#]?[\w.-]+)=(?P<text>[^\]]*)\]"
_STEP = re.compile(rf"(?P<name>\*|[@#]?[\w.-]+)(?:{_IN}|\[(?P<index>\d{{1,3}})\])?")
_EVENT = re.compile(_IN)


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    key: str
    fits: Callable[[str], bool]
    index: int | None


class Path:
    """One path, compiled; ValueError when the text is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        event = _EVENT.match(text)
        self._start = event[0] if event else ""
        self._event = None if event is None else _Step("", event["key"].lower(), like(event["text"]), None)
        text = text.removeprefix(self._start)
        self._anywhere = text.startswith("//")
        self._steps = tuple(_step(part, self.text) for part in text.removeprefix("//").split("/"))
        if self._anywhere and self._steps[0].name == "*":
            raise ValueError(f"{text!r} is no step of a path; anything anywhere is everything")
        # Nearly all paths are names only: they take no generator a step.
        plain = not (self._anywhere or self._event) and all(
            step.name != "*" and not step.key and step.index is None for step in self._steps
        )
        self._names = tuple(step.name for step in self._steps) if plain else None

    @property
    def anywhere(self) -> str:
        """The name that a path which is looked for everywhere begins with; "" for any other path."""
        return self._steps[0].name if self._anywhere else ""

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of a path that is names only; None for any other."""
        return self._names

    @property
    def steps(self) -> tuple[Path, ...]:
        """Its steps, each a path."""
        first, *others = self.text.removeprefix(self._start).removeprefix("//").split("/")
        return (Path(self._start + first), *map(Path, others))

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of the children and attributes whose texts decide where it leads."""
        steps = (*self._steps, self._event) if self._event else self._steps
        return tuple(step.key for step in steps if step.key)

    def values(self, place: Place) -> Iterator[Value]:
        """What stands there in the place's own tree, in order; a list's items one by one."""
        if self._event is not None and not _says(place.trees[0], self._event):
            return
        if self._anywhere:
            for holder in place.holders(self._steps[0].name):
                yield from _follow(holder, self._steps, 0)
        else:
            yield from _follow(place.trees[0], self._steps, 0)

    def first_text(self, place: Place) -> Value:
        """The first leaf with text, in the place's own tree and then around it; None when there is none.

        A path that is looked for everywhere, or only in such an event, is not looked for around it: there are its
        neighbours, too.
        """
        if self._anywhere or self._event is not None:
            return next((value for value in self.values(place) if text_of(value)), None)
        for tree in place.trees:
            found = self._plain(tree) if self._names is not None else _follow(tree, self._steps, 0)
            for value in found:
                if text_of(value):
                    return value
        return None

    def _plain(self, tree: Tree) -> Iterable[Value]:
        here: Value = tree
        for number, name in enumerate(self._names or ()):
            if not isinstance(here, dict):
                return _follow(here, self._steps, number)
            here = here.get(name)
            if here is None:
                return ()
        return here if isinstance(here, list) else (here,)


class Place:
    """An event's own tree and what is around it, the nearest first."""

    def __init__(self, *trees: Tree) -> None:
        self.trees = trees
        self._holders: defaultdict[str, list[Tree]] | None = None

    def holders(self, name: str) -> list[Tree]:
        """All trees in the event's own one (itself first, what is nearer to it before the rest) that have this name."""
        if self._holders is None:
            self._holders = defaultdict(list)
            level: list[Value] = [self.trees[0]]
            while level:
                level = [each for value in level for each in self._note(value)]
        return self._holders.get(name, [])

    def _note(self, value: Value) -> Iterable[Value]:
        if isinstance(value, dict) and self._holders is not None:
            for name in value:
                self._holders[name].append(value)
            return value.values()
        return value if isinstance(value, list) else ()


def first_text(paths: tuple[Path, ...], place: Place) -> Value:
    """The first leaf with text, None when there is none; paths go before places."""
    for path in paths:
        if (value := path.first_text(place)) is not None:
            return value
    return None


class TextAt:
    """The first text at one of some paths, as `first_text`, several times faster where dictionaries lead to it.

    Most fields stand where a path of names leads, a dictionary a step; whatever else is met is left to the path itself.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._ways = tuple((path.names, path.anywhere, path) for path in map(Path, paths))

    def __call__(self, place: Place) -> str:
        """Without spaces around it, "" for none."""
        for names, anywhere, path in self._ways:
            if anywhere and not place.holders(anywhere):
                continue
            text = None if names is None else _named(names, place.trees)
            if text is None:
                text = text_of(path.first_text(place))
            if text:
                return text
        return ""


def _named(names: tuple[str, ...], trees: tuple[Tree, ...]) -> str | None:
    """The first text there; "" for none, None where more than dictionaries and texts are on the way."""
    for tree in trees:
        here: Value = tree
        for name in names:
            if not isinstance(here, dict):
                return None
            here = here.get(name)
            if here is None:
                break
        if isinstance(here, str):
            if text := here.strip():
                return text
        elif here is not None:
            return None
    return ""


def is_there(paths: tuple[Path, ...], place: Place) -> bool:
    """Whether anything stands at one of the paths, be it empty."""
    return any(True for path in paths for _ in path.values(place))


def _step(part: str, whole: str) -> _Step:
    match = _STEP.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} in {whole!r} is no step of a path; write names joined by '/'")
    index = match["index"]
    key, fits = (match["key"] or "").lower(), like(match["text"] or "")
    return _Step(match["name"].lower(), key, fits, None if index is None else int(index))


def _follow(value: Value, steps: tuple[_Step, ...], at: int) -> Iterator[Value]:
    if at == len(steps):
        yield from value if isinstance(value, list) else (() if value is None else (value,))
    elif isinstance(value, list):
        for each in value:
            yield from _follow(each, steps, at)
    elif isinstance(value, dict):
        for found in _taken(value, steps[at]):
            yield from _follow(found, steps, at + 1)


def _taken(tree: Tree, step: _Step) -> Iterator[Value]:
    """What one step leads to."""
    found = list(tree.values()) if step.name == "*" else [tree.get(step.name)]
    for value in found:
        items = value if isinstance(value, list) else [value]
        if step.index is not None:
            yield from items[step.index : step.index + 1]
        elif step.key:
            yield from (each for each in items if isinstance(each, dict) and _says(each, step))
        else:
            yield value


def _says(tree: Tree, step: _Step) -> bool:
    return step.fits(text_of(tree.get(step.key)))


def like(pattern: str) -> Callable[[str], bool]:
    """Is a text this, in any case? A "*" at either end of the pattern stands for anything."""
    wanted = pattern.lower().strip("*")
    match pattern.startswith("*"), pattern.endswith("*"):
        case True, True:
            return lambda text: wanted in text.lower()
        case True, False:
            return lambda text: text.lower().endswith(wanted)
        case False, True:
            return lambda text: text.lower().startswith(wanted)
        case _:
            return lambda text: text.lower() == wanted
