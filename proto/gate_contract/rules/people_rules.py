"""P: people, their documents and faces. Findings name no person: a document goes by the start of its pseudonym."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from gate_contract.rules.case import Boarding, Case
from gate_contract.rules.findings import RELEASE, REVIEW, Fired, Input
from gate_contract.rules.journey_rules import last_before, same_way_again, sighting_inputs, too_far
from gate_contract.rules.readings import DocumentFact
from gate_contract.rules.stays import CHINA_STANDARD_TIME, Counting, MissingLeg, Stay, count_days
from gate_contract.rules.text import EPOCH, MOST_NAMED, listed, moment, shown
from gate_contract.v1 import passage_pb2

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def not_on_manifest(case: Case) -> Iterator[Fired]:
    """P01: no document that was read has a ticket for this sailing, or none was read where one is asked for.

    Who boards while no manifest is known, or with a document that cannot be looked up in one, is seen by a person:
    nobody can say that they have a ticket. Who arrives is on no manifest of this site.
    """
    passage, manifest = case.passage, case.context.manifest
    if passage.lane_kind in {passage_pb2.LANE_KIND_VEHICLE, passage_pb2.LANE_KIND_EMPTY_CONTAINER}:
        return
    why = passage.why_missing("document")
    if passage.lane_kind == passage_pb2.LANE_KIND_PASSENGER and not passage.seen.documents and why is not None:
        yield _without_document(why)
        return
    documents = [each for each in passage.seen.documents if each.pseudonym]
    if manifest is None or not documents:
        yield from _not_looked_up(case)
        return
    if any(each.pseudonym in manifest.tickets for each in documents):
        return
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"This person is not on the manifest of sailing {shown(manifest.sailing_id)}.",
        inputs=(
            *_document_inputs(documents),
            Input("tickets", str(len(manifest.tickets)), f"manifest of {shown(manifest.sailing_id)}"),
        ),
        tolerance="a document with a ticket for this sailing",
    )


def _not_looked_up(case: Case) -> Iterator[Fired]:
    """A passenger gate of sailings that cannot tell whether somebody has a ticket: the staffed lane."""
    passage, manifest = case.passage, case.context.manifest
    boards = passage.lane_kind == passage_pb2.LANE_KIND_PASSENGER and passage.direction != passage_pb2.DIRECTION_INBOUND
    if not (boards and passage.seen.documents and case.policy.P01.ask_without_manifest):
        return
    why = "no manifest of a sailing that boards is known" if manifest is None else "the document cannot be looked up"
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"Nobody can say whether this person has a ticket, as {why}: a person at the staffed lane looks.",
        inputs=(
            *_document_inputs(list(passage.seen.documents)),
            Input("manifest", "not known" if manifest is None else shown(manifest.sailing_id), "reference data"),
        ),
        tolerance="a document with a ticket for a known sailing (policy P01.ask_without_manifest)",
    )


def _without_document(why: str) -> Fired:
    """Somebody who follows another through, or whose document could not be read: a person looks."""
    return Fired(
        severity=3,
        action=REVIEW,
        explanation=f"No document of this person was read: {shown(why)}.",
        inputs=(Input("document", "none", shown(why)),),
        tolerance="a document of everybody who goes through a lane that reads documents",
    )


def face_not_documents(case: Case) -> Iterator[Fired]:
    """P02: the live face is not the document's, after all tries, or could not be compared: the staffed lane.

    So it is where a lane that checks faces read a document and checked none.
    """
    faces, most = case.passage.seen.faces, case.policy.P02.tries
    if not faces:
        yield from _without_face(case)
        return
    face = faces[-1]
    below = face.score is not None and face.threshold is not None and face.score < face.threshold
    if face.matched and not below:
        return
    score = "nothing could be compared" if face.score is None else f"similarity {face.score:.3f}"
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=(
            f"The face was not found to be the document's after {face.tries} of {most} tries ({score}): a person at the"
            " staffed lane decides."
        ),
        inputs=(
            Input("face_score", "none" if face.score is None else f"{face.score:.4f}", shown(face.device_id)),
            Input(
                "threshold", "none" if face.threshold is None else f"{face.threshold:.4f}", "calibration of the lane"
            ),
            Input("compared", shown(face.compared) or "not said", shown(face.device_id)),
            Input("tries", str(face.tries), shown(face.device_id)),
            Input("reason", shown(face.reason) or "none given", shown(face.device_id)),
        ),
        tolerance=f"similarity at or above the threshold within {most} tries (policy P02.tries)",
    )


def _without_face(case: Case) -> Iterator[Fired]:
    """A document may be anybody's where the camera is dead. Who showed none is P01's, or nobody's at a vehicle lane."""
    passage = case.passage
    why = passage.why_missing("face")
    if why is None or passage.backed_out or not passage.seen.documents:
        return
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"No face was held against the document: {shown(why)}; a person at the staffed lane decides.",
        inputs=(
            Input("face_seen", "missing", shown(why)),
            Input("tries", "0", "the lane"),
            *_document_inputs(list(passage.seen.documents)),
        ),
        tolerance="a face held against every document on a lane that checks faces",
    )


