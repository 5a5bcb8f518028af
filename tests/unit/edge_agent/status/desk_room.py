"""A machine whose agent left a status file, asked with gatectl."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from edge_agent.model.handed_act import Handed, read_handed
from edge_agent.status.cli import cli
from edge_agent.status.clocks import clocks_now
from edge_agent.status.snapshot import FORMAT
from gate_contract.acts import open_act
from gate_contract.v1.act_pb2 import OfficerAct
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


LANES: list[dict[str, Any]] = [{"id": "L1"}, {"id": "L2"}]


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

    def says(self, *passages: dict[str, Any], running: bool = True, lanes: Sequence[dict[str, Any]] = LANES) -> None:
        now = clocks_now()
        snapshot = {
            "format": FORMAT,
            "running": running,
            "origin": "hainan/agent/gate-1/0123456789abcdef",
            "written_unix_ns": now.unix_ns,
            "written_boottime_ns": now.boot_ns,
            "written_awake_ns": now.awake_ns,
            "boot_id": now.boot_id,
            "devices": [],
            "lanes": list(lanes),
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
