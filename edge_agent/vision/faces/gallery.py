"""One sailing's gallery in memory: its travellers' templates, searched by one product of matrices.

It has the sailing's key, a lifetime and at most MOST_TEMPLATES templates of one recogniser. Nothing is ever searched
but one sailing's gallery. `gallery_file` seals it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import Moment
from edge_agent.vision.faces.lifetime import Lifetime
from edge_agent.vision.faces.matching import Match, TemplateError, checked, decided
from edge_agent.vision.faces.sailing import SailingKey

MOST_TEMPLATES = 10_000
"""More than any ship here carries; with 512 numbers each, 20 MiB."""

MARGIN = 0.02
"""The best must be so much better than the next one, else it is not clear who it is and a person decides."""


class GalleryError(EdgeAgentError):
    """A gallery cannot be used: full, over, damaged, or of another recogniser. Names which and what to do."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Which recogniser made templates; those of two recognisers say nothing about one another.

    Attributes:
        name: of the model.
        sha256: of its ONNX file.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        subject: who it is; None when nobody is near enough, or two are as near.
        match: of the nearest.
        size: how many templates were searched.
    """

    subject: str | None
    match: Match
    size: int


class Gallery:
    """The travellers of one sailing.

    Args:
        sailing: names the sailing.
        key: its key; the gallery owns it and destroys it.
        recogniser: whose templates these are.
        life: how long it may be kept.
    """

    def __init__(self, sailing: str, key: SailingKey, recogniser: Recognised, life: Lifetime) -> None:
        self.sailing, self.key, self.recogniser, self.life = sailing, key, recogniser, life
        self._places: dict[str, int] = {}
        self._templates: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def __len__(self) -> int:
        return len(self._places)

    def add(self, subject: str, template: npt.ArrayLike) -> None:
        """Put a traveller in, or give them a new template; GalleryError when full, TemplateError when it is none."""
        vector = checked(template, f"the template for {self.sailing}")
        if self._places and vector.size != self._templates.shape[1]:
            raise TemplateError(
                f"a template does not belong in the gallery of {self.sailing}",
                cause=f"it has {vector.size} numbers, the gallery's have {self._templates.shape[1]}",
                fix=f"Make it with {self.recogniser.name}",
            )
        place = self._places.get(subject, len(self._places))
        if place >= MOST_TEMPLATES:
            raise GalleryError(f"the gallery of {self.sailing} is full", cause=f"it holds {MOST_TEMPLATES} travellers")
        self._make_room(place, vector.size)
        self._templates[place] = vector
        self._places[subject] = place

    def remove(self, subject: str) -> None:
        """Take a traveller out and overwrite the template; nothing happens when there is no such."""
        place = self._places.pop(subject, None)
        if place is None:
            return
        last = len(self._places)
        if place != last:
            mover = next(name for name, at in self._places.items() if at == last)
            self._templates[place], self._places[mover] = self._templates[last], place
        self._templates[last] = 0

    def search(self, probe: npt.ArrayLike, threshold: float, margin: float = MARGIN) -> Found:
        """Who of the sailing's travellers this is; only these, never anybody else's templates.

        Args:
            probe: template of the traveller at the gate.
            threshold: cosine that the nearest must reach.
            margin: by which it must be nearer than the next.
        """
        if not self._places:
            return Found(None, Match(None, threshold, same=False, reason="the gallery is empty"), 0)
        vector = checked(probe, "the probe")
        if vector.size != self._templates.shape[1]:
            raise TemplateError(
                f"the probe cannot be compared with the gallery of {self.sailing}",
                cause=f"it has {vector.size} numbers, the gallery's have {self._templates.shape[1]}",
                fix=f"Make it with {self.recogniser.name}",
            )
        # one product of matrix and vector; row by row on one core, because BLAS would split a long one over the cores
        # and then wait for whichever is busy with a camera
        scores = np.vecdot(self._templates[: len(self._places)], vector)
        best = int(scores.argmax())
        match = decided(float(scores[best]), threshold)
        if not match.same:
            return Found(None, match, len(self))
        next_best = float(np.partition(scores, -2)[-2]) if len(self) > 1 else -1.0
        if scores[best] - next_best < margin:
            reason = f"{match.reason}, but another traveller is as near ({next_best:.4f})"
            return Found(None, Match(match.score, threshold, same=False, reason=reason), len(self))
        subject = next(name for name, at in self._places.items() if at == best)
        return Found(subject, match, len(self))

    def expired(self, now: Moment) -> bool:
        """Whether it must be destroyed now (Lifetime.expired)."""
        return self.life.expired(now)

    def destroy(self) -> None:
        """Overwrite templates and key in memory; afterwards it is empty and opens nothing. May be called again."""
        self._templates.fill(0)
        self._templates = np.zeros((0, 0), np.float32)
        self._places.clear()
        self.key.destroy()

    def rows(self) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Subjects and their templates (n, D) in the same order, for sealing; the templates are the gallery's own."""
        return sorted(self._places, key=self._places.__getitem__), self._templates[: len(self._places)]

    def _make_room(self, place: int, size: int) -> None:
        if place < len(self._templates) and self._templates.shape[1] == size:
            return
        larger = np.zeros((max(64, 2 * len(self._templates)), size), np.float32)
        if self._templates.shape[1] == size:
            larger[: len(self._templates)] = self._templates
        self._templates.fill(0)  # the old copy holds faces too
        self._templates = larger
