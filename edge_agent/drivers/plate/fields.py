"""The texts that a profile's paths find in a document, of each of its events. What they mean is the reader's. Pure."""

from __future__ import annotations

from typing import NamedTuple

from edge_agent.drivers.plate.documents import entries, tree_of
from edge_agent.drivers.plate.parts import Document
from edge_agent.drivers.plate.paths import Path, Place, TextAt, is_there
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.drivers.plate.tree import TreeError, Value, text_of

MAX_EVENTS = 1_000  # of one document; a poll's longest answer has about 500


class Fields(NamedTuple):
    """What one event says, as written.

    Attributes:
        texts: "" for what is not there: type, state, plate, direction, lane, camera, channel, cursor, track and the
            track's state; then, as the profile has them, the confidences, each time and its clock, and the names.
        pictures: in Base64; and which of the profile's [[picture]] each is.
        marked: whether a place is there that only events about vehicles have.
        root: the name of the document's root, "" for none.
    """

    texts: tuple[str, ...]
    pictures: tuple[tuple[int, str], ...]
    marked: bool
    root: str


class FieldFinder:
    """Finds the fields of one profile."""

    def __init__(self, profile: PlateProfile) -> None:
        facts, names, track = profile.events, profile.names, profile.track
        self._answers = frozenset(name.lower() for name in facts.answers)
        self._lists = tuple(Path(text).steps for text in facts.lists)
        self._marks = tuple(Path(text) for text in facts.marks)
        self._pictures = tuple(Path(each.path) for each in profile.picture)
        paths = [
            facts.type,
            facts.state,
            profile.plate.paths,
            profile.direction.paths if profile.direction else (),
            profile.lane.paths if profile.lane else (),
            names.camera,
            names.channel,
            names.cursor,
            track.id if track else (),
            track.state if track else (),
            *(each.paths for each in profile.confidence),
            *(way for each in profile.time for way in (each.paths, each.clock)),
            *((each,) for each in names.event),
        ]
        self._texts = tuple(TextAt(each) for each in paths)
        everything = [
            *facts.lists,
            *facts.marks,
            *(each.path for each in profile.picture),
            *(p for ps in paths for p in ps),
        ]
        self.conditions = frozenset(key for text in everything for key in Path(text).conditions)

    def find(self, document: Document) -> tuple[Fields | None, ...]:
        """Of each event; None for one that is no tree. TreeError when the document is none."""
        value = tree_of(document)
        roots = value if isinstance(value, list) else [value]
        if not roots:
            raise TreeError("The document is an empty list")
        return tuple(found for root in roots[:MAX_EVENTS] for found in self._below(root))

    def _below(self, root: Value) -> list[Fields | None]:
        if not isinstance(root, dict):
            return [None]
        name = text_of(root.get("#root"))
        chains = [chain for steps in self._lists for chain in entries(root, steps)]
        if not chains and name.lower() not in self._answers:
            chains = [(root,)]
        return [self._of(Place(*chain), name) for chain in chains[:MAX_EVENTS]]

    def _of(self, place: Place, root: str) -> Fields:
        return Fields(
            texts=tuple([text_at(place) for text_at in self._texts]),
            pictures=tuple(
                (number, text_of(value)) for number, path in enumerate(self._pictures) for value in path.values(place)
            ),
            marked=is_there(self._marks, place),
            root=root,
        )
