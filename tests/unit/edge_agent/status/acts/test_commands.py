"""gatectl at the desk without an agent: acts that are kept or refused, and in which words."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from edge_agent.errors import EdgeAgentError
from edge_agent.status.acts.acting import Doing, Finding, inspect, lift
from edge_agent.status.cli import main
from edge_agent.status.words import told
from gate_contract.v1.act_pb2 import OfficerAct, SignedAct
from tests.unit.edge_agent.desk.desk_doubles import KEYS
from tests.unit.edge_agent.status.desk_room import Room, stopped


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("why", "L9"), "no lane or passage 'L9'"),
        (("lift", "L1-zz", "--as", "C-1", "--key", "KEY", "--reason", "x"), "keeps no passage"),
        (("lift", "L1-a", "--as", "C-1", "--key", "KEY", "--reason", "x"), "may be several"),
        (("lift", "L1-aa", "--as", "C-2", "--key", "KEY", "--reason", "x"), "does not know officer 'C-2'"),
        (("lift", "L1-aa", "--as", "C-1", "--key", "KEY", "--reason", " "), "without a reason"),
        (("lift", "L1-aa", "--as", "C-1", "--key", "KEY", "--reason", "x" * 20_000), "too long"),
        (("lift", "L1-aa", "--as", "C-1", "--key", "nowhere.pem", "--reason", "x"), "is the stick with the key"),
        (("lift", "L1-aa", "--as", "C-1", "--key", "site.toml", "--reason", "x"), "no private key in PEM"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_the_next_step(
    room: Room, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(room.directory)
    room.says(stopped("L1-aa"), stopped("L1-ab"))
    done = room.ask(*(str(room.key) if each == "KEY" else each for each in arguments))
    assert isinstance(done.exception, EdgeAgentError)
    assert words in str(done.exception)
    assert room.spooled() == []


def test_before_the_agent_ever_ran_there_is_nothing_to_show_but_acts_are_kept(room: Room) -> None:
    done = room.ask("why")
    assert "systemctl start edge-agent" in str(done.exception)
    done = room.act("lift", "L1-3f2a", "--reason", "paper shown", "--authority", "customs", "--code", "d02")
    assert (done.exit_code, "counts as soon as the agent runs" in done.stdout) == (1, True)
    (act,) = room.spooled()
    assert (act.passage_id, act.site_id, act.officer_id, list(act.lift.codes)) == ("L1-3f2a", "xiuying", "C-1", ["D02"])
    assert act.deployment == "", "nobody knows it yet"


def test_a_key_under_a_passphrase_is_asked_for_it_and_the_beginning_of_a_name_will_do(room: Room) -> None:
    room.write_key(BestAvailableEncryption(b"open sesame"))
    room.says(stopped("L1-aa77"), stopped("L1-bb88"))
    wrong = room.act("lift", "L1-a", "--reason", "x", typed="no\n")
    assert "does not open the key" in str(wrong.exception)
    done = room.act("lift", "L1-a", "--reason", "paper shown", typed="open sesame\n")
    assert done.exit_code == 1
    assert "open sesame" not in done.output
    assert [(act.passage_id, act.deployment) for act in room.spooled()] == [("L1-aa77", "hainan")]


def test_a_key_of_another_kind_is_refused(room: Room) -> None:
    key = generate_private_key(SECP256R1())
    room.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    room.says(stopped("L1-aa"))
    assert "no Ed25519 key" in str(room.act("lift", "L1-aa", "--reason", "x").exception)


def test_an_inspection_has_what_was_counted_and_seen(room: Room) -> None:
    room.says(stopped("L1-aa"))
    photo = room.directory / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n picture")
    seals = ("--seal", "csqu3054383=HN:1:whole", "--seal", "X9:broken", "--seal", "=:absent")
    told = ("--result", "differs", "--text", "two boxes more", "--packages", "22", *seals, "--photo", str(photo))
    assert room.act("inspect", "L1-aa", *told).exit_code == 1
    (act,) = room.spooled()
    found = act.inspection
    assert (found.packages, found.text, act.reason, found.photos[0].media_type) == (
        22,
        "two boxes more",
        "two boxes more",
        "image/png",
    )
    assert [(seal.container, seal.number, seal.state) for seal in found.seals] == [
        ("CSQU3054383", "HN:1", "whole"),
        ("", "X9", "broken"),
        ("", "", "absent"),
    ]


@pytest.mark.parametrize("seal", ["X9", "X9:open", "CSQU3054383=:whole", ":broken"])
def test_a_seal_that_cannot_be_read_is_refused(seal: str) -> None:
    doing = Doing("a", "xiuying", "P", "C-1", "customs", 1, "x")
    with pytest.raises(EdgeAgentError, match="cannot be read"):
        inspect(doing, Finding("as-declared", "x", seals=(seal,)), KEYS["C-1"])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"GIF89a"), "no JPEG or PNG"),
        (lambda path: path.write_bytes(b"\xff\xd8\xff" + bytes(8 << 20)), "larger than 8 MiB"),
        (lambda _path: None, "cannot be read"),
    ],
)
def test_a_picture_that_cannot_be_kept_is_refused_before_it_is_signed(
    room: Room, make: Callable[[Path], object], words: str
) -> None:
    room.says(stopped("L1-aa"))
    photo = room.directory / "photo.jpg"
    make(photo)
    done = room.act("override", "L1-aa", "--action", "release", "--reason", "x", "--photo", str(photo))
    assert words in str(done.exception)
    assert room.spooled() == []


def test_a_lift_of_all_is_a_lift_on_the_wire() -> None:
    signed = SignedAct.FromString(lift(Doing("a", "s", "P", "C-1", "customs", 1, "x"), (), KEYS["C-1"]).signed)
    assert OfficerAct.FromString(signed.act).WhichOneof("what") == "lift"


def test_an_act_for_which_the_disk_has_no_room_says_so_and_what_to_do(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    room.says(stopped("L1-aa"), running=False)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        error = room.act("lift", "L1-aa", "--reason", "shown on paper").exception
    assert isinstance(error, EdgeAgentError)
    assert error.what == "the act is NOT recorded"
    assert "make room on its disk" in error.fix
    assert told(error, "zh").startswith("操作未记录。采集程序无响应")
    assert list((room.directory / "state" / "acts").iterdir()) == []


@pytest.mark.parametrize("arguments", [["--lang", "zh", "why", "L9"], ["why", "L9", "--lang=zh"]])
def test_an_error_is_told_in_the_language_that_the_command_was_asked_in(
    room: Room, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room.says()
    monkeypatch.setattr("sys.argv", ["gatectl", "--config", str(room.site_file), *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "gatectl: 本机没有车道或通行 'L9'。请查看：gatectl passages 或 gatectl status\n"
