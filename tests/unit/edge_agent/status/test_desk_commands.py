"""gatectl at the desk without an agent: what is shown of its last words, and acts that are kept or refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from edge_agent.errors import EdgeAgentError
from edge_agent.model.handed_act import Handed, read_handed
from edge_agent.status.acting import Doing, Finding, inspect, lift
from edge_agent.status.cli import cli
from edge_agent.status.clocks import clocks_now
from edge_agent.status.snapshot import FORMAT
from gate_contract.acts import open_act
from gate_contract.v1.act_pb2 import OfficerAct, SignedAct
from tests.unit.edge_agent.desk.desk_doubles import KEYS, OFFICERS

HOLD = {
    "authority": "customs",
    "authority_en": "Customs",
    "authority_zh": "海关",
    "code": "D02",
    "action": "hold",
    "severity": 3,
    "en": "No booking is its declaration.",
    "zh": "未找到对应申报单",
    "lifted_by": "",
    "lift_reason": "",
}
NEEDS = [
    {"authority": "customs", "en": "Customs must lift the hold (D02).", "zh": "须由海关解除拦截（D02）。"},
    {"authority": "", "en": "The staffed lane.", "zh": "人工通道。"},
]


def stopped(passage: str, lane: str = "L1", **changed: Any) -> dict[str, Any]:
    return {
        "lane": lane,
        "passage": passage,
        "revision": 1,
        "since_unix_ns": time.time_ns() - 240_000_000_000,
        "plates": ["琼A12345"],
        "containers": [],
        "documents": [],
        "released": False,
        "opening": "not",
        "action": "hold",
        "holds": [HOLD],
        "needs": NEEDS,
        "acts": [],
        "acts_waiting": 0,
        **changed,
    }


class Room:
    """A machine whose agent left a status file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.site_file = directory / "site.toml"
        self.site_file.write_text('site = "xiuying"\n[agent]\nstate_dir = "state"\nruntime_dir = "run"\n')
        (directory / "run").mkdir()
        (directory / "state" / "acts").mkdir(parents=True)
        self.key = directory / "key.pem"
        self.write_key(NoEncryption())

    def write_key(self, protection: KeySerializationEncryption) -> None:
        self.key.write_bytes(KEYS["C-1"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))

    def says(self, *passages: dict[str, Any], running: bool = True) -> None:
        now = clocks_now()
        snapshot = {
            "format": FORMAT,
            "running": running,
            "written_unix_ns": now.unix_ns,
            "written_boottime_ns": now.boot_ns,
            "written_awake_ns": now.awake_ns,
            "boot_id": now.boot_id,
            "devices": [],
            "lanes": [{"id": "L1"}, {"id": "L2"}],
            "stopped": list(passages),
            "clock": {"before_certificate": False, "date": ""},
            "uplink": {"connected": True, "problem": "", "stalled_s": 0.0},
            "journal": {"problem": "", "imbalance": "", "pending": 0},
            "certificate": {"days_left": 60, "life_days": 90},
        }
        (self.directory / "run" / "status.json").write_text(json.dumps(snapshot))
        (self.directory / "run" / "officers.json").write_text('{"C-1": "customs"}')

    def ask(self, *arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["--config", str(self.site_file), "--lang", "en", *arguments], input=typed)

    def act(self, *arguments: str, typed: str | None = None) -> Result:
        return self.ask(arguments[0], arguments[1], "--as", "C-1", "--key", str(self.key), *arguments[2:], typed=typed)

    def spooled(self) -> list[OfficerAct]:
        acts: list[OfficerAct] = []
        for path in (self.directory / "state" / "acts").glob("*.act"):
            with path.open("rb") as file:
                handed: Handed = read_handed(file.read)
            acts.append(open_act(handed.signed, OFFICERS).act)
        return acts


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_for_each_lane_who_is_in_front_is_shown_with_what_would_release_them(room: Room) -> None:
    room.says(stopped("L1-bb"), stopped("L1-aa"))
    lines = room.ask("why").stdout.splitlines()
    assert lines[0].startswith("L1: HOLD: call the officer  since ")
    assert lines[0].endswith("(4 min)")
    assert lines[1:] == [
        "  passage L1-bb  plate 琼A12345",
        "  ✗ D02  Customs  No booking is its declaration.",
        "  What would release it:",
        "    → Customs must lift the hold (D02).",
        "    → The staffed lane.",
        "  1 more: gatectl passages",
        "L2: nobody is stopped",
    ]
    assert "须由海关解除拦截" in room.ask("why", "L1", "--lang", "zh").stdout
    assert room.ask("why", "L2").stdout == "L2: nobody is stopped\n"
    assert json.loads(room.ask("why", "L1-a", "--json").stdout)["stopped"][0]["passage"] == "L1-aa"


