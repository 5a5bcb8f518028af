"""X: scans and radiation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gate_contract.rules.case import Case
from gate_contract.rules.findings import HOLD, REVIEW, Fired, Input
from gate_contract.rules.readings import ScanFact
from gate_contract.rules.selection_rules import scan_order
from gate_contract.rules.text import MOST_NAMED, listed, shown

_SCREENS: Final = {"scan": "scan", "radiation": "radiation reading"}
"""What tells of the inside of every vehicle, by the kind of its reading, in words.

Not ultrasound: it tells changes, and a second empty container in a row is none.
"""


_LONGEST_REASON = 200
"""With the device and its fault."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of a passage's scans: those that policy knows, with their HS chapters, and those that it does not."""

    known: dict[str, tuple[int, ...]]
    unknown: tuple[str, ...]


def classes_of(case: Case) -> Classes:
    """What the scanners say they saw, where they are sure enough."""
    chapters = {name.casefold().strip(): value for name, value in case.policy.X01.chapters.items()}
    least = Decimal(case.policy.X01.least_confidence_percent) / 100
    sure = [each for each in case.passage.seen.scans if not isinstance(each.percent, Decimal) or each.percent >= least]
    names = dict.fromkeys(name for each in sure for name in each.classes)
    return Classes(
        {name: chapters[name] for name in names if name in chapters},
        tuple(name for name in names if name not in chapters),
    )


def goods_not_in_scan(case: Case) -> Iterator[Fired]:
    """X01: none of the classes that the scanner saw can be of a chapter that is declared.

    Silent when a class is not in policy's table, or shows an empty container (that is C06's), or no code is declared.
    """
    found, trip = classes_of(case), case.booked
    seen = {chapter for chapters in found.known.values() for chapter in chapters}
    codes = sorted({code[:2] for each in trip.declarations for code in each.hs_codes}) if trip else []
    declared = {int(code) for code in codes if len(code) == 2}  # noqa: PLR2004 - a chapter has two digits
    if trip is None or found.unknown or not seen or not declared or seen & declared:
        return
    classes = listed([shown(name) for name in found.known])
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=(
            f"The scan shows {classes} (HS chapters {_chapters(seen)}), declared are chapters {_chapters(declared)}"
            f" ({trip.name}): look at the image."
        ),
        inputs=(
            *(Input("scan_classes", listed([shown(n) for n in each.classes]), each.source) for each in _some(case)),
            Input("chapters_seen", _chapters(seen), "policy X01.chapters"),
            Input("chapters_declared", _chapters(declared), trip.source),
        ),
        tolerance="a class of the scan stands for a declared HS chapter (policy X01.chapters)",
    )


def threat_alarm(case: Case) -> Iterator[Fired]:
    """X02: a scanner or a radiation portal gives alarm; a scanner's suspicion asks a person."""
    seen = case.passage.seen
    alarms = [Input("scan_alarm", shown(each.device_verdict) or "alarm", each.source) for each in _said(case, "alarm")]
    for portal in seen.radiation:
        kinds = [word for word, on in (("gamma", portal.gamma_alarm), ("neutron", portal.neutron_alarm)) if on]
        alarms += [Input("radiation_alarm", kind, shown(portal.device_id)) for kind in kinds]
    if alarms:
        words = listed(list(dict.fromkeys(_alarm(each) for each in alarms)))
        yield Fired(
            severity=4,
            action=HOLD,
            explanation=f"Alarm: {words}.",
            inputs=tuple(alarms[: 2 * MOST_NAMED]),
            tolerance="no alarm of a scanner or a radiation portal",
        )
    elif suspects := _said(case, "suspect"):
        words = listed([shown(each.device_verdict) or "suspect" for each in suspects])
        yield Fired(
            severity=3,
            action=REVIEW,
            explanation=f"The scanner is not sure ({words}): look at the image.",
            inputs=tuple(
                Input("scan_suspect", shown(each.device_verdict), each.source) for each in suspects[:MOST_NAMED]
            ),
            tolerance="no alarm and no suspicion of a scanner",
        )


def _alarm(alarm: Input) -> str:
    kind = f"{alarm.value} radiation" if alarm.name == "radiation_alarm" else f"scan says {alarm.value}"
    return f"{kind} ({alarm.source})"


def screening_missing(case: Case) -> Iterator[Fired]:
    """X03: a scan was ordered, and there is none that can be used: a verdict, and the picture that was named.

    Or a scanner or radiation portal that the lane expects a word of for every vehicle told nothing of this one: nobody
    can say that it would have given no alarm, so a person looks.
    """
    yield from list(_ordered_scan(case)) or _lanes_own(case)


def _lanes_own(case: Case) -> Iterator[Fired]:
    missing = [(kind, shown(why, _LONGEST_REASON)) for kind, why in case.passage.missing if kind in _SCREENS]
    if not missing or case.passage.backed_out:
        return
    told = listed([f"{_SCREENS[kind]}: {why or 'no reason is given'}" for kind, why in missing])
    yield Fired(
        severity=3,
        action=REVIEW,
        explanation=f"This lane screens every vehicle, and of this one it has no {told}; a person looks.",
        inputs=tuple(Input(f"{kind}_seen", "missing", why) for kind, why in missing[:MOST_NAMED]),
        tolerance="a reading of every screening device of the lane (`expects` in the site file)",
    )


def _ordered_scan(case: Case) -> Iterator[Fired]:
    order, scans = scan_order(case), case.passage.seen.scans
    if not order or any(each.verdict and not each.image_problem for each in scans):
        return
    problems = [shown(each.image_problem) or "it has no verdict that is known" for each in scans]
    missing = shown(case.passage.why_missing("scan") or "") or "no scan was told"
    yield Fired(
        severity=3,
        action=HOLD,
        explanation=f"A scan was ordered ({shown(order)}), and there is none to use: {listed(problems or [missing])}.",
        inputs=(
            Input("scan_ordered", shown(order), "context" if case.context.scan_ordered else "selection"),
            *(Input("scan", problem, each.source) for problem, each in list(zip(problems, scans, strict=True))[:5]),
        ),
        tolerance="an ordered scan with a verdict and its picture",
    )


def _said(case: Case, verdict: str) -> list[ScanFact]:
    return [each for each in case.passage.seen.scans if each.verdict == verdict]


def _some(case: Case) -> tuple[ScanFact, ...]:
    return case.passage.seen.scans[:MOST_NAMED]


def _chapters(chapters: set[int]) -> str:
    return listed([f"{chapter:02d}" for chapter in sorted(chapters)], most=12)
