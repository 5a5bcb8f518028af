"""The galleries that are open on this gate: found when they come, destroyed when their sailing is over.

They lie in STATE_DIR/galleries, put there by `edge-agent vision gallery`. Sweeping needs no model, so it goes on while
the models cannot be used.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import structlog

from edge_agent.model.moment import Moment
from edge_agent.vision.faces.gallery import Gallery, GalleryError, Recognised
from edge_agent.vision.faces.gallery_store import GalleryStore

LOG = structlog.get_logger()

LOOK_AGAIN_S = 10.0


class OpenGalleries:
    """Of one eye. Nothing is remembered of a gallery that is over."""

    def __init__(self, directory: Path) -> None:
        """`directory` is where GalleryStore keeps them; made when it is first looked at."""
        self._directory = directory
        self._store: GalleryStore | None = None
        self._open: list[Gallery] = []
        self._swept: Moment | None = None
        self._known: Hashable = None

    @property
    def next_to_depart(self) -> Gallery | None:
        """The one that travellers are looked for in; None while none is open."""
        return min(self._open, key=lambda gallery: gallery.life.ends, default=None)

    def over(self, now: Moment) -> bool:
        """Whether one of them must be destroyed now."""
        return any(gallery.expired(now) for gallery in self._open)

    def sweep(self, now: Moment) -> None:
        """Destroy what is over: at once in memory and on the disk, and what only lies on the disk every 10 seconds.

        GalleryError when a file cannot be destroyed; it is tried again.
        """
        store = self._store = self._store or GalleryStore(self._directory)
        gone = [gallery for gallery in self._open if gallery.expired(now)]
        for gallery in gone:
            gallery.destroy()
            self._open.remove(gallery)
        if gone or self._swept is None or now.seconds_since(self._swept) >= LOOK_AGAIN_S:
            self._swept = now
            try:
                swept = store.sweep(now)
            except OSError as error:
                raise GalleryError(
                    f"the galleries in {self._directory} cannot be destroyed",
                    cause=error.strerror or str(error),
                    fix="Give the directory and its files to the agent's user (chown), or delete them",
                ) from error
            if swept:
                LOG.info("video.galleries_destroyed", galleries=len(swept))

    def refresh(self, recogniser: Recognised, now: Moment) -> bool:
        """Open what has come or was replaced since the last time; whether anything has. Not while one is in use."""
        store = self._store
        if store is None or (found := store.contents()) == self._known:
            return False
        self._known = found
        loaded = store.load(recogniser, now)
        for refused in loaded.refused:
            LOG.warning("video.gallery_refused", problem=str(refused))
        for gallery in self._open:
            gallery.destroy()
        self._open = loaded.galleries
        return True