def attack_suspected(case: Case) -> Iterator[Fired]:
    """P03: something other than a living face may have been held before the camera."""
    suspected = [each for each in case.passage.seen.faces if each.liveness == "attack suspected"]
    if suspected:
        yield Fired(
            severity=4,
            action=REVIEW,
            explanation="A picture, a screen or a mask may have been held before the camera: a person looks.",
            inputs=tuple(Input("liveness", each.liveness, shown(each.device_id)) for each in suspected[:MOST_NAMED]),
            tolerance="a living face, as far as the lane checks it",
        )


def document_not_valid(case: Case) -> Iterator[Fired]:
    """P04: a check digit of the document does not hold, or it has expired. Its last day is still valid."""
    today = _today(case)
    problems = [(each, words) for each in case.passage.seen.documents for words in _problems(each, today)]
    if not problems:
        return
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"The document is not in order: {listed(list(dict.fromkeys(words for _each, words in problems)))}.",
        inputs=(
            *(Input("document", words, shown(each.device_id)) for each, words in problems[:MOST_NAMED]),
            Input("today", today.isoformat(), f"{_whose(case)} clock, China standard time"),
        ),
        tolerance="every check digit holds (ICAO Doc 9303, GB 11643), and today is no later than the last day",
    )


def _whose(case: Case) -> str:
    return "the decider's" if case.passage.at_unix_ns is None else "the gate's"


