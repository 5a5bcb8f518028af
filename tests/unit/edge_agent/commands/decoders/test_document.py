"""What `decode` prints of documents: nothing of the holder, unless it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edge_agent.commands.decode import decode
from edge_agent.commands.decoders import open_decoder
from edge_agent.commands.decoders.document import masked
from edge_agent.commands.devices.record import record
from edge_agent.errors import EdgeAgentError
from tests.unit.edge_agent.commands.decoders.test_device_captures import OWN, decoded, differences, samples

PROFILE = "document/mrz-lines"
FOLDER = OWN / PROFILE
HOLDER = ("ERIKSSON", "ANNA", "L898902C3", "D23145890", "740812")


@pytest.mark.parametrize("sample", samples(FOLDER), ids=lambda sample: str(sample["id"]))
def test_captures_come_out_as_expected_and_covered_however_they_are_cut(sample: dict[str, Any]) -> None:
    data = (FOLDER / sample["file"]).read_bytes()
    whole = decoded(PROFILE, data, len(data))
    assert list(differences(whole, sample["expected"]["lines"])) == []
    assert decoded(PROFILE, data, 1) == whole
    assert decoded(PROFILE, data, 7) == whole
    printed = json.dumps(whole) + "".join(str(bytes.fromhex(line["hex"])) for line in whole)
    assert not [each for each in HOLDER if each in printed]


def test_all_is_shown_to_who_asks_for_it() -> None:
    shown = CliRunner().invoke(decode, ["--profile", PROFILE, "--show-personal", str(FOLDER / "each_format.txt")])
    first = json.loads(shown.stdout.splitlines()[0])
    assert bytes.fromhex(first["hex"]).startswith(b"P<UTOERIKSSON<<ANNA<MARIA")
    assert (first["surname"], first["given_names"], first["number"]) == ("ERIKSSON", "ANNA MARIA", "L898902C3")
    assert (first["birth"], first["nationality"], first["sex"]) == ("740812", "UTO", "F")
    covered = CliRunner().invoke(decode, ["--profile", PROFILE, str(FOLDER / "each_format.txt")])
    assert covered.exit_code == 0
    assert "surname" not in covered.stdout


def test_other_kinds_show_what_they_show_anyway() -> None:
    decoder = open_decoder("gnss/nmea0183", variant=None, profile_dir=None, show_personal=True)
    assert decoder.readings == 0


def test_a_short_number_is_covered_whole() -> None:
    assert [masked(each) for each in ("", "12345", "123456")] == ["", "•••••", "1•••56"]


def test_a_capture_of_documents_is_made_only_on_purpose(tmp_path: Path) -> None:
    arguments = ["--port", str(tmp_path / "none"), "--profile", PROFILE, "-o", str(tmp_path / "capture")]
    with pytest.raises(EdgeAgentError, match="people's documents as they are"):
        CliRunner().invoke(record, arguments, catch_exceptions=False)
    assert not (tmp_path / "capture").exists()
