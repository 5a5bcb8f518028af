"""When a camera says that it saw a vehicle, as ISO 8601 with its zone resolved. Pure.

Where the zone comes from, in this order: the offset in the value; the profile, which may say that a value without one
is UTC; the camera's zone in the site file. Without any of them the text has no zone: it is never guessed.

Some cameras count local time as if it were UTC (Dahua's `UTC` beside `RealUTC`). That cannot be seen from the value;
the site file says so for such a camera (`local_as_utc`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

TimeForm = Literal["text", "unix-s", "unix-ms", "unix-us", "unix-ns"]
_DIGITS: dict[TimeForm, int] = {"unix-s": 0, "unix-ms": 3, "unix-us": 6, "unix-ns": 9}
"""Digits of the count that are below a second."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: what is counted may be local time
_LATEST_S = 4_102_444_800  # 2100-01-01: a larger count is in another unit
_MICROSECONDS = 6

_OFFSET = r"[+-](?:0\d|1[0-4]):?[0-5]\d"  # -12:00 to +14:00 are in use
# 2020-03-10T09:12:00+01:00, 2024-01-30 14:34:55, 20200424T1616270000, 20240614 160436372, 2024-04-30T12-34-56-789,
# 2023-12-12 16:12:04 EET, 2009-11-14T15:27+08:00 (as in Hikvision's documents)
_TEXT = re.compile(
    r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})[T ]?\s*"
    r"(\d{2})(?P<sep>[:.-]?)(\d{2})(?:(?P=sep)(\d{2})(?:(?:[.,:]|(?P=sep))(?P<fraction>\d{1,9}))?|(?<=:\d\d))"
    rf"\s*(?P<zone>[Zz]|{_OFFSET}|[+-](?:0\d|1[0-4])|[A-Z]{{2,5}})?"
)
# One that is as it is to be written.
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{0,8}[1-9])?"
    r"(Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_DIGIT = re.compile(r"\d")
_COUNT = re.compile(r"(\d{1,20})(?:\.(\d{0,9}))?")
_SECONDS = 19  # the characters up to the seconds


@dataclass(frozen=True, slots=True)
class CameraClock:
    """What the site knows of a camera's clock.

    Attributes:
        zone: where it stands; None when the site file does not say.
        local_as_utc: it counts local time as if that were UTC.
    """

    zone: tzinfo | None = None
    local_as_utc: bool = False


def capture_time(text: str, form: TimeForm, clock: CameraClock, *, is_utc: bool = False) -> str | None:
    """The time as ISO 8601; with an offset unless nobody knows the zone. None when it is no time.

    Args:
        text: as the camera wrote it.
        form: how that is to be understood.
        clock: the camera's.
        is_utc: without an offset it is UTC beyond doubt, says the profile, even for a camera with `local_as_utc`.
    """
    if form == "text":
        return _of_text(text, clock, is_utc=is_utc)
    return _of_count(text, _DIGITS[form], clock, is_utc=is_utc)


def _of_text(text: str, clock: CameraClock, *, is_utc: bool) -> str | None:
    iso = _ISO.fullmatch(text)
    if iso is not None and not (clock.local_as_utc and iso[1] == "Z"):
        return text if _is_time(text[:_SECONDS]) else None
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        return None
    if not text.isascii():  # with the digits of another script
        match = _TEXT.fullmatch(_DIGIT.sub(lambda digit: str(int(digit[0])), text.strip())) or match
    year, month, day, hour, minute, second, fraction, zone = match.group(1, 2, 3, 4, 6, 7, "fraction", "zone")
    seconds = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}"
    if not _is_time(seconds):
        return None
    offset = _offset(zone or "")
    if offset == "Z" and clock.local_as_utc and not is_utc:
        offset = ""
    elif not offset and is_utc:
        offset = "Z"
    return _written(seconds, (fraction or "").rstrip("0"), offset, clock)


def _of_count(text: str, digits: int, clock: CameraClock, *, is_utc: bool) -> str | None:
    count = _COUNT.fullmatch(text)
    if count is None:
        return None
    whole, below = count[1], count[2] or ""
    seconds, fraction = (whole[:-digits] or "0", whole[-digits:].zfill(digits)) if digits else (whole, below)
    if not 0 < int(seconds) < _LATEST_S:
        return None  # 0 is a clock that was never set
    return _written(
        _second(int(seconds)), fraction.rstrip("0"), "" if clock.local_as_utc and not is_utc else "Z", clock
    )


@lru_cache(maxsize=64)  # several packets come in a second
def _second(count: int) -> str:
    return (_EPOCH + timedelta(seconds=count)).isoformat()


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _offset(zone: str) -> str:
    if zone.isalpha():  # letters other than these are no zone: CST and IST are three each
        return "Z" if zone.upper() in ("Z", "UTC", "GMT") else ""
    return zone if ":" in zone or not zone else f"{zone[:3]}:{zone[3:] or '00'}"


def _written(seconds: str, fraction: str, offset: str, clock: CameraClock) -> str:
    if not offset and clock.zone is not None:
        microsecond = int(fraction[:_MICROSECONDS].ljust(_MICROSECONDS, "0"))
        local = datetime.fromisoformat(seconds).replace(microsecond=microsecond, tzinfo=clock.zone)
        delta = local.utcoffset()
        if delta is not None:
            offset = "Z" if clock.zone is UTC else _offset_text(delta)
    return f"{seconds}.{fraction}{offset}" if fraction else seconds + offset


def _offset_text(delta: timedelta) -> str:
    minutes = int(delta.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
