"""C: containers, their numbers, sizes, loads and seals."""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz.distance import Levenshtein

from gate_contract import iso6346
from gate_contract.rules.boxes import DeclaredBox
from gate_contract.rules.case import Case
from gate_contract.rules.findings import HOLD, REVIEW, Fired, Input
from gate_contract.rules.readings import ContainerFact, SealFact
from gate_contract.rules.text import MOST_NAMED, listed, shown
from gate_contract.rules.trips import Trip
from gate_contract.v1 import passage_pb2

_MISREAD = 2
"""A number that breaks ISO 6346 and is so many characters from a listed one may be that one, misread."""


def number_breaks_iso6346(case: Case) -> Iterator[Fired]:
    """C01: a number that was read is no container number, and nothing else shows which container it is.

    Another read that is valid and one character away tells what it is: then one camera misread.
    """
    valid = [each.number for each in case.passage.seen.containers if each.valid]
    broken = [
        each
        for each in case.passage.seen.containers
        if not each.valid and all(Levenshtein.distance(each.number, other) > 1 for other in valid)
    ]
    if not broken:
        return
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=(
            f"Container number read as {listed([shown(each.number) for each in broken])}: {_fault(broken[0].number)}."
        ),
        inputs=_read_inputs(broken),
        tolerance="a number of ISO 6346 with its check digit; a right one does not prove that it is this container",
    )


def _fault(number: str) -> str:
    try:
        parts = iso6346.parse_number(number)
    except ValueError:
        return "three letters, one of U J Z and seven digits are expected"
    return f"its check digit should be {iso6346.check_digit(parts.text[:10])}"


def container_not_listed(case: Case) -> Iterator[Fired]:
    """C02: a container that was read is on no list of what this vehicle brings.

    A right check digit is no excuse: F for P, H for R, G for Q and M for W leave it right. A number with a wrong one is
    taken for a misread, and is C01's, unless no listed number is near it.

    Where a lane that reads container numbers read none, and a container is declared, a person looks which one it is.
    """
    listing, read = _listing(case), case.passage.seen.containers
    if listing is None:
        return
    numbers, source = listing
    if not read:
        yield from _none_read(case, numbers, source)
        return
    there = {each.number for each in read} & numbers
    foreign = [each for each in read if not _listed_or_misread(each, numbers, there)]
    if not foreign:
        return
    known = listed([shown(number) for number in sorted(numbers)])
    yield Fired(
        severity=3,
        action=HOLD,
        explanation=(
            f"Container {listed([shown(number) for number in dict.fromkeys(each.number for each in foreign)])} is not"
            f" on the list: {source} names {known}{_twin(foreign[0].number, numbers)}."
        ),
        inputs=(
            *_read_inputs(foreign),
            *_declared_inputs(numbers, source),
        ),
        tolerance="every container read is one that is declared",
    )


def _none_read(case: Case, numbers: frozenset[str], source: str) -> Iterator[Fired]:
    why = case.passage.why_missing("container")
    if why is None or case.passage.backed_out or not numbers:
        return
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=(
            f"No container number was read ({shown(why)}), and {source} names"
            f" {listed([shown(number) for number in sorted(numbers)])}: a person looks which container it is."
        ),
        inputs=(Input("container_read", "missing", shown(why)), *_declared_inputs(numbers, source)),
        tolerance="every container read is one that is declared",
    )


def _declared_inputs(numbers: frozenset[str], source: str) -> tuple[Input, ...]:
    return tuple(Input("container_declared", shown(number), source) for number in sorted(numbers)[:MOST_NAMED])


def _listing(case: Case) -> tuple[frozenset[str], str] | None:
    """Numbers that may come here, and whose list it is; None when nobody can say.

    On a lane for empty containers, where no plate is read, a number that no open booking names is on no list.
    """
    if case.booked:
        return frozenset(box.number for box in case.booked.boxes), case.booked.source
    empties = case.passage.lane_kind == passage_pb2.LANE_KIND_EMPTY_CONTAINER
    if empties and case.match.read is None and case.match.open_bookings:
        return frozenset(), "no open booking"
    return None


def _listed_or_misread(read: ContainerFact, numbers: frozenset[str], there: set[str]) -> bool:
    """Whether it is listed, or another view of one that was, or so broken that nobody knows what it is."""
    if read.number in numbers or any(Levenshtein.distance(read.number, number) == 1 for number in there):
        return True
    if read.valid:
        return False
    complete = len(read.number) == 11 and read.number[:4].isalpha() and read.number[4:].isdecimal()  # noqa: PLR2004 - ISO 6346: eleven characters
    return not complete or any(Levenshtein.distance(read.number, number) <= _MISREAD for number in numbers)


