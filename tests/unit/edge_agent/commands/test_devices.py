"""The commissioning commands where nothing is plugged in: what they say, and how they rank profiles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.commands.decoders import open_decoder
from edge_agent.commands.devices import devices
from edge_agent.commands.devices._fit import fits
from edge_agent.commands.devices.probe import Try, _site_lines
from edge_agent.errors import ConfigError, EdgeAgentError

RELATIVES = ("scale/and-ad4400", "scale/dini-argeo", "scale/tscale")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(devices, [str(each) for each in arguments])


@pytest.mark.parametrize("port", ["", "socket://x", "ftp://scale:4001"])
def test_what_is_no_port_is_refused_in_words(port: str) -> None:
    done = run("probe", "--port", port)
    assert isinstance(done.exception, ConfigError)
    assert f"port: {port!r} is no" in str(done.exception)


def test_of_a_port_that_cannot_be_read_no_cable_is_suspected(tmp_path: Path) -> None:
    done = run("watch", "--port", tmp_path / "gone", "--profile", "scale/dini-argeo", "--seconds", "0.2")
    assert done.exit_code == 1
    assert "does not exist" in done.stderr
    assert "the cable" not in done.stderr


def test_a_recording_of_nothing_leaves_no_file_and_says_so_to_a_script(tmp_path: Path) -> None:
    asked = ("--port", tmp_path / "gone", "--profile", "scale/dini-argeo", "--seconds", "0.2", "--json")
    done = run("record", *asked, "-o", tmp_path / "capture.bin")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "capture": None,
        "bytes": 0,
        "profile": "scale/dini-argeo",
        "port": str(tmp_path / "gone"),
    }
    assert list(tmp_path.iterdir()) == []


def test_times_of_a_capture_that_cannot_be_read_are_told_by_their_file(tmp_path: Path) -> None:
    (tmp_path / "capture.bin").write_bytes(b"abc")
    (tmp_path / "capture.bin.times.jsonl").write_text("{}\n[0, 1, 2]\n", encoding="utf-8")
    done = run("replay", tmp_path / "capture.bin", "--port", tmp_path / "port")
    assert isinstance(done.exception, EdgeAgentError)
    assert "capture.bin.times.jsonl cannot be read" in str(done.exception)
    assert not (tmp_path / "port").exists()


def test_the_port_of_a_tag_reader_is_explained_as_one() -> None:
    done = run("watch", "--port", "192.168.1.9", "--profile", "rfid/llrp")
    assert "write socket://HOST:5084" in str(done.exception)


@pytest.mark.parametrize(
    ("line", "profile"),
    [
        (b"ST,GS,   123.5,kg\r\n", "scale/dini-argeo"),
        (b"ST,GS,+0123.5kg\r\n", "scale/and-ad4400"),
        (b"ST,GS   123.5kg \r\n", "scale/tscale"),
    ],
)
def test_of_profiles_that_read_the_same_the_one_whose_own_form_it_is_comes_first(line: bytes, profile: str) -> None:
    assert fits(line * 6, RELATIVES)[0].profile == profile


@pytest.mark.parametrize(("parity", "told"), [(True, False), (False, True)])
def test_a_parity_that_was_seen_in_bit_7_is_left_to_the_profiles_format(*, parity: bool, told: bool) -> None:
    frame = b"\x02*0 012340000000\r-"
    sent = bytes(byte | (byte.bit_count() % 2 << 7) for byte in frame) if parity else frame
    attempt = Try(9600, "8N1", data=sent * 4, found=fits(sent * 4, ["scale/mettler-toledo-continuous"]))
    assert attempt.fit is not None
    assert ('data_format = "8N1"' in _site_lines("/dev/ttyS0", attempt)) is told


def test_a_line_that_ends_with_cr_is_shown_after_a_pause() -> None:
    decoder = open_decoder("scale/dini-argeo", variant=None, profile_dir=None)
    assert list(decoder.feed(b"ST,GS,   123.5,kg\r")) == []
    assert [line["reading"] for line in decoder.pause()] == [
        {"weight": "123.5", "unit": "kg", "kind": "gross", "stable": True, "tare": None}
    ]