def test_who_is_released_and_perhaps_not_let_through_is_told_with_the_next_step(room: Room) -> None:
    named = {key: value for key, value in stopped("L1-aa").items() if key not in ("action", "holds", "needs", "acts")}
    room.says({**named, "released": True, "opening": "unsure"})
    assert "look whether the barrier opened" in room.ask("why").stdout
    room.says({**named, "released": True, "opening": "not"})
    assert "nothing opened by itself" in room.ask("why").stdout
    behind = {**named, "passage": "L1-00"}
    room.says({**named, "released": True, "opening": "done"}, {**behind, "released": True, "opening": "not"})
    assert room.ask("why").stdout.splitlines() == ["L1: nobody is stopped", "L2: nobody is stopped"]
    room.says({**named, "released": True, "opening": "not"})
    assert "nobody is stopped" in room.ask("why", "L2").stdout
    assert "gatectl override L1-aa --action release" in room.ask("why", "L1-aa").stdout
    assert room.ask("passages").stdout.split() == ["L1", "L1-aa", "4", "min", "released", "琼A12345"]


def test_what_a_lifted_hold_was_lifted_for_is_shown(room: Room) -> None:
    room.says(stopped("L1-aa", holds=[{**HOLD, "lifted_by": "C-1", "lift_reason": "paper shown\x1b[2J"}]))
    assert "settled by C-1: paper shown\N{REPLACEMENT CHARACTER}[2J" in room.ask("why").stdout


def test_every_passage_that_is_kept_is_listed(room: Room) -> None:
    room.says(stopped("L1-bb"), stopped("L2-aa", "L2", plates=[], containers=["CSQU3054383"]))
    assert [line.split() for line in room.ask("passages").stdout.splitlines()] == [
        ["L1", "L1-bb", "4", "min", "HOLD:", "call", "the", "officer", "琼A12345", "D02"],
        ["L2", "L2-aa", "4", "min", "HOLD:", "call", "the", "officer", "CSQU3054383", "D02"],
    ]
    assert len(json.loads(room.ask("passages", "--json").stdout)["passages"]) == 2
    room.says()
    assert room.ask("passages").stdout == "none\n"


def test_an_agent_that_does_not_run_is_said_to_and_what_it_knew_is_shown(room: Room) -> None:
    room.says(stopped("L1-aa"), running=False)
    shown = room.ask("why").stdout.splitlines()
    assert shown[0].startswith("The agent does not run.")
    assert "L1-aa" in shown[2]
    assert json.loads(room.ask("why", "--json").stdout)["running"] is False


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


def test_a_key_under_a_passphrase_is_asked_for_it_and_the_beginning_of_a_name_will_do(room: Room) -> None:
    room.write_key(BestAvailableEncryption(b"open sesame"))
    room.says(stopped("L1-aa77"), stopped("L1-bb88"))
    wrong = room.act("lift", "L1-a", "--reason", "x", typed="no\n")
    assert "does not open the key" in str(wrong.exception)
    done = room.act("lift", "L1-a", "--reason", "paper shown", typed="open sesame\n")
    assert done.exit_code == 1
    assert "open sesame" not in done.output
    assert [act.passage_id for act in room.spooled()] == ["L1-aa77"]


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
