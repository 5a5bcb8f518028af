"""Eyes: each looks for one kind of thing in the pictures it is given, and keeps what went by. One thread each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

import structlog

from edge_agent.app.vision_keep import VideoKeeper
from edge_agent.app.vision_sightings import SightingRules, Sightings, TextRead, Told, overlap
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment
from edge_agent.vision.containers.number import ContainerRead
from edge_agent.vision.containers.reader import ContainerReader
from edge_agent.vision.containers.voting import vote as vote_container
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Task
from edge_agent.vision.plates.read import PlateRead
from edge_agent.vision.plates.read import vote as vote_plate
from edge_agent.vision.plates.reader import PlateReader

LOG = structlog.get_logger()

Shown = Callable[[str, Moment], None]
"""Is told what was read, for the status: text and when."""

PLATE_TASKS = (Task.PLATE_DETECTOR, Task.PLATE_READER, Task.TEXT_READER)
CONTAINER_TASKS = (Task.TEXT_DETECTOR, Task.TEXT_READER)
CONTAINER_RULES = SightingRules(enough=2, decide_s=4.0, patience_s=20.0, gone_s=3.0, again_s=60.0, edits=3)
"""A picture is read in about a second, so few reads must do; a container takes long to go by."""


class Eye(Protocol):
    """Looks for one kind of thing.

    Attributes:
        gated: it is only given pictures in which something moves.
    """

    gated: bool

    def load(self) -> None:
        """Load its models; EdgeAgentError when they cannot be used."""
        ...

    def look(self, image: Picture, at: Moment) -> None:
        """Read one picture; keeps what is complete."""
        ...

    def tick(self, now: Moment) -> None:
        """Time has passed, with or without pictures; called twice a second and more often."""
        ...

    def quiet(self, at: Moment) -> None:
        """No picture has come for long, or none comes any more: what was under way is complete."""
        ...


SAME_PLACE = 0.5
REST_S = 0.5
"""From one look to the next while all that is seen has been told: whoever stands there need not be read all the time,
and whoever comes next is seen in time."""

R = TypeVar("R", bound=TextRead)


class _TextEye(Generic[R]):
    """Reads texts and votes over those of one passage."""

    gated = True
    _rules = SightingRules()

    def __init__(self, directory: ModelDirectory, threads: int, *, thorough: bool) -> None:
        """`thorough`: there is but one picture of each thing, so that each is worth a close look."""
        self._directory, self._threads, self._thorough = directory, threads, thorough
        self._reader: Any = None
        self._rests_since: Moment | None = None
        self._sightings = Sightings[R](self._rules, self._vote)

    def load(self) -> None:
        """See Eye."""
        self._reader = self._made()

    def look(self, image: Picture, at: Moment) -> None:
        """See Eye."""
        if self._rests_since is not None and at.seconds_since(self._rests_since) < REST_S:
            return
        reads = self._read(image)
        for told in self._sightings.look(image, at, reads):
            self._keep(told)
        self._rests_since = at if reads and not self._sightings.under_way else None

    def tick(self, now: Moment) -> None:
        """See Eye: only pictures count."""

    def quiet(self, at: Moment) -> None:
        """See Eye."""
        for told in self._sightings.end(at):
            self._keep(told)

    def _made(self) -> Any:
        raise NotImplementedError

    def _read(self, image: Picture) -> Sequence[R]:
        raise NotImplementedError

    def _vote(self, reads: Sequence[R]) -> R:
        raise NotImplementedError

    def _keep(self, told: Told[R]) -> None:
        raise NotImplementedError


class PlateEye(_TextEye[PlateRead]):
    """Reads plates: one reading a vehicle that goes by, into its lane."""

    def __init__(
        self, directory: ModelDirectory, threads: int, keeper: VideoKeeper, shown: Shown, *, thorough: bool = False
    ) -> None:
        super().__init__(directory, threads, thorough=thorough)
        self._keeper, self._shown = keeper, shown
        self._models: Mapping[str, str] = {}

    def _made(self) -> Any:
        self._models = {str(task): self._directory.model(task).sha256 for task in PLATE_TASKS}
        return PlateReader(self._directory, self._threads)

    def _read(self, image: Picture) -> Sequence[PlateRead]:
        reads: Sequence[PlateRead] = self._reader.read(image, thorough=self._thorough)
        return reads

    def _vote(self, reads: Sequence[PlateRead]) -> PlateRead:
        return vote_plate(reads)

    def _keep(self, told: Told[PlateRead]) -> None:
        if not (told.read.unattended or self._thorough):
            told = self._looked_closely(told)
        if (seen := self._keeper.plate(told, self._models)) is not None:
            LOG.info("video.plate", device=seen.device_id, confidence=seen.confidence, frames=told.frames)
            self._shown(seen.text, seen.at)

    def _looked_closely(self, told: Told[PlateRead]) -> Told[PlateRead]:
        """Where the frames of a passage leave a doubt, its best picture is looked at closely, once."""
        near = [
            read
            for read in self._reader.read(told.best.image, thorough=True)
            if overlap(read.box, told.best.read.box) >= SAME_PLACE
        ]
        return replace(told, read=vote_plate([told.read, *near[:1]]))


class ContainerEye(_TextEye[ContainerRead]):
    """Reads container numbers: one record a container that goes by."""

    _rules = CONTAINER_RULES

    def __init__(
        self, directory: ModelDirectory, threads: int, keeper: VideoKeeper, shown: Shown, *, thorough: bool = False
    ) -> None:
        super().__init__(directory, threads, thorough=thorough)
        self._keeper, self._shown = keeper, shown

    def _made(self) -> Any:
        return ContainerReader(self._directory, self._threads)

    def _read(self, image: Picture) -> Sequence[ContainerRead]:
        reads: Sequence[ContainerRead] = self._reader.read(image, thorough=self._thorough)
        return reads

    def _vote(self, reads: Sequence[ContainerRead]) -> ContainerRead:
        return vote_container(reads)

    def _keep(self, told: Told[ContainerRead]) -> None:
        if (seen := self._keeper.container(told)) is not None:
            self._shown(seen.number, told.best.at)
