"""What officers did about a passage, as `passages` and `explain` tell it; and passages of people on foot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import cli
from tests.unit.collector.reconcile.island import HOUR, NOON, SECOND, Island, a_declaration, a_passage
from tests.unit.collector.reconcile.registers import act, manifest, officers, order, sailing, traveller

ONE, OTHER = b"1" * 32, b"3" * 32


def run(island: Island, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--config", str(island.config_file)])


def ask(island: Island, *arguments: str) -> Any:
    done = run(island, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def held(island: Island) -> Island:
    """A truck that an order holds; an officer of its authority has lifted that, under another's key somebody else."""
    island.enter(*officers(), order())
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile()
    island.bring(
        act(act_id="A-1", at=NOON + SECOND, forged=True), act(act_id="A-2", at=NOON + 2 * SECOND), at=NOON + HOUR
    )
    return island


def test_a_lifted_hold_is_told_with_who_lifted_it_and_why(held: Island) -> None:
    [line] = ask(held, "passages")
    assert (line["action"], line["standing_action"]) == ("hold", "release")
    standing = ask(held, "explain", "P-1")["standing"]
    assert (standing["action"], standing["released"], standing["needs"]) == ("release", True, [])
    [hold] = standing["holds"]
    assert (hold["authority"], hold["code"], hold["order"]) == ("customs", "O01", "O-1 version 1")
    assert (hold["lifted_by"], hold["lift_reason"]) == ("customs1", "looked at it")
    assert [each["act_id"] for each in standing["acts"]] == ["A-2"]
    assert ["A-1" in each for each in standing["refused_acts"]] == [True]


def test_a_person_is_told_the_same(held: Island) -> None:
    assert "hold, now release" in run(held, "passages").stdout
    said = run(held, "explain", "P-1").stdout
    for words in ("stands now: release", "O01 O-1 version 1", "customs1", "looked at it", "it does not count"):
        assert words in said


def test_what_would_release_a_passage_is_said_in_two_languages(island: Island) -> None:
    island.receive(a_passage())
    island.reconcile()
    standing = ask(island, "explain", "P-1")["standing"]
    assert (standing["action"], standing["released"]) == ("hold", False)
    assert all(need["en"] and need["zh"] for need in standing["needs"])
    said = run(island, "explain", "P-1").stdout
    assert standing["needs"][0]["zh"] in said.replace("\n", "")


def test_a_person_on_foot_is_listed_and_explained_without_a_plate(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1"}))
    passage = traveller([OTHER])
    passage.readings.add(device_id="camera").face.outcome = "matched"
    island.receive(passage)
    island.reconcile()
    [line] = ask(island, "passages")
    assert (line["passage_id"], line["plate"], line["findings"][:1]) == ("T-1", "", ["P01"])
    told = ask(island, "explain", "T-1")
    assert [each["read"] for each in told["passage"]["readings"]] == [f"document {OTHER.hex()[:8]}", "face: matched"]
    said = run(island, "explain", "T-1").stdout
    assert "face: matched" in said
    assert OTHER.hex() not in said
    assert "booked" not in said