def _today(case: Case) -> date:
    """By the gate's clock; where that cannot be believed by the decider's, which for a day is near enough."""
    at = case.context.now_unix_ns if case.passage.at_unix_ns is None else case.passage.at_unix_ns
    return (EPOCH + timedelta(seconds=(at + CHINA_STANDARD_TIME) // 1_000_000_000)).date()


def _problems(document: DocumentFact, today: date) -> Iterator[str]:
    for fault in document.faults[:MOST_NAMED]:
        yield f"the check digit of its {shown(fault) or 'zone'} does not hold"
    expires = _date(document.expires)
    if expires and expires < today:
        yield f"it expired on {expires.isoformat()}"


def _date(text: str) -> date | None:
    """A date as YYYY-MM-DD; None when it is none."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def document_twice(case: Case) -> Iterator[Fired]:
    """P05: the same document boarded this sailing before, or was elsewhere too shortly before or after."""
    for document in case.passage.seen.documents:
        others = [
            each
            for each in case.context.document_sightings.get(document.pseudonym, ())
            if each.passage_id != case.passage.passage_id
        ]
        far = [each for each in others if too_far(case, each)]
        last = last_before(case, others)
        if not document.pseudonym or not (far or (last and same_way_again(case, last))):
            continue
        sighting = far[0] if far else last
        why = "was elsewhere, and nobody is here in so short a time" if far else "went the same way before"
        yield Fired(
            severity=4,
            action=REVIEW,
            explanation=f"The same document {why} ({moment(sighting.at_unix_ns) if sighting else ''}).",
            inputs=(*_document_inputs([document]), *(sighting_inputs(case, sighting) if sighting else ())),
            tolerance="one boarding for one document, and no travel faster than policy V04 allows",
        )


def days_of_stay(case: Case) -> Iterator[Fired]:
    """P08: how many days the person stayed, at least and at most, by each way of counting. A note."""
    ways = [way for way in Counting if getattr(case.policy.P08, way.name.lower())]
    for document in case.passage.seen.documents:
        record = case.context.stays.get(document.pseudonym)
        if record is None or not document.pseudonym or not ways:
            continue
        stay = count_days(
            record.crossings, record.period, now_unix_ns=case.context.now_unix_ns, inside_before=record.inside_before
        )
        counted = [f"{way.value} {_span(stay, way)}" for way in ways]
        legs = f"; {len(stay.missing)} crossings are missing" if stay.missing else ""
        yield Fired(
            severity=1,
            action=RELEASE,
            explanation=f"Days of stay: {listed(counted)}{legs}.",
            inputs=(
                *_document_inputs([document]),
                *(
                    Input(f"days_{way.value.replace('-', '_')}", _span(stay, way), "crossings on record")
                    for way in ways
                ),
                *(Input("missing_crossing", each.way, _leg(each)) for each in stay.missing[:MOST_NAMED]),
            ),
            tolerance="a note: at least and at most, where crossings are missing (policy P08 says which ways)",
        )


def _span(stay: Stay, way: Counting) -> str:
    days = stay.days[way]
    return str(days.least) if days.least == days.most else f"{days.least} to {days.most}"


def _leg(leg: MissingLeg) -> str:
    return f"after {shown(leg.after) or 'the beginning'}, before {shown(leg.before) or 'the end'}"


def _document_inputs(documents: list[DocumentFact]) -> tuple[Input, ...]:
    return tuple(Input("document_seen", each.name, shown(each.device_id)) for each in documents[:MOST_NAMED])


def no_shows(boarding: Boarding) -> Iterator[Fired]:
    """P06: tickets whose document did not board, once the sailing has left."""
    departure = boarding.departure_unix_ns
    absent = len(boarding.manifest.tickets.keys() - boarding.boarded)
    if departure is None or boarding.now_unix_ns < departure or not absent:
        return
    yield Fired(
        severity=2,
        action=REVIEW,
        explanation=(
            f"Sailing {shown(boarding.manifest.sailing_id)}: {absent} of {len(boarding.manifest.tickets)} ticket"
            " holders did not board."
        ),
        inputs=_boarding_inputs(boarding),
        tolerance="everyone with a ticket boards before departure",
    )


def heads_not_tickets(boarding: Boarding) -> Iterator[Fired]:
    """P07: heads that were counted are not those that boarded with a ticket."""
    with_ticket = len(boarding.manifest.tickets.keys() & boarding.boarded)
    allowed = boarding.policy.P07.heads_allowed
    if boarding.heads is None or abs(boarding.heads - with_ticket) <= allowed:
        return
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=(
            f"Sailing {shown(boarding.manifest.sailing_id)}: {boarding.heads} heads were counted, {with_ticket} boarded"
            " with a ticket."
        ),
        inputs=_boarding_inputs(boarding),
        tolerance=f"as many heads as tickets that boarded, {allowed} more or less (policy P07.heads_allowed)",
    )


def _boarding_inputs(boarding: Boarding) -> tuple[Input, ...]:
    departure, source = boarding.departure_unix_ns, f"sailing {shown(boarding.manifest.sailing_id)}"
    return (
        Input("tickets", str(len(boarding.manifest.tickets)), source),
        Input("boarded", str(len(boarding.boarded)), source),
        Input("heads", "not counted" if boarding.heads is None else str(boarding.heads), source),
        Input("departure_utc", moment(departure) if departure else "not known", source),
    )
