"""Every profile is tested by replaying captures: our own, and the shared ones where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge_agent.commands.decode import as_json
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.profiles import load_profile, profile_names

REPOSITORY = Path(__file__).resolve().parents[5]
OWN = REPOSITORY / "tests" / "captures"
SHARED = REPOSITORY.parent / "shared" / "captures"
SHARED_DIRECTORIES = {
    "scale/yaohua-xk3190-a9-tf0": "yaohua_a9_tf0",
    "scale/mettler-toledo-continuous": "toledo_continuous",
}
MOST_IN_A_ROW = 64


def samples(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "expected.jsonl").read_text().splitlines()]


def own_samples() -> list[Any]:
    return [
        pytest.param(name, OWN / name / sample["file"], sample["expected"], id=f"{name}-{sample['id']}")
        for name in profile_names()
        for sample in samples(OWN / name)
    ]


def shared_samples() -> list[Any]:
    if not SHARED.is_dir():
        absent = pytest.mark.skip(reason="the shared captures are not at hand: ../shared/captures")
        return [pytest.param("", SHARED, {}, id="absent", marks=absent)]
    return [
        pytest.param(name, SHARED / folder / sample["file"], sample["expected"], id=f"{folder}-{sample['id']}")
        for name, folder in SHARED_DIRECTORIES.items()
        for sample in samples(SHARED / folder)
    ]


def replay(name: str, data: bytes, step: int) -> list[Read | Garbled]:
    driver = ScaleDriver(load_profile(name))
    items = [item for start in range(0, len(data), step) for item in driver.feed(data[start : start + step])]
    return items + driver.flush()


@pytest.mark.parametrize(("name", "file", "expected"), own_samples())
def test_our_captures_come_out_as_expected_however_they_are_cut(
    name: str, file: Path, expected: dict[str, Any]
) -> None:
    data = file.read_bytes()
    whole = replay(name, data, len(data))
    lines = [as_json(item) for item in whole]

    assert [line["reading"] for line in lines if "reading" in line] == expected["readings"]
    assert {line["state"] for line in lines if "state" in line} == (
        {expected["state"]} if "state" in expected else set()
    )
    reasons = [str(line["garbled"]) for line in lines if "garbled" in line]
    told = expected.get("garbled", [])
    assert len(reasons) == len(told)
    assert all(reason.startswith(start) for reason, start in zip(reasons, told, strict=True))
    assert b"".join(bytes.fromhex(str(line["hex"])) for line in lines) == data
    assert replay(name, data, 1) == whole


@pytest.mark.parametrize(("name", "file", "expected"), shared_samples())
def test_shared_captures_come_out_as_expected(name: str, file: Path, expected: dict[str, Any]) -> None:
    lines = [as_json(item) for item in replay(name, file.read_bytes(), MOST_IN_A_ROW)]
    readings = [line["reading"] for line in lines if "reading" in line]

    assert len(readings) == len(expected["readings"])
    for reading, wanted in zip(readings, expected["readings"], strict=True):
        assert isinstance(reading, dict)
        told = {key: value for key, value in wanted.items() if key in reading}
        assert reading == reading | told
    assert [line["state"] for line in lines if "state" in line] == ([expected["state"]] if "state" in expected else [])
    if "leftover_bytes" in expected:
        assert lines[-1]["hex"] == file.read_bytes()[-expected["leftover_bytes"] :].hex(" ")
    if "reject" in expected:
        assert [line["garbled"] for line in lines if "garbled" in line]