def _twin(number: str, numbers: frozenset[str]) -> str:
    """A listed number that differs in one letter which the check digit cannot tell apart, as words for a person."""
    for other in sorted(numbers):
        pairs = [(one, two) for one, two in zip(number, other, strict=False) if one != two]
        if len(number) == len(other) and len(pairs) == 1 and iso6346.is_valid(number) and iso6346.is_valid(other):
            return f"; {pairs[0][0]} for {pairs[0][1]} leaves the check digit right, look at the image"
    return ""


def size_not_as_declared(case: Case) -> Iterator[Fired]:
    """C03: a container's size-type code is not the declared one, or two reads of it disagree."""
    declared = {box.number: box for box in case.booked.boxes} if case.booked else {}
    for number in dict.fromkeys(each.number for each in case.passage.seen.containers):
        reads = [each for each in case.passage.seen.containers if each.number == number and each.size_type]
        codes = sorted({each.size_type for each in reads})
        box = declared.get(number, DeclaredBox(number))
        if reads and box.size_type and not any(_same_type(code, box.size_type) for code in codes):
            yield _size(number, reads, f"declared as {shown(box.size_type)}", case.booked)
        elif any(not _same_type(codes[0], code) for code in codes[1:]):
            yield _size(number, reads, "two reads disagree", case.booked)


def _same_type(one: str, two: str) -> bool:
    """Whether two codes may mean the same: a group designator (22GP) stands for every type of its group (22G1)."""
    if one == two:
        return True
    general = one[2:].isalpha() or two[2:].isalpha()
    return general and one[:3] == two[:3] and len(one) == len(two) and iso6346.is_size_type(one)


def _size(number: str, reads: list[ContainerFact], problem: str, trip: Trip | None) -> Fired:
    codes = listed(sorted({shown(each.size_type) for each in reads}))
    return Fired(
        severity=2,
        action=REVIEW,
        explanation=f"Container {shown(number)}: size and type read as {codes}, {problem}.",
        inputs=(
            *(Input("size_type_read", shown(each.size_type), each.source) for each in reads[:MOST_NAMED]),
            Input("container", shown(number), trip.source if trip else "as read"),
        ),
        tolerance="the declared size-type code (ISO 6346); a group's designator stands for each of its types",
    )


def seal_not_as_declared(case: Case) -> Iterator[Fired]:
    """C07: a declared seal is absent or broken, or another one is there. One character away: a person looks."""
    boxes = case.booked.boxes if case.booked else ()
    for container in dict.fromkeys(each.container for each in case.passage.seen.seals):
        seals = [each for each in case.passage.seen.seals if each.container == container]
        declared = sorted({seal for box in boxes if container in ("", box.number) for seal in box.seals})
        if broken := [each for each in seals if each.state == "broken"]:
            yield _seal(HOLD, container, broken, declared, "is broken")
        elif not declared:
            continue
        elif absent := [each for each in seals if each.state == "absent"]:
            yield _seal(HOLD, container, absent, declared, "is absent")
        elif other := [each for each in seals if each.number]:
            yield from _other_seal(container, other, declared)


def _other_seal(container: str, seals: list[SealFact], declared: list[str]) -> Iterator[Fired]:
    away = min(Levenshtein.distance(each.number, seal) for each in seals for seal in declared)
    if away == 1:
        yield _seal(REVIEW, container, seals, declared, "differs from the declared one in one character")
    elif away:
        yield _seal(HOLD, container, seals, declared, "is not the declared one")


def _seal(action: int, container: str, seals: list[SealFact], declared: list[str], problem: str) -> Fired:
    on = f" on container {shown(container)}" if container else ""
    numbers = listed(sorted({shown(each.number) for each in seals if each.number}))
    return Fired(
        severity=4 if action == HOLD else 3,
        action=HOLD if action == HOLD else REVIEW,
        explanation=f"The seal{on} {problem}: seen {numbers}, declared {listed([shown(each) for each in declared])}.",
        inputs=(
            *(Input("seal_seen", shown(each.number) or "no number", _state(each)) for each in seals[:MOST_NAMED]),
            *(Input("seal_declared", shown(each), "the declaration") for each in declared[:MOST_NAMED]),
        ),
        tolerance="each declared seal whole; one character of difference is looked at on the image",
    )


def _state(seal: SealFact) -> str:
    return ", ".join(filter(None, (shown(seal.device_id), seal.state)))


def _read_inputs(reads: list[ContainerFact]) -> tuple[Input, ...]:
    return tuple(Input("container_read", shown(each.number), each.source) for each in reads[:MOST_NAMED])
