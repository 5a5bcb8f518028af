"""`edge-agent decode --profile plate/…` over our own captures and the shared ones, however they are cut."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edge_agent.commands.decode import decode
from edge_agent.commands.decoders.plate import open_decoder
from edge_agent.errors import ConfigError
from edge_agent.profiles import profile_names

REPOSITORY = Path(__file__).parents[5]
OWN = REPOSITORY / "tests/captures/plate"
SHARED = REPOSITORY.parent / "shared/captures"
PROFILES = [name for name in profile_names() if name.startswith("plate/")]
FIELDS = ("plate", "confidence", "direction", "lane")
SHARED_PROFILES = {
    "hikvision_anpr": "hikvision-isapi-push",
    "dahua_traffic": "dahua-event-stream",
    "onvif_metadata": "onvif-profile-m",
}


def rows(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    expected = folder / "expected.jsonl"
    if not expected.exists():
        return []
    found = [json.loads(line) for line in expected.read_text("utf-8").splitlines()]
    return [(folder / row["file"], row) for row in found]


def decoded(profile: str, raw: bytes, size: int = 65_536) -> list[dict[str, Any]]:
    decoder = open_decoder(profile, variant=None, profile_dir=None)
    lines: list[dict[str, Any]] = []
    for start in range(0, len(raw), size):
        lines += decoder.feed(raw[start : start + size])
    return [*lines, *decoder.finish()]


OWN_ROWS = [(profile, *row) for profile in PROFILES for row in rows(OWN / profile.removeprefix("plate/"))]
SHARED_ROWS = [(f"plate/{name}", *row) for folder, name in SHARED_PROFILES.items() for row in rows(SHARED / folder)] + [
    (f"plate/{'axis-lpv' if file.name.startswith('axis') else file.name.split('_')[0]}", file, row)
    for file, row in rows(SHARED / "lpr_vendor_json")
]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_captures_and_all_of_them_are_listed(profile: str) -> None:
    folder = OWN / profile.removeprefix("plate/")
    assert {path.name for path in folder.iterdir()} - {"expected.jsonl", "SOURCES.md"} == {
        row["file"] for _, row in rows(folder)
    }
    assert rows(folder)


@pytest.mark.parametrize("size", [65_536, 7, 1])
@pytest.mark.parametrize(
    ("profile", "file", "row"), OWN_ROWS, ids=[f"{profile}-{file.name}" for profile, file, _ in OWN_ROWS]
)
def test_our_captures_mean_what_they_should(profile: str, file: Path, row: dict[str, Any], size: int) -> None:
    lines = decoded(profile, file.read_bytes(), size)
    expected = row["lines"]
    assert len(lines) == len(expected), lines
    for line, wanted in zip(lines, expected, strict=True):
        assert {name: line.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("profile", "file"),
    [
        ("plate/dahua-event-stream", "two_answers_joined.txt"),
        ("plate/dahua-event-stream", "stop_with_plate.txt"),
        ("plate/hikvision-isapi-alertstream", "chunks_as_on_the_wire.txt"),
        ("plate/axis-lpv", "events_cgi.xml"),
    ],
)
def test_a_capture_that_breaks_off_anywhere_tells_no_plate_that_is_not_in_it(profile: str, file: str) -> None:
    raw = (OWN / profile.removeprefix("plate/") / file).read_bytes()
    plates = {line["plate"] for line in decoded(profile, raw)} | {None}
    told = {line["plate"] for end in range(0, len(raw), 3) for line in decoded(profile, raw[:end])}
    assert told == plates


@pytest.mark.skipif(not SHARED_ROWS, reason="the shared captures are not beside this repository")
@pytest.mark.parametrize("size", [65_536, 7])
@pytest.mark.parametrize(("profile", "file", "row"), SHARED_ROWS, ids=[row["id"] for _, _, row in SHARED_ROWS])
def test_the_shared_captures_mean_what_they_should(profile: str, file: Path, row: dict[str, Any], size: int) -> None:
    expected = row["expected"]
    lines = decoded(profile, file.read_bytes(), size)
    plates = [line for line in lines if line["kind"] == "plate"]
    if expected.get("heartbeat") or "heartbeats" in expected:
        assert [line["kind"] for line in lines] == ["heartbeat"] * int(expected.get("heartbeats", 1))
        return
    if "plate" in expected and "eventType" in (described := expected | expected.get("event", {})):
        assert [(line["kind"], line["event"]) for line in lines] == [("other", described["eventType"])]
        return
    wanted = expected.get("plates") or expected.get("events") or expected.get("records") or [expected]
    wanted = [one.get("event", one) for one in wanted]
    assert len(plates) == len(lines) == len(wanted), lines
    for line, one in zip(plates, wanted, strict=True):
        assert {name: line[name] for name in FIELDS if name in one} == {n: one[n] for n in FIELDS if n in one}
        _check_time(line["time"], one)
        assert line.get("cursor") == one.get("cursor")
        assert one.get("state") in (None, line["state"])
    images = expected.get("images", 0)
    if isinstance(images, int):
        assert sum(len(line["pictures"]) for line in plates) == images
    else:
        assert [one["bytes"] for one in plates[0]["pictures"]] == [one["bytes"] for one in images]


def _check_time(said: str | None, expected: dict[str, Any]) -> None:
    if "time_naive" in expected or "time" in expected:
        assert said == expected.get("time_naive", expected.get("time"))
    elif "utc" in expected or "utc_ms" in expected:
        assert said is not None
        milliseconds = expected.get("utc_ms", expected.get("utc", 0) * 1000)
        assert round(datetime.fromisoformat(said).timestamp() * 1000) == milliseconds


def test_the_command_prints_a_line_an_event_and_a_summary_for_the_installer() -> None:
    file = OWN / "hikvision-isapi-alertstream/event_with_pictures.multipart"
    done = CliRunner().invoke(decode, ["--profile", "plate/hikvision-isapi-alertstream", str(file)])
    assert done.exit_code == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["kind"] for line in lines] == ["heartbeat", "plate", "heartbeat"]
    assert {"plate", "confidence", "direction", "lane", "time", "kind"} <= set(lines[1])
    assert "1 vehicle, 2 heartbeats" in done.stderr


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "No bytes"),
        (b"hello\n", "Bytes but no event"),
        (b"<E><eventType>VMD</eventType></E>", "Events but no vehicle: VMD (1)"),
        (b"<E><eventType>videoloss</eventType><eventState>inactive</eventState></E>", "no vehicle came"),
    ],
)
def test_without_vehicles_the_summary_says_what_to_look_at(raw: bytes, says: str) -> None:
    done = CliRunner().invoke(decode, ["--profile", "plate/hikvision-isapi-push", "-"], input=raw)
    assert done.exit_code == 1
    assert says in done.stderr


def test_a_plate_profile_has_no_variants() -> None:
    with pytest.raises(ConfigError, match="has no variants"):
        open_decoder("plate/tattile", variant="x", profile_dir=None)
