"""Whose a reading is: the vehicle or person at the gate, the one before, or the next one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from rapidfuzz.distance import Levenshtein

from edge_agent.assemble.state import LaneState
from edge_agent.model.moment import SECOND, Moment
from edge_agent.model.observation import Observation, ReadingKind
from edge_agent.model.passage import LaneKind, Passage
from edge_agent.model.readings import PlateSeen
from gate_contract.iso6346 import LETTERS, is_valid
from gate_contract.rules.plates import PROVINCES
from gate_contract.rules.plates import folded as look_alikes_folded

SAME_VEHICLE_EDITS = 2
"""Two reads of one camera that differ in at most so many characters are of one vehicle."""

SAME_CLOCK_S = 3600.0
"""A camera's time that is further from the passage it is held against is of a clock that was not set like ours."""

BEHIND_S = 2.5
"""Another vehicle passes a camera no sooner behind the one before; its second word on one mostly comes sooner."""

MOST_CONTAINERS = 2
"""Containers on one vehicle."""

PAIR_S = 10.0
"""Two containers of one vehicle pass a camera within so long of each other, at the pace of a gate."""

SAME_EVENT_S = 5.0
"""What names the vehicle that has just left, so soon after, is the camera's second word on it."""

TRIGGERS: frozenset[ReadingKind] = frozenset({"input", "distance"})
"""What waits of these kinds is a loop's word: somebody follows."""

TRAILER = "挂"
"""Ends the plate of a trailer (GA 36-2018)."""


def plate_read(passage: Passage) -> str:
    """A plate of the passage that was read; "" when none was."""
    return next((plate.text for plate in passage.plates if plate.text), "")


def has(passage: Passage, kind: str) -> bool:
    """Whether the passage has a reading of this kind; axles are a weight, too, and half an occupancy is none."""
    if kind == "plate":
        return bool(plate_read(passage))
    if kind == "weight":
        return bool(passage.weighings) or has(passage, "axles")
    return any(reading.kind == kind and not is_broken_off(reading) for reading in passage.readings)


def is_broken_off(reading: Observation) -> bool:
    """Whether it is of a portal that fell silent while the vehicle was in it: what it says of the rest is nothing."""
    return reading.kind == "radiation" and reading.active is False


def names(passage: Passage, kind: ReadingKind) -> list[str]:
    """What its readings of this kind name."""
    return [reading.name for reading in passage.readings if reading.kind == kind and reading.name]


def is_trailer(text: str) -> bool:
    """Whether it is the plate of a trailer."""
    return text.endswith(TRAILER)


def tells_more(passage: Passage, plate: PlateSeen) -> bool:
    """Whether the plate adds to what was read: the first one, or the first of the trailer, or of its tractor."""
    kinds = {is_trailer(read.text) for read in passage.plates if read.text}
    return bool(plate.text) and is_trailer(plate.text) not in kinds


def corrects(passage: Passage, plate: PlateSeen, *, alone: bool) -> bool:
    """Whether it is another reading of a plate that the passage has, surer than all that was read before.

    `alone`: the entry loop says that nobody follows. Else it may be a neighbouring number close behind.
    """
    alike = [read for read in passage.plates if read.text and is_trailer(read.text) == is_trailer(plate.text)]
    same = is_similar if alone else is_same_plate
    if not plate.text or plate.confidence is None or not any(same(read.text, plate.text) for read in alike):
        return False
    return all(read.text != plate.text and (read.confidence or 0) < plate.confidence for read in alike)


