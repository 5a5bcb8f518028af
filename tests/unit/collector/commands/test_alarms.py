"""`alarms` and `incidents`: what a person and a program are told of what is not as it should be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from collector.cli import cli
from collector.store import schema
from collector.store.alarms import LOST, SHORT_JOURNAL, Alarm, keep_alarm
from tests.unit.collector.reconcile.island import HOUR, NOON, Island, a_declaration, a_passage


def run(island: Island, *arguments: str) -> Result:
    done = CliRunner().invoke(cli, [*arguments, "--config", str(island.config_file)])
    assert done.exit_code == 0, done.output
    return done


def ask(island: Island, *arguments: str) -> Any:
    return json.loads(run(island, *arguments, "--json").stdout)


@pytest.fixture
def troubled(island: Island) -> Island:
    """Two alarms, two incidents."""
    island.receive(a_passage("P-1"))
    origin = island.journal().origin
    with island.store.write() as connection:
        keep_alarm(connection, island.ledger, Alarm(origin, SHORT_JOURNAL, "it has 2 records, 3 are held", 2), NOON)
        keep_alarm(connection, island.ledger, Alarm(origin, LOST, "record 5 is lost at the gate", 5), NOON + HOUR)
        for index, code, closed_ns in ((7, "device-silent", None), (8, "records-lost", NOON + HOUR)):
            row = {
                "journal_id": 1,
                "record_index": index,
                "incident_id": f"i{index}",
                "code": code,
                "device_id": "scale-1" if index == 7 else "",
                "opened_ns": NOON + index,
                "closed_ns": closed_ns,
                "text": f"\x1b[31mcheck the {code}",
            }
            connection.execute(insert(schema.incidents), row)
    return island


def test_alarms_are_listed_the_newest_first(troubled: Island) -> None:
    found = ask(troubled, "alarms")
    assert [(each["kind"], each["record_index"]) for each in found] == [("lost-records", 5), ("short-journal", 2)]
    assert found[0]["origin"] == troubled.journal().origin
    assert ask(troubled, "alarms", "--limit", "1") == found[:1]
    assert ask(troubled, "alarms", "--since", "2100-01-01") == []
    shown = run(troubled, "alarms").stdout
    assert "it has 2 records, 3 are held" in shown
    assert "there are alarms" in run(troubled, "stats").stdout


def test_what_was_quarantined_is_among_the_alarms(troubled: Island) -> None:
    troubled.fork(0, at=NOON + 2 * HOUR)
    assert [each["kind"] for each in ask(troubled, "alarms")] == ["fork", "lost-records", "short-journal"]
    assert "two histories under one key" in run(troubled, "alarms").stdout


def test_incidents_are_listed_the_newest_first_and_harmless_to_a_terminal(troubled: Island) -> None:
    found = ask(troubled, "incidents")
    assert [each["code"] for each in found] == ["records-lost", "device-silent"]
    assert found[0]["record"] == f"{troubled.journal().origin}#8"
    assert (found[1]["closed"], found[1]["closed_unix_ns"]) == (None, None)
    assert ask(troubled, "incidents", "--code", "device-silent", "--limit", "5") == found[1:]
    shown = run(troubled, "incidents").stdout
    assert "check the device-silent" in shown
    assert "\x1b" not in shown


def test_a_passage_that_another_journal_told_first_is_listed_as_such(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage("P-1"))
    island.receive(a_passage("P-1"), agent="gate-2", at=NOON + HOUR)
    island.reconcile(NOON + HOUR)
    found = {each["record"].split("/")[2]: each for each in ask(island, "passages")}
    assert found["gate-1"]["told_first_by_another_journal"] is False
    assert found["gate-2"]["told_first_by_another_journal"] is True
    assert (found["gate-1"]["action"], found["gate-2"]["action"]) == ("release", None)
    assert "told by another" in run(island, "passages").stdout
    assert [each["kind"] for each in ask(island, "alarms")] == ["passage-of-two-journals"]
