from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import cli
from collector.declarations.files import DeclarationFileError
from collector.errors import CollectorError, StoreError
from tests.unit.collector.reconcile.island import CONFIG, Island, a_passage

SAMPLES = Path(__file__).resolve().parents[4] / "docs" / "samples"


def run(island: Island, *arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["declarations", *arguments, "--config", str(island.config_file)], input=stdin)


def report(island: Island, *arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(island, "import", "--json", *arguments, stdin=stdin).stdout)
    return answer


def test_the_samples_are_imported_and_say_the_same(island: Island) -> None:
    first = run(island, "import", str(SAMPLES / "declarations.csv"))
    assert (first.exit_code, first.stdout) == (0, "4 rows: 4 new, 0 changed, 0 unchanged, 0 bad\n")
    second = report(island, str(SAMPLES / "declarations.json"))
    assert second == {
        "rows": 4,
        "new": 0,
        "changed": 0,
        "unchanged": 4,
        "bad_rows": 0,
        "stored": True,
        "bad": [],
    }


def test_bad_rows_are_listed_with_row_field_value_and_reason(island: Island, tmp_path: Path) -> None:
    text = (SAMPLES / "declarations.csv").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.CSV"
    wrong.write_text(text.replace(",outbound,", ",export,", 1), encoding="utf-8")
    done = run(island, "import", str(wrong))
    assert done.exit_code == 1
    assert "direction 'export': is neither inbound" in done.stdout
    assert "nothing was imported" in done.stdout
    assert "or import the others with --partial" in done.stdout
    answer = report(island, str(wrong))
    assert answer["stored"] is False
    [bad] = answer["bad"]
    assert (bad["field"], bad["value"]) == ("direction", "export")
    assert bad["row"] == 2


def test_partial_is_not_offered_where_nothing_is_good(island: Island, tmp_path: Path) -> None:
    text = (SAMPLES / "declarations.csv").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(text.replace("lodged", "lodgd", 1), encoding="utf-8")
    done = run(island, "import", str(wrong))
    assert done.exit_code == 1
    assert "nothing was imported" in done.stdout
    assert "--partial" not in done.stdout


def test_partial_imports_the_others_and_still_ends_with_1(island: Island, tmp_path: Path) -> None:
    entries = json.loads((SAMPLES / "declarations.json").read_text(encoding="utf-8"))
    entries[0]["persons"] = 0
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(entries), encoding="utf-8")
    done = run(island, "import", "--partial", str(wrong))
    assert done.exit_code == 1
    assert "4 rows: 3 new, 0 changed, 0 unchanged, 1 bad" in done.stdout


def test_standard_input_needs_its_format(island: Island) -> None:
    data = (SAMPLES / "declarations.json").read_bytes()
    assert report(island, "-", "--format", "json", stdin=data)["new"] == 4
    done = run(island, "import", "-", stdin=data)
    assert done.exit_code == 2
    assert "--format" in done.stderr


def test_a_file_that_is_not_there_is_wrong_usage(island: Island) -> None:
    assert run(island, "import", "none.csv").exit_code == 2


def test_a_file_that_cannot_be_read_says_why(island: Island, tmp_path: Path) -> None:
    chinese = tmp_path / "gbk.csv"
    chinese.write_bytes((SAMPLES / "declarations.csv").read_text(encoding="utf-8").encode("gbk"))
    done = run(island, "import", str(chinese))
    assert isinstance(done.exception, DeclarationFileError)


def test_another_collectors_keys_cannot_write_into_this_ledger(island: Island) -> None:
    run(island, "import", str(SAMPLES / "declarations.csv"))
    database = island.config.state_dir / "collector.db"
    moved = island.config.state_dir.with_name("moved")
    text = CONFIG.replace('state_dir = "state"', f'state_dir = "moved"\nstorage_url = "sqlite:///{database}"')
    island.config_file.write_text(text, encoding="utf-8")
    done = run(island, "import", str(SAMPLES / "declarations.json"))
    assert isinstance(done.exception, StoreError)
    assert moved.exists()
    assert len(island.ledger_kinds()) == 4


def test_declarations_are_listed_latest_first_and_found_by_site_and_plate(island: Island) -> None:
    run(island, "import", str(SAMPLES / "declarations.csv"))
    everything = json.loads(run(island, "list", "--json").stdout)
    assert [each["declaration_id"] for each in everything][-1] == "460120260301000001"
    assert len(json.loads(run(island, "list", "--json", "--limit", "2").stdout)) == 2
    by_plate = json.loads(run(island, "list", "--json", "--plate", "a·1234挂").stdout)
    assert [each["trailer_plate"] for each in by_plate] == ["琼A1234挂"]
    assert json.loads(run(island, "list", "--json", "--site", "nowhere").stdout) == []
    shown = run(island, "list").stdout
    assert "460120260301000001" in shown
    assert "琼A12345" in shown


def test_a_declaration_is_shown_with_its_versions_and_passages(island: Island, tmp_path: Path) -> None:
    run(island, "import", str(SAMPLES / "declarations.csv"))
    entries = json.loads((SAMPLES / "declarations.json").read_text(encoding="utf-8"))
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps([entries[0] | {"cargo_kilograms": "9000", "persons": 2}]), encoding="utf-8")
    assert report(island, str(changed))["changed"] == 1
    island.receive(a_passage())
    island.reconcile()
    answer = json.loads(run(island, "show", "460120260301000001", "--json").stdout)
    assert [each["version"] for each in answer["versions"]] == [1, 2]
    assert answer["passages"] == ["P-1"]
    assert answer["versions"][0]["goods"][0]["hs_code"] == "0805"
    shown = run(island, "show", "460120260301000001").stdout
    assert "changed: cargo_kilograms, persons" in shown
    assert "P-1" in shown


def test_a_declaration_that_is_not_there_is_an_error(island: Island) -> None:
    done = run(island, "show", "D-404")
    assert isinstance(done.exception, CollectorError)
    assert "D-404" in str(done.exception)


def test_a_reading_command_makes_no_empty_database(tmp_path: Path) -> None:
    config = tmp_path / "collector.toml"
    config.write_text(CONFIG, encoding="utf-8")
    done = CliRunner().invoke(cli, ["declarations", "list", "--config", str(config)])
    assert isinstance(done.exception, StoreError)
    assert [path.name for path in tmp_path.iterdir()] == ["collector.toml"]


@pytest.mark.parametrize("command", [["import"], ["list"], ["show"]])
def test_every_command_has_help(island: Island, command: list[str]) -> None:
    assert "--json" in run(island, *command, "--help").stdout
