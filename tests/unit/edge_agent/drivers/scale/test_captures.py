"""Every profile is tested by replaying captures: our own, and the shared ones where they are at hand."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge_agent.commands.decoders.scale import as_json
from tests.unit.edge_agent.drivers.scale.captures import OWN, REPOSITORY, SCALES, replay, samples

SHARED = REPOSITORY.parent / "shared" / "captures"
SHARED_PROFILES = {
    "yaohua_a9_tf0": "yaohua-xk3190-a9-tf0",
    "yaohua_a9_command": "yaohua-xk3190-a9-command",
    "yaohua_equals": "yaohua-equals-forward",
    "yaohua_a12": "yaohua-xk3190-a12",
    "toledo_continuous": "mettler-toledo-continuous",
    "mt_sics": "mt-sics",
    "toledo_8217": "toledo-8217",
    "nci_scp01": "nci-scp01",
    "ricelake_condec": "rice-lake-condec",
    "st_gs_family": "and-ad4400",
    "ohaus_print": "ohaus-defender",
    "axle_weights": "axle-pt300-ticket",
}
"""A folder's profile, where its samples are of one dialect; the others are named here."""

SHARED_DIALECTS = {
    "fmt1_rev_minus_1_00": "yaohua-equals-reversed",
    "wbsim_trailing_equals": "yaohua-equals-reversed",
    "a12e_underload": "yaohua-xk3190-a12e",
    "dini_underload": "dini-argeo",
    "dini_ext": "dini-argeo",
    "dini_std": "dini-argeo",
    "tscale_nhb_real": "tscale",
}
MOST_IN_A_ROW = 64
TOLD_OF_A_READING = ("weight", "unit", "kind", "stable", "tare", "address", "scale", "device_time")


def own_samples() -> list[Any]:
    return [
        pytest.param(name, OWN / name / sample["file"], sample["expected"], id=f"{name}-{sample['id']}")
        for name in SCALES
        for sample in samples(OWN / name)
    ]


def shared_samples() -> list[Any]:
    if not SHARED.is_dir():
        absent = pytest.mark.skip(reason="the shared captures are not at hand: ../shared/captures")
        return [pytest.param("", SHARED, {}, id="absent", marks=absent)]
    return [
        pytest.param(
            f"scale/{SHARED_DIALECTS.get(sample['id'], name)}",
            SHARED / folder / sample["file"],
            sample["expected"],
            id=f"{folder}-{sample['id']}",
        )
        for folder, name in SHARED_PROFILES.items()
        for sample in samples(SHARED / folder)
    ]


@pytest.mark.parametrize(("name", "file", "expected"), own_samples())
def test_our_captures_come_out_as_expected_however_they_are_cut(
    name: str, file: Path, expected: dict[str, Any]
) -> None:
    data = file.read_bytes()
    whole = replay(name, data, len(data))
    lines = [as_json(item) for item in whole]

    assert [line["reading"] for line in lines if "reading" in line] == expected["readings"]
    assert [line["state"] for line in lines if "state" in line] == expected.get("states", [])
    assert [line["flags"] for line in lines if "flags" in line] == expected.get("flags", [])
    reasons = [str(line["garbled"]) for line in lines if "garbled" in line]
    told = expected.get("garbled", [])
    assert len(reasons) == len(told)
    assert all(reason.startswith(start) for reason, start in zip(reasons, told, strict=True))
    assert b"".join(bytes.fromhex(str(line["hex"])) for line in lines) == data
    assert replay(name, data, 1) == whole


@pytest.mark.parametrize(("name", "file", "expected"), shared_samples())
def test_shared_captures_come_out_as_expected(name: str, file: Path, expected: dict[str, Any]) -> None:
    data = file.read_bytes()
    if file.name.endswith(".hex.txt"):
        data = bytes.fromhex(data.decode())
    lines = [as_json(item) for item in replay(name, data, MOST_IN_A_ROW)]
    readings: list[dict[str, Any]] = [line["reading"] for line in lines if isinstance(line.get("reading"), dict)]  # type: ignore[misc]  # isinstance just looked

    if "readings" in expected:
        _check_readings(readings, expected)
    if "count" in expected:
        _check_many(readings, expected)
    if "wheels" in expected:
        (reading,) = readings
        assert reading["weight"] == str(expected["total"])
        assert [reading["wheels"], reading["axles"]] == [list(map(str, expected[key])) for key in ("wheels", "axles")]
    assert [line["state"] for line in lines if "state" in line and "state" in expected] == (
        [expected["state"]] if "state" in expected else []
    )
    for key in ("flags", "request", "serial_number", "probe"):
        if key in expected:
            assert lines[0][key] == expected[key]
    if "leftover_bytes" in expected:
        assert lines[-1]["hex"] == data[-expected["leftover_bytes"] :].hex(" ")
    if "reject" in expected:
        assert [line["garbled"] for line in lines if "garbled" in line]


def _check_readings(readings: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    """Every value that is expected of a reading, also those told once for the whole frame."""
    assert len(readings) == len(expected["readings"])
    for reading, wanted in zip(readings, expected["readings"], strict=True):
        for key in TOLD_OF_A_READING:
            if key in wanted:
                assert reading[key] == wanted[key]
        for key in ("tare", "device_time", "pieces"):
            if key in expected:
                assert reading[key] == str(expected[key])


def _check_many(readings: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    """A long stream is told by counts and its first and last weight."""
    weights = [Decimal(reading["weight"]) for reading in readings]
    first, last = expected.get("first"), expected.get("last")
    found = {
        "count": len(readings),
        "unit": "/".join({reading["unit"] for reading in readings}),
        "stable_count": sum(reading["stable"] is True for reading in readings),
        "unstable_count": sum(reading["stable"] is False for reading in readings),
        "net_count": sum(reading["kind"] == "net" for reading in readings),
        "min": float(min(weights)),
        "max": float(max(weights)),
        "first": ["ST", readings[0]["weight"]] if isinstance(first, list) else readings[0]["weight"],
        "last": ["ST", readings[-1]["weight"]] if isinstance(last, list) else readings[-1]["weight"],
    }
    assert found == found | {key: value for key, value in expected.items() if key in found}