def is_next_plate(state: LaneState, passage: Passage, plate: PlateSeen, is_booked: Callable[[str], bool]) -> bool:
    """The same camera sees quite another plate (or the vehicle has left): another vehicle.

    A tractor's plate and a trailer's are never held against each other. Where this camera has read only the one, the
    other is held against what the other cameras read. Two plates that differ in a character or two are one vehicle's,
    misread, unless a loop tells that somebody follows, or both are declared and were not read at once: then only
    look-alikes are.
    """
    if not plate.text:
        return False
    mine = [read for read in passage.plates if read.text and read.device_id == plate.device_id]
    trailer, follower = is_trailer(plate.text), entered_behind(state)
    of_others = [read.text for read in passage.plates if read.text and is_trailer(read.text) == trailer]
    if not mine:
        if (state.left is not None and bool(plate_read(passage))) or (state.recorded and state.unwatched):
            return True
        return follower is not None and _is_of_follower(state, of_others, plate, follower)
    alike = [read.text for read in mine if is_trailer(read.text) == trailer] or of_others
    if not alike or any(is_same_plate(text, plate.text) for text in alike):
        return False
    if follower is not None or not any(is_similar(text, plate.text) for text in alike):
        return True
    at_once = plate.at.seconds_since(mine[-1].at) < BEHIND_S
    return not at_once and is_booked(plate.text) and any(map(is_booked, alike))


def _is_of_follower(state: LaneState, known: list[str], plate: PlateSeen, follower: Observation) -> bool:
    """Whether a camera's first word, after somebody else entered, is of who entered: by its own time, if it tells one.

    A trailer's plate that comes alone is the rear of who is there.
    """
    if any(is_same_plate(text, plate.text) for text in known):
        return False
    taken = _time_of(plate)
    if taken is not None and _apart(follower.at, taken) <= SAME_CLOCK_S:
        return taken.timestamp() > follower.at.wall / SECOND
    return bool(known) or (state.recorded and not is_trailer(plate.text))


def entered_behind(state: LaneState) -> Observation | None:
    """The loop's word of the first who entered behind the one who is there."""
    triggers = (each for each in state.queued if isinstance(each, Observation) and each.kind in TRIGGERS)
    return next((each for each in triggers if each.active), None)


def is_similar(one: str, other: str) -> bool:
    """Two reads of one thing."""
    return Levenshtein.distance(one, other) <= SAME_VEHICLE_EDITS


def is_same_plate(one: str, other: str) -> bool:
    """Two reads of one plate also where another vehicle is near: nothing differs but look-alikes and the province.

    Vehicles of one owner have neighbouring numbers and drive behind each other; a character that cameras do not
    confuse is then another vehicle's.
    """
    return _serial(one) == _serial(other)


def _serial(plate: str) -> str:
    return look_alikes_folded(plate.lstrip(PROVINCES))


def is_next(state: LaneState, passage: Passage, reading: Observation, lane: LaneKind) -> bool:
    """Whether the reading shows another vehicle or person than the one at the gate."""
    followed = entered_behind(state) is not None
    match reading.kind:
        case "container":
            return _is_next_container(state, passage, reading, followed=followed)
        case "document" if lane == "passenger" and reading.name:
            known = names(passage, "document")
            return bool(known) and reading.name not in known
        case "face" if lane == "passenger":
            return _is_next_face(passage, reading, followed=followed)
    return False


def _is_next_container(state: LaneState, passage: Passage, reading: Observation, *, followed: bool) -> bool:
    seen = [each for each in passage.readings if each.kind == "container"]
    if not is_valid(reading.name) or any(_is_same_box(each.name, reading.name) for each in seen):
        return False  # a number that was misread shows nobody
    if not seen:
        return state.left is not None and (seconds_after(state.left, reading.at) or 0) > 0
    if len({each.name for each in seen if is_valid(each.name)}) >= MOST_CONTAINERS:
        return True
    return (followed or state.recorded) and not is_pair(seen[0], reading)


def _is_same_box(one: str, valid: str) -> bool:
    """Whether a number may be of the box with this valid one.

    Two valid ones are two boxes, however near: those of one owner have consecutive numbers. Only a letter that the
    check digit cannot tell from another (ISO 6346) is a misread that stays valid.
    """
    if not is_valid(one) or one == valid:
        return is_similar(one, valid)
    differing = [(a, b) for a, b in zip(one, valid, strict=False) if a != b]
    return len(differing) == 1 and differing[0][1] in LETTERS


