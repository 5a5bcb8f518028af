"""GNSS sentences: what each says. Pure. NMEA 0183 v4.10, 6.3; an empty field, and a place without a fix, is None.

A receiver may tell a place that it did not measure: reckoned from its last one, typed in by somebody, or simulated. The
place is what the sentence says; `measured` is whether satellites gave it (None: not told), and only that is evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from edge_agent.drivers.nmea0183 import Sentence

Value = str | int | bool | Decimal | tuple["Value", ...] | dict[str, "Value"] | None
Fields = Sequence[str]

PLACES = Decimal("0.000000001")
"""A tenth of a millimetre of latitude: no receiver resolves more."""

_QUALITY = (
    "none",
    "autonomous",
    "differential",
    "precise",
    "rtk_fixed",
    "rtk_float",
    "estimated",
    "manual",
    "simulated",
)
"""GGA, fix quality 0 to 8 (v4.10, 6.3). Beyond them a maker has words of its own."""

_MEASURED_QUALITIES = frozenset({1, 2, 3, 4, 5})
_MEASURED_MODES = frozenset("ADPRF")
"""The mode indicator's autonomous, differential, precise, RTK fixed and float; not E, M, S, which stand for estimated,
manual and simulator, nor N for no fix (v2.3 and later; before it there is none).
"""


class NotThisFormError(ValueError):
    """A good checksum over fields that are none of this sentence; the text says which."""


@dataclass(frozen=True, slots=True)
class GnssSentence:
    """What one sentence says; `kind` is its name ("GGA"), `talker` whose satellites ("GP", "GN", "BD" …)."""

    talker: str
    kind: str
    says: dict[str, Value]


def read_sentence(sentence: Sentence) -> GnssSentence | None:
    """What it says; None for a sentence that is none of these (e.g. a maker's own).

    Raises:
        NotThisFormError: fields that do not belong to it.
    """
    entry = _READERS.get(sentence.kind)
    if entry is None or sentence.talker == "P":
        return None
    fewest, full, reader = entry
    fields = sentence.fields
    if len(fields) < fewest:
        raise NotThisFormError(f"{sentence.kind} has {len(fields)} fields, at least {fewest} are needed")
    return GnssSentence(sentence.talker, sentence.kind, reader(fields + ("",) * (full - len(fields))))


def _gga(fields: Fields) -> dict[str, Value]:
    fix = _whole(fields[5])
    place = _place(fields[1:5]) if fix else _NOWHERE
    return {
        "time": _time(fields[0]),
        **place,
        "fix": fix,
        "fix_type": None if fix is None or fix >= len(_QUALITY) else _QUALITY[fix],
        "measured": None if fix is None or fix >= len(_QUALITY) else fix in _MEASURED_QUALITIES,
        "satellites": _whole(fields[6]),
        "hdop": _number(fields[7]),
        "alt": _number(fields[8]) if fix else None,
        "geoid_separation": _number(fields[10]) if fix else None,
    }


def _gns(fields: Fields) -> dict[str, Value]:
    fix = any(mode != "N" for mode in fields[5])
    return {
        "time": _time(fields[0]),
        **(_place(fields[1:5]) if fix else _NOWHERE),
        "mode": fields[5] or None,
        "fix": int(fix),
        "measured": bool(_MEASURED_MODES.intersection(fields[5])) if fields[5] else None,
        "satellites": _whole(fields[6]),
        "hdop": _number(fields[7]),
        "alt": _number(fields[8]) if fix else None,
        "geoid_separation": _number(fields[9]) if fix else None,
    }


def _rmc(fields: Fields) -> dict[str, Value]:
    valid = _status(fields[1])
    return {
        "time": _time(fields[0]),
        "date": _date(fields[8]),
        "valid": valid,
        "measured": _measured(fields[1], fields[11]),
        **(_place(fields[2:6]) if valid else _NOWHERE),
        "speed_kn": _number(fields[6]) if valid else None,
        "course": _number(fields[7]) if valid else None,
        "status": fields[1] or None,
        "mode": fields[11] or None,
    }


def _gll(fields: Fields) -> dict[str, Value]:
    valid = _status(fields[5])
    return {
        "time": _time(fields[4]),
        "valid": valid,
        "measured": _measured(fields[5], fields[6]),
        "status": fields[5] or None,
        "mode": fields[6] or None,
        **(_place(fields[0:4]) if valid else _NOWHERE),
    }


def _vtg(fields: Fields) -> dict[str, Value]:
    """Since v2.0 each value has its letter; receivers leave out what they do not know, and some leave out km/h."""
    told = {letter: _number(value) for value, letter in zip(fields[::2], fields[1::2], strict=False)}
    mode = fields[8] if len(fields) > 8 else ""  # noqa: PLR2004 - since v2.3
    known = mode != "N"
    return {
        "course": told.get("T") if known else None,
        "course_magnetic": told.get("M") if known else None,
        "speed_kn": told.get("N") if known else None,
        "speed_kph": told.get("K") if known else None,
        "mode": mode or None,
    }


def _gsa(fields: Fields) -> dict[str, Value]:
    dimensions = _whole(fields[1])
    return {
        "mode": fields[0] or None,
        "fix": dimensions,
        "fix_type": {1: "none", 2: "2D", 3: "3D"}.get(dimensions or 0),
        "satellites_used": tuple(_whole(field) for field in fields[2:14] if field),
        "pdop": _number(fields[14]),
        "hdop": _number(fields[15]),
        "vdop": _number(fields[16]),
    }


def _gsv(fields: Fields) -> dict[str, Value]:
    """Four satellites a sentence; since v4.10 a signal id may follow."""
    rest = fields[3:]
    seen = [rest[at : at + 4] for at in range(0, len(rest) - 3, 4)]
    return {
        "sentences": _whole(fields[0]),
        "sentence": _whole(fields[1]),
        "satellites_in_view": _whole(fields[2]),
        "satellites": tuple(
            {"prn": _whole(prn), "elevation": _whole(up), "azimuth": _whole(round_), "snr": _whole(snr)}
            for prn, up, round_, snr in seen
            if prn
        ),
    }


def _zda(fields: Fields) -> dict[str, Value]:
    day, month, year = fields[1:4]
    return {"time": _time(fields[0]), "date": _day(year, month, day) if year and month and day else None}


_READERS: dict[str, tuple[int, int, Callable[[Fields], dict[str, Value]]]] = {
    "GGA": (6, 11, _gga),
    "GNS": (6, 10, _gns),
    "RMC": (8, 12, _rmc),
    "GLL": (6, 7, _gll),
    "VTG": (6, 6, _vtg),
    "GSA": (2, 17, _gsa),
    "GSV": (3, 3, _gsv),
    "ZDA": (4, 4, _zda),
}
"""Fewest fields, fields that are read, reader. Some receivers leave out empty fields at the end, some years of the
standard have fewer.
"""

_NOWHERE: dict[str, Value] = {"lat": None, "lon": None}


def _place(fields: Fields) -> dict[str, Value]:
    """Degrees and minutes with their letters (4807.038,N,01131.000,E) as decimal degrees."""
    latitude, north, longitude, east = fields
    return {
        "lat": _angle(latitude, north, r"(\d{2})(\d{2}(?:\.\d+)?)", "N", "S", 90),
        "lon": _angle(longitude, east, r"(\d{3})(\d{2}(?:\.\d+)?)", "E", "W", 180),
    }


def _angle(text: str, letter: str, form: str, plus: str, minus: str, most: int) -> Decimal | None:
    if not text or not letter:
        return None
    found = re.fullmatch(form, text)
    if found is None or letter not in {plus, minus}:
        raise NotThisFormError(f"{text!r} {letter!r} is no angle")
    minutes = Decimal(found[2])
    degrees = (int(found[1]) + minutes / 60).quantize(PLACES)
    if degrees > most or minutes >= 60:  # noqa: PLR2004 - minutes of a degree
        raise NotThisFormError(f"{text} is beyond {most} degrees or has 60 minutes")
    return degrees if letter == plus else -degrees


def _time(text: str) -> str | None:
    """UTC of day, "18:43:53.07", with the places that the receiver wrote."""
    if not text:
        return None
    found = re.fullmatch(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(\.\d*)?", text)
    if found is None:
        raise NotThisFormError(f"{text!r} is no time of day")
    fraction = found[4] if found[4] not in {None, "."} else ""
    return f"{found[1]}:{found[2]}:{found[3]}{fraction}"


def _date(text: str) -> str | None:
    """ddmmyy; years 80 to 99 are of the last century, when GPS began (v4.10, RMC)."""
    if not text:
        return None
    found = re.fullmatch(r"(\d\d)(\d\d)(\d\d)", text)
    if found is None:
        raise NotThisFormError(f"{text!r} is no date")
    century = "19" if int(found[3]) >= 80 else "20"  # noqa: PLR2004 - see above
    return _day(century + found[3], found[2], found[1])


def _day(year: str, month: str, day: str) -> str:
    """ISO 8601, of a day that there is."""
    text = f"{year}-{month}-{day}"
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise NotThisFormError(f"{text!r} is no date")


def _status(text: str) -> bool:
    if text not in {"A", "V", ""}:
        raise NotThisFormError(f"status {text!r} is neither A nor V")
    return text == "A"


def _measured(status: str, mode: str) -> bool | None:
    """Whether satellites gave this place: the status, and the mode indicator where there is one."""
    if not status:
        return None
    return status == "A" and (not mode or mode in _MEASURED_MODES)


def _number(text: str) -> Decimal | None:
    if not text:
        return None
    if not re.fullmatch(r"[+-]?\d+\.?\d*|[+-]?\.\d+", text):
        raise NotThisFormError(f"{text!r} is no number")
    return Decimal(text)


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise NotThisFormError(f"{text!r} is no whole number")
    return int(text)
