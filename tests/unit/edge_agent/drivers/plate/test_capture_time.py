"""When a camera saw it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.capture_time import CameraClock, TimeForm, capture_time

NOWHERE = CameraClock()
CHINA = CameraClock(ZoneInfo("Asia/Shanghai"))
LIES = CameraClock(timezone(timedelta(hours=7)), local_as_utc=True)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-03-10T09:12:00+01:00", "2020-03-10T09:12:00+01:00"),
        ("2020-03-10T09:12:00-0530", "2020-03-10T09:12:00-05:30"),
        ("2026-07-15T04:48:11Z", "2026-07-15T04:48:11Z"),
        ("2026-06-20T10:00:00", "2026-06-20T10:00:00"),
        ("2026-07-15 11:18:00", "2026-07-15T11:18:00"),
        ("20200424T1616270000", "2020-04-24T16:16:27"),
        ("20240614 160436372", "2024-06-14T16:04:36.372"),
        ("2024-04-30 12-34-56-789", "2024-04-30T12:34:56.789"),
        ("2024/04/30 12:34:56.120", "2024-04-30T12:34:56.12"),
        ("20200424T161627+01", "2020-04-24T16:16:27+01:00"),
        ("20190123 154156000 +0200", "2019-01-23T15:41:56+02:00"),
        ("2018-04-10 03:03:57 GMT", "2018-04-10T03:03:57Z"),
        ("2023-12-12 16:12:04 EET", "2023-12-12T16:12:04"),
        ("2009-11-14T15:27+08:00", "2009-11-14T15:27:00+08:00"),
        ("2009-11-14T15:27Z", "2009-11-14T15:27:00Z"),
        ("20091114T1527", None),
        ("2020-03-10T09:12:00+99:99", None),
        ("2020-03-10T09:12:00.1+01:60", None),
        ("2026-02-30T10:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_texts_in_the_forms_that_cameras_write(text: str, time: str | None) -> None:
    assert capture_time(text, "text", NOWHERE) == time


@pytest.mark.parametrize(
    ("text", "form", "time"),
    [
        ("1706600095", "unix-s", "2024-01-30T07:34:55Z"),
        ("1706600095.5", "unix-s", "2024-01-30T07:34:55.5Z"),
        ("1623405938252", "unix-ms", "2021-06-11T10:05:38.252Z"),
        ("1772410530000000", "unix-us", "2026-03-02T00:15:30Z"),
        ("1718373876372000000", "unix-ns", "2024-06-14T14:04:36.372Z"),
        ("0", "unix-s", None),
        ("1623405938252", "unix-s", None),
        ("-5", "unix-s", None),
        ("soon", "unix-ms", None),
    ],
)
def test_counts_are_utc(text: str, form: TimeForm, time: str | None) -> None:
    assert capture_time(text, form, CHINA) == time


def test_the_sites_zone_is_for_texts_without_one() -> None:
    assert capture_time("2026-06-20T10:00:00", "text", CHINA) == "2026-06-20T10:00:00+08:00"
    assert capture_time("2026-06-20T10:00:00Z", "text", CHINA) == "2026-06-20T10:00:00Z"
    assert capture_time("2026-06-20 10:00:00 CST", "text", CHINA) == "2026-06-20T10:00:00+08:00"
    assert capture_time("2026-06-20T10:00:00", "text", CHINA, is_utc=True) == "2026-06-20T10:00:00Z"
    assert capture_time("2026-06-20T10:00:00", "text", CameraClock(UTC)) == "2026-06-20T10:00:00Z"


def test_a_zone_with_summer_time_is_resolved_for_the_day() -> None:
    berlin = CameraClock(ZoneInfo("Europe/Berlin"))
    assert capture_time("2026-01-20T10:00:00", "text", berlin) == "2026-01-20T10:00:00+01:00"
    assert capture_time("2026-07-20T10:00:00", "text", berlin) == "2026-07-20T10:00:00+02:00"


def test_a_camera_that_counts_local_time_as_utc_is_put_right_only_where_the_site_file_says_so() -> None:
    assert capture_time("1706625295", "unix-s", LIES) == "2024-01-30T14:34:55+07:00"
    assert capture_time("2024-01-30T14:34:55Z", "text", LIES) == "2024-01-30T14:34:55+07:00"
    assert capture_time("1706600095", "unix-s", LIES, is_utc=True) == "2024-01-30T07:34:55Z"  # RealUTC never lies
    assert capture_time("1706625295", "unix-s", CameraClock(local_as_utc=True)) == "2024-01-30T14:34:55"


@given(st.text(max_size=40), st.sampled_from(["text", "unix-s", "unix-ms", "unix-us", "unix-ns"]))
def test_no_text_makes_it_raise(text: str, form: TimeForm) -> None:
    capture_time(text, form, CHINA)