def is_pair(one: Observation, other: Observation) -> bool:
    """Whether two containers may be on one vehicle, by the time between them."""
    return abs(seconds_after(one.at, other.at) or 0) <= PAIR_S


def _is_next_face(passage: Passage, reading: Observation, *, followed: bool) -> bool:
    """After a face was matched, every other one is another person's; before, it is another try."""
    faces = [each for each in passage.readings if each.kind == "face"]
    matched = [each.name for each in faces if each.active]
    if matched:
        return not reading.name or reading.name not in matched
    return bool(faces) and followed


def joined(queued: tuple[PlateSeen | Observation, ...]) -> list[PlateSeen | Observation]:
    """Of what waits, what is of the first vehicle. A camera that reads one vehicle twice has queued it twice."""
    group: list[PlateSeen | Observation] = []
    entries = 0
    for reading in queued:
        if isinstance(reading, Observation) and reading.kind in TRIGGERS:
            entries += bool(reading.active)
            if entries <= 1:
                group.append(reading)
        elif _joins(group, reading, alone=entries <= 1):
            group.append(reading)
    return group


def _joins(group: Iterable[PlateSeen | Observation], reading: PlateSeen | Observation, *, alone: bool) -> bool:
    """`alone`: nobody else has entered behind whom the group is of."""
    if isinstance(reading, PlateSeen):
        plates = [each.text for each in group if isinstance(each, PlateSeen)]
        alike = [text for text in plates if is_trailer(text) == is_trailer(reading.text)]
        same_vehicle = is_similar if alone else is_same_plate
        return any(same_vehicle(text, reading.text) for text in alike) if alike else (alone or not plates)
    same = [each.name for each in group if isinstance(each, Observation) and each.kind == reading.kind]
    if any(name == reading.name for name in same):
        return True
    return not same or (reading.kind == "container" and alone and len(set(same)) < MOST_CONTAINERS)


def is_word_again(state: LaneState, kind: ReadingKind, name: str, now: Moment) -> bool:
    """Whether this only names once more who has just left."""
    before, left = state.before, state.before_left
    if before is None or left is None or not name or now.seconds_since(left) > SAME_EVENT_S:
        return False
    if kind == "plate":
        return any(is_same_plate(name, read.text) for read in before.plates)
    return name in names(before, kind)


def is_of_before(before: Passage, left: Moment, at: Moment) -> bool:
    """Whether our clock says that a reading was made while the vehicle before was there; one second is allowed."""
    since_opened, since_left = seconds_after(before.opened, at), seconds_after(left, at)
    return since_opened is not None and since_left is not None and since_opened >= 0 and since_left <= 1


def seconds_after(moment: Moment, at: Moment) -> float | None:
    """Seconds from `moment` to `at`, negative when that was earlier; None over a reboot: nothing is known then."""
    return (at.mono - moment.mono) / SECOND if moment.boot_id == at.boot_id else None


def taken_of(before: Passage, left: Moment, present: Passage | None, plate: PlateSeen) -> bool:
    """Whether the camera's own time says that it saw the vehicle that has left, not the one that is there now.

    That time lies before its leaving, and nearer to its coming than to the other's. Without a time, or one without its
    zone, or one that is of another day than the passage (one of the two clocks is wrong), nothing is known: then the
    plate is the next vehicle's.
    """
    taken = _time_of(plate)
    # Cameras write whole seconds: allow one.
    if taken is None or taken.timestamp() > left.wall / SECOND + 1:
        return False
    if _apart(before.opened, taken) > SAME_CLOCK_S:
        return False
    return present is None or _apart(before.opened, taken) < _apart(present.opened, taken)


def _time_of(plate: PlateSeen) -> datetime | None:
    """The camera's own time; None without one, or without its zone."""
    try:
        taken = datetime.fromisoformat(plate.device_time)
    except ValueError:
        return None
    return None if taken.tzinfo is None else taken


def _apart(moment: Moment, taken: datetime) -> float:
    return abs(moment.wall / SECOND - taken.timestamp())
