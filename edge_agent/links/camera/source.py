"""What a source of pictures is: it opens, delivers into a feed, and says in words why it cannot."""

from __future__ import annotations

from threading import Event
from typing import Protocol

from edge_agent.links.camera.frames import Picture
from edge_agent.links.http_causes import PullError
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceState

__all__ = ["CameraError", "Feed", "Source"]


class CameraError(PullError):
    """A camera could not be opened or read: `state` is what that makes of the device, as of PullError."""


class Feed(Protocol):
    """Where a source delivers to. `stopping` is set when nothing more is wanted."""

    stopping: Event

    def opened(self) -> None:
        """The source is open; pictures may come."""
        ...

    def wants(self, at: Moment) -> bool:
        """Whether a picture captured at `at` will be looked at: if not, it need not be decoded."""
        ...

    def picture(self, image: Picture, at: Moment) -> None:
        """A picture that nobody writes to any more, captured at `at`. Waits only for a source that is not live."""
        ...

    def skipped(self, at: Moment) -> None:
        """A picture came that was not wanted, and was not decoded."""
        ...

    def spoiled(self, reason: str, at: Moment) -> None:
        """Something came that is no picture; `reason` is a sentence for a technician."""
        ...


class Source(Protocol):
    """One way to get at pictures.

    Attributes:
        name: what a person calls it; never with a password.
        live: pictures come by themselves; what is not taken in time is dropped, and silence is a fault. A source that
            is not live (a file) waits for its taker instead.
        changes: two pictures that are equal to the last bit mean that the camera hangs.
    """

    name: str
    live: bool
    changes: bool

    def run(self, feed: Feed) -> None:
        """Open, and deliver until `feed.stopping` or `abort`; returns when there is nothing more to come.

        Raises:
            EdgeAgentError: it cannot be opened or read; a CameraError where the state of the device is known.
        """
        ...

    def abort(self) -> None:
        """End `run` soon, from any thread. It may be run again afterwards."""
        ...


def silent(what: str, *, cause: str = "", fix: str = "") -> CameraError:
    """The camera is connected and sends no picture."""
    return CameraError(what, cause=cause, fix=fix, state=DeviceState.SILENT)


def unreadable(what: str, *, cause: str = "", fix: str = "") -> CameraError:
    """Something comes, and it is no picture."""
    return CameraError(what, cause=cause, fix=fix, state=DeviceState.UNREADABLE)
