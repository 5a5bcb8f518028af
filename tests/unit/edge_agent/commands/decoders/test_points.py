"""Recorded answers of inputs and distance sensors: the changes that the drivers' own expectations name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.commands.decoders import open_decoder

CAPTURES = Path(__file__).resolve().parents[4] / "captures"


def samples(profile: str) -> list[Any]:
    rows = (CAPTURES / profile / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [pytest.param(profile, json.loads(row), id=f"{profile}-{json.loads(row)['id']}") for row in rows]


def decoded(profile: str, data: bytes, size: int) -> list[dict[str, Any]]:
    decoder = open_decoder(profile, variant=None, profile_dir=None)
    lines = [line for at in range(0, len(data), size) for line in decoder.feed(data[at : at + size])]
    return [*lines, *decoder.finish()]


def changes(lines: list[dict[str, Any]]) -> list[list[Any]]:
    """As expected.jsonl tells them."""
    inputs = [
        [line["at_ms"], change["name"], change["active"], change["initial"]]
        for line in lines
        for change in line.get("changes", ())
    ]
    distances = [[line["at_ms"], line["millimetres"], line["occupied"]] for line in lines if line.get("changed")]
    return inputs or distances


@pytest.mark.parametrize(
    ("profile", "sample"), [*samples("io/modbus"), *samples("io/gpio"), *samples("ultrasonic/modbus-analogue")]
)
def test_a_capture_decodes_to_the_changes_that_are_expected_of_it(profile: str, sample: dict[str, Any]) -> None:
    data = (CAPTURES / profile / sample["file"]).read_bytes()
    expected = [
        [float(each) if isinstance(each, str) and each[0].isdigit() else each for each in row]
        for row in sample["expected"]
    ]

    assert changes(decoded(profile, data, len(data))) == expected
    assert decoded(profile, data, 7) == decoded(profile, data, len(data))


@pytest.mark.parametrize(
    "line",
    [b"hello\n", b"[1]\n", b'{"at_ms": 1}\n', b'{"at_ms": "1", "states": {}}\n', b'{"at_ms": 1, "states": {"a": 1}}\n'],
)
def test_what_is_no_answer_is_garbled_with_the_form_that_is_expected(line: bytes) -> None:
    (found,) = decoded("io/modbus", line, 99)

    assert '{"at_ms": 1200, "states": …}' in found["garbled"]


def test_an_interruption_is_no_reading() -> None:
    decoder = open_decoder("ultrasonic/modbus-analogue", variant=None, profile_dir=None)
    lines = [*decoder.feed(b'{"at_ms": 5, "count": null}\n'), *decoder.finish()]

    assert [line["kind"] for line in lines] == ["interruption"]
    assert decoder.readings == 0


@pytest.mark.parametrize(
    ("profile", "data"),
    [("io/modbus", b"hello\n"), ("ultrasonic/modbus-analogue", b"[]\n"), ("rfid/llrp", b"\xfe" * 64)],
)
def test_of_a_device_without_a_serial_line_the_summary_asks_for_no_baud_rate(profile: str, data: bytes) -> None:
    decoder = open_decoder(profile, variant=None, profile_dir=None)
    lines = [*decoder.feed(data), *decoder.finish()]
    told = " ".join(decoder.summary())

    assert all("garbled" in line for line in lines)
    assert "is the profile the device's?" in told
    assert "baud" not in told
