"""Every profile that is decoded is tested by replaying captures: our own, and the shared ones if they are at hand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.commands.decoders import open_decoder
from edge_agent.profiles import profile_names

REPOSITORY = Path(__file__).resolve().parents[5]
OWN = REPOSITORY / "tests" / "captures"
SHARED = REPOSITORY.parent / "shared" / "captures"
SHARED_PROFILES = {
    "rpm_tsa_ascii": "radiation/tsa-rapiscan-rpm",
    "ais_nmea": "ais/nmea0183",
    "gnss_nmea": "gnss/nmea0183",
    "llrp": "rfid/llrp",
}
DECODED = [name for name in profile_names() if name.partition("/")[0] in {"ais", "gnss", "radiation", "rfid", "xray"}]


def samples(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "expected.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def decoded(profile: str, data: bytes, size: int) -> list[dict[str, Any]]:
    decoder = open_decoder(profile, variant=None, profile_dir=None)
    lines = [line for at in range(0, len(data), size) for line in decoder.feed(data[at : at + size])]
    return json.loads(json.dumps([*lines, *decoder.finish()]))  # type: ignore[no-any-return]  # as a program reads it


def differences(lines: list[dict[str, Any]], expected: list[dict[str, Any]]) -> Iterator[str]:
    """Expected keys that a line has not; reasons are compared by how they begin."""
    if len(lines) != len(expected):
        yield f"{len(lines)} lines, {len(expected)} expected"
    for line, told in zip(lines, expected, strict=False):
        for key, value in told.items():
            found = line.get(key, "(no such key)")
            if key == "garbled" and str(found).startswith(value):
                continue
            if isinstance(value, dict) and isinstance(found, dict):
                found = {each: found.get(each) for each in value}
            if found != value:
                yield f"{key} is {found}, not {value}, in {line}"


def own_samples() -> list[Any]:
    return [
        pytest.param(name, OWN / name / sample["file"], sample["expected"]["lines"], id=f"{name}-{sample['id']}")
        for name in DECODED
        for sample in samples(OWN / name)
    ]


@pytest.mark.parametrize(("profile", "file", "expected"), own_samples())
def test_our_captures_come_out_as_expected_however_they_are_cut(
    profile: str, file: Path, expected: list[dict[str, Any]]
) -> None:
    data = file.read_bytes()
    whole = decoded(profile, data, len(data))

    assert list(differences(whole, expected)) == []
    assert decoded(profile, data, 1) == whole
    assert decoded(profile, data, 7) == whole


@pytest.mark.parametrize("profile", [name for name in DECODED if name != "xray/dicos"])
def test_every_byte_of_a_capture_is_in_exactly_one_line(profile: str) -> None:
    for sample in samples(OWN / profile):
        data = (OWN / profile / sample["file"]).read_bytes()
        pieces = sorted((line["offset"], bytes.fromhex(line["hex"])) for line in decoded(profile, data, len(data)))
        told = sum(len(piece) for _, piece in pieces)

        assert told == len(data), sample["id"]
        assert all(data[offset:].startswith(piece[:8]) for offset, piece in pieces)


# --- shared captures -------------------------------------------------------------------------------------------------


def shared(folder: str) -> list[Any]:
    if not SHARED.is_dir():
        absent = pytest.mark.skip(reason="the shared captures are not at hand: ../shared/captures")
        return [pytest.param([], {}, id="absent", marks=absent)]
    profile = SHARED_PROFILES[folder]
    found = []
    for sample in samples(SHARED / folder):
        data = (SHARED / folder / sample["file"]).read_bytes()
        found.append(pytest.param(decoded(profile, data, len(data)), sample["expected"], id=sample["id"]))
    return found


@pytest.mark.parametrize(("lines", "expected"), shared("rpm_tsa_ascii"))
def test_shared_radiation_captures_say_what_is_expected(lines: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    if "events" in expected:
        assert [line["event"] for line in lines if "event" in line] == expected["events"]
        assert {line["occupied"] for line in lines} == {expected.get("occupied", False)}
    elif "firmware" in expected:
        assert {key: lines[-1][key] for key in expected} == expected
    else:
        (occupancy,) = (line for line in lines if line["kind"] == "occupancy")
        assert {key: occupancy[key] for key in expected} == expected
    assert not any("garbled" in line for line in lines)


@pytest.mark.parametrize(("lines", "expected"), shared("ais_nmea"))
def test_shared_ais_captures_say_what_is_expected(lines: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    (line,) = lines
    if "reject" in expected:
        assert line["garbled"].startswith("wrong checksum")
        assert "mmsi" not in line
        return
    assert {key: _like(line[key], value) for key, value in expected.items()} == expected


@pytest.mark.parametrize(("lines", "expected"), shared("gnss_nmea"))
def test_shared_gnss_captures_say_what_is_expected(lines: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    (line,) = lines

    assert {key: line[key] for key in expected} == expected


@pytest.mark.parametrize(("lines", "expected"), shared("llrp"))
def test_shared_tag_captures_say_what_is_expected(lines: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    messages = [line for line in lines if "message" in line]
    if "messages" in expected:
        assert len(messages) == expected["messages"]
    if "tags" in expected:
        assert [tag for message in messages for tag in message["tags"]] == expected["tags"]
    if "leftover_bytes" in expected:
        assert len(bytes.fromhex(lines[-1]["hex"])) == expected["leftover_bytes"]
        assert lines[-1]["garbled"].startswith("the input ended inside a message")
    if "message" in expected:
        assert {key: messages[0][key] for key in expected} == expected


def _like(found: Any, expected: Any) -> Any:
    """The expectation is written with four decimal places where the message has six."""
    if isinstance(expected, float) and abs(found - expected) < 0.000_06:
        return expected
    return found


@pytest.mark.parametrize(
    ("profile", "other", "hint"),
    [
        ("gnss/nmea0183", "ais/nmea0183", "ships: ais/nmea0183"),
        ("ais/nmea0183", "gnss/nmea0183", "time: gnss/nmea0183"),
    ],
)
def test_good_sentences_of_another_device_are_no_readings_and_its_profile_is_named(
    profile: str, other: str, hint: str
) -> None:
    data = (OWN / other / {"ais/nmea0183": "position.txt", "gnss/nmea0183": "one_moment.txt"}[other]).read_bytes()
    decoder = open_decoder(profile, variant=None, profile_dir=None)
    lines = [*decoder.feed(data), *decoder.finish()]

    assert {line["kind"] for line in lines} == {"sentence"}
    assert decoder.readings == 0
    assert hint in " ".join(decoder.summary())
