"""What a plate camera's profile may say: `[device]`, `[link]`, `[events]`, and where each field stands. Data only.

Fields are found by lists of paths (see `paths`), the usual one first: makers rename and move them with the firmware.
docs/cameras.md explains every table; docs/devices/plate-cameras.md is made from the profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.layer import Layer
from edge_agent.drivers.plate.capture_time import TimeForm
from edge_agent.drivers.plate.paths import Path

Scale = Literal["fraction", "percent", "byte", "percent-or-fraction"]
"""0 to 1; 0 to 100; 0 to 255; an integer is per cent, and a number with a decimal point up to 1.0 is a fraction."""


def _path(text: str) -> str:
    try:
        Path(text)
    except ValueError as error:
        raise PydanticCustomError("path", "{why}", {"why": str(error)}) from error
    return text


PathText = Annotated[str, AfterValidator(_path)]
Paths = Annotated[tuple[PathText, ...], Field(min_length=1)]
Seconds = Annotated[StrictInt | StrictFloat, Field(gt=0, le=3600)]
Words = tuple[str, ...]


class DeviceFacts(Layer):
    """[device]: whose it is, and where the facts come from."""

    maker: str
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str
    notes: str = ""


class LinkFacts(Layer):
    """[link]: who calls whom.

    Attributes:
        mode: "push": the camera posts to the gate; "stream": the gate opens a stream that stays open; "poll": the gate
            asks again and again; "pullpoint": the gate subscribes to the camera's ONVIF events and asks for them.
        method: of the request, for stream and poll.
        path: of the request; of a pull point that of the event service. "{channel}" is the camera's channel of the site
            file, "{cursor}" the last event's name.
        body: of a poll's request; "{cursor}" as above.
        body_type: its media type.
        auth: what the gate may answer when the camera asks who it is. "basic" sends the password as it is.
        silent_after_s: a camera that has said nothing for so long is silent, and that is an incident; None: it speaks
            only when a vehicle comes.
        interval_s: between two polls.
        pictures_within_s: pictures that follow an event in a stream come within so long.
    """

    mode: Literal["push", "stream", "poll", "pullpoint"]
    method: Literal["GET", "POST"] = "GET"
    path: str = ""
    body: str = ""
    body_type: str = ""
    auth: tuple[Literal["digest", "basic"], ...] = ("digest",)
    silent_after_s: Seconds | None = None
    interval_s: Seconds = 1
    pictures_within_s: Seconds = 1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.mode == "push") == bool(self.path):
            problem = "a camera that pushes is not asked: remove path" if self.path else "path is missing"
            raise PydanticCustomError("link", "{problem}", {"problem": problem})
        if self.mode != "poll" and "{cursor}" in self.path + self.body:
            raise PydanticCustomError("link", "only a poll has a cursor")
        return self


class Sign(Layer):
    """A type of event, perhaps with a state; each in any case, "*" at the end for any ending."""

    type: str
    state: str = "*"


class EventFacts(Layer):
    """[events]: what a document is about.

    Attributes:
        lists: where several vehicles or objects stand, each an event; what they lack is taken from around them.
        answers: names of roots that are nothing but such a list, perhaps an empty one.
        type: where the event says what it is.
        state: where it says whether it begins, is there, or is over.
        plates: types that are about vehicles.
        marks: places that only events about vehicles have, be they empty.
        over: states in which an event without a plate is over, not new.
        ignored: states in which an event is about no licence plate, whatever stands in it.
        heartbeats: signs of life.
        untyped: an event without type and plate is "other"; False: it is unreadable.
    """

    lists: tuple[PathText, ...] = ()
    answers: Words = ()
    type: tuple[PathText, ...] = ()
    state: tuple[PathText, ...] = ()
    plates: Words = ()
    marks: tuple[PathText, ...] = ()
    over: Words = ()
    ignored: Words = ()
    heartbeats: tuple[Sign, ...] = ()
    untyped: StrictBool = False


class PlateFacts(Layer):
    """[plate]: where it stands. `nothing`: further words for "not read", in any case."""

    paths: Paths
    nothing: Words = ()


class ConfidenceFacts(Layer):
    """[[confidence]]: one place and its scale; the first with a number counts."""

    paths: Paths
    scale: Scale


class DirectionFacts(Layer):
    """[direction]: lower case as the camera writes it, unless `words` says what a code means."""

    paths: Paths
    words: Mapping[str, str] = Field(default_factory=dict)


class LaneFacts(Layer):
    """[lane]: the camera's own number of the lane; `number`: it is one, not a text."""

    paths: Paths
    number: StrictBool = False


class TimeFacts(Layer):
    """[[time]]: one place; the first with a time counts. `clock`: where the time of day stands, if apart from the date.

    `zone`: "written" (the value's own offset, or the site's zone), or "utc" for a value without offset.
    """

    paths: Paths
    clock: tuple[PathText, ...] = ()
    form: TimeForm = "text"
    zone: Literal["written", "utc"] = "written"


class NameFacts(Layer):
    """[names]: what names a message, so that a repetition is recognised.

    Attributes:
        camera: of several cameras behind one address; the first that is there.
        channel: likewise.
        event: all that name the event.
        cursor: of a poll, what to ask for next.
    """

    camera: tuple[PathText, ...] = ()
    channel: tuple[PathText, ...] = ()
    event: tuple[PathText, ...] = ()
    cursor: tuple[PathText, ...] = ()


class TrackFacts(Layer):
    """[track]: several packets of one vehicle.

    Attributes:
        id: equal in all packets of a vehicle.
        state: where the packet says whether the vehicle is new, still there or gone.
        last: states of a vehicle's last packet.
        settle_s: after so long without a packet the vehicle's best read counts.
        longest_s: after so long it counts though packets still come: a truck may stand before the camera.
    """

    id: Paths
    state: tuple[PathText, ...] = ()
    last: Words = ()
    settle_s: Seconds = 1
    longest_s: Seconds = 3


class PictureFacts(Layer):
    """[[picture]]: a picture in Base64 inside the document."""

    path: PathText
    role: Literal["plate", "vehicle"]


class PlateProfile(Layer):
    """A plate camera's profile; `name` is what site files call it."""

    name: str
    device: DeviceFacts
    link: LinkFacts
    events: EventFacts = EventFacts()
    plate: PlateFacts
    confidence: tuple[ConfidenceFacts, ...] = ()
    direction: DirectionFacts | None = None
    lane: LaneFacts | None = None
    time: tuple[TimeFacts, ...] = ()
    names: NameFacts = NameFacts()
    track: TrackFacts | None = None
    picture: tuple[PictureFacts, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.link.mode == "poll" and "{cursor}" in self.link.path + self.link.body and not self.names.cursor:
            raise PydanticCustomError("names", "names.cursor is missing: the poll asks for what comes after it")
        return self
