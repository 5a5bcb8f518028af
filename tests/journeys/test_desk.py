"""A vehicle without a declaration is held: staff see why, officers act, also while the agent is down, it goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import select

from collector.config import load_config
from collector.store import schema
from collector.store.engine import open_store
from edge_agent.simulate.gate import BARRIER_FILE
from edge_agent.simulate.io_box import BARRIER, LOOP_OUT, IoBox
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import ask, run_command, running, wait_until
from gate_contract.acts import open_act
from gate_contract.v1.act_pb2 import INSPECTION_RESULT_AS_DECLARED
from gate_contract.v1.order_pb2 import Officer
from tests.journeys.gate_program import CollectorProgram, GateProgram

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("desk")]

SITE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
goods = "regulated"
cameras = ["plate-1"]
"""
PASSPHRASE = "four words that go together"
PHOTO = b"\xff\xd8\xff\xe0" + b"what the officer saw" * 5000


class Port:
    """A collector, a gate for regulated goods with a camera, a customs officer and one of border inspection."""

    def __init__(self, directory: Path) -> None:
        http, io_port = free_ports(2)
        self.directory = directory
        self.box, self.opened = IoBox(io_port), 0
        self.collector = CollectorProgram(directory)
        site = SITE.format(http=http) + BARRIER_FILE.format(io_port=io_port, lane="L1")
        self.gate = GateProgram(directory, site, http)
        self.keys = {"C-17": directory / "customs.pem", "B-4": directory / "border.pem"}

    def add_officers(self) -> None:
        run_command("gate-collector", "officers", "keygen", self.keys["C-17"])  # under a passphrase
        key = Ed25519PrivateKey.generate()
        self.keys["B-4"].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        for officer_id, authority in (("C-17", "customs"), ("B-4", "border")):
            public = self.directory / f"{officer_id}.pub"
            public.write_bytes(self.public(officer_id))
            add = ("officers", "add", officer_id, "--authority", authority, "--public-key", public)
            run_command("gate-collector", *add, "--config", self.collector.config)

    def public(self, officer_id: str) -> bytes:
        given = PASSPHRASE.encode() if officer_id == "C-17" else None
        key = load_pem_private_key(self.keys[officer_id].read_bytes(), given)
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def why(self) -> list[dict[str, Any]]:
        stopped: list[dict[str, Any]] = ask("gatectl", "--config", self.gate.site_file, "why")["stopped"]
        return stopped

    def held(self, plate: str) -> str:
        """The passage of a vehicle that comes without a declaration, when staff can see that it is held."""
        assert self.gate.push(plate) == 200
        wait_until(f"{plate} is held", lambda: any(plate in each["plates"] for each in self.why()))
        (passage,) = [each["passage"] for each in self.why() if plate in each["plates"]]
        return str(passage)

    def act(self, what: str, passage: str, officer: str, *more: str | Path) -> subprocess.CompletedProcess[str]:
        signed = ("--as", officer, "--key", self.keys[officer])
        return run_command("gatectl", "--config", self.gate.site_file, what, passage, *signed, *more, check=False)

    def drives_through(self) -> None:
        """The barrier has opened once more, and whoever it opened for drives through."""
        wait_until("the barrier is open", lambda: self.box.coil(BARRIER))
        self.opened += 1
        assert len(self.box.rises(BARRIER)) == self.opened
        self.box.set_input(LOOP_OUT, active=True)
        wait_until("they are seen", lambda: self.loop() == "loop-out on")
        self.box.set_input(LOOP_OUT, active=False)
        wait_until("the barrier is down", lambda: not self.box.coil(BARRIER))

    def loop(self) -> str | None:
        devices = {device["id"]: device["last_reading"] for device in self.gate.status()["devices"]}
        said: str | None = devices["lane-io"]
        return said

    def rows(self) -> list[Any]:
        with open_store(load_config(self.collector.config).database_url).read() as connection:
            return list(connection.execute(select(schema.officer_acts)).all())


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    port = Port(tmp_path_factory.mktemp("port"))
    with pytest.MonkeyPatch.context() as patch, running(port.gate.agent, port.collector.program), port.box:
        patch.setenv("TIDEGATE_OFFICER_PASSPHRASE", PASSPHRASE)
        port.collector.start()
        port.add_officers()
        port.gate.enrol(port.collector.config)
        port.gate.start()
        officers = port.directory / "run" / "officers.json"
        wait_until("the gate knows the officers", lambda: officers.exists() and "B-4" in officers.read_text())
        yield port


def test_staff_see_in_chinese_who_is_held_why_and_what_would_release_it(port: Port) -> None:
    passage = port.held("琼A12345")
    shown = run_command("gatectl", "--config", port.gate.site_file, "why", "--lang", "zh").stdout
    for words in ("L1", "琼A12345", "D02", "未找到对应申报单", "须由海关解除拦截", "可随时转至人工通道", passage):
        assert words in shown
    english = run_command("gatectl", "--config", port.gate.site_file, "--lang", "en", "why", "L1").stdout
    for words in ("HOLD", "琼A12345", "Customs must lift the hold (D02)", "staffed lane"):
        assert words in english

    documented = (Path(__file__).parents[2] / "docs" / "status.md").read_text(encoding="utf-8")
    (told,) = port.gate.status()["stopped"]
    keys = {*told, *told["holds"][0], *told["needs"][0]}
    assert {key for key in keys if f"`{key}`" not in documented and f".{key}`" not in documented} == set()

    assert not port.box.coil(BARRIER)
    refused = port.act("lift", passage, "B-4", "--reason", "ours")
    assert refused.returncode == 2
    assert "Customs must lift the hold" in refused.stderr
    forged = port.act("lift", passage, "C-17", "--reason", "ours", "--key", port.keys["B-4"])
    assert (forged.returncode, "signature" in forged.stderr) == (2, True)
    assert [each["passage"] for each in port.why()] == [passage]

    done = port.act("lift", passage, "C-17", "--reason", "declaration shown on paper", "--lang", "zh")
    assert (done.returncode, "已记录" in done.stdout, "已放行" in done.stdout) == (0, True, True)
    wait_until("nobody is stopped", lambda: port.why() == [])
    port.drives_through()


def test_an_act_made_while_the_agent_is_dead_counts_when_it_is_back(port: Port) -> None:
    passage = port.held("琼B67890")
    port.gate.agent.kill()
    shown = run_command("gatectl", "--config", port.gate.site_file, "--lang", "en", "why", passage)
    wait_until(
        "it is seen to be down",
        lambda: "does not run" in run_command("gatectl", "--config", port.gate.site_file, "--lang", "en", "why").stdout,
    )
    assert "琼B67890" in shown.stdout
    kept = port.act("inspect", passage, "C-17", "--result", "as-declared", "--text", "20 boxes of rice")
    assert (kept.returncode, "counts as soon as the agent runs" in kept.stdout) == (1, True)
    kept = port.act("lift", passage, "C-17", "--reason", "inspected", "--code", "D02")
    assert kept.returncode == 1
    assert len(list((port.directory / "state" / "acts").glob("*.act"))) == 2
    port.gate.start()
    wait_until("nobody is stopped", lambda: port.why() == [])
    port.drives_through()
    wait_until("the spool is empty", lambda: not list((port.directory / "state" / "acts").iterdir()))


def test_an_override_with_a_picture_reaches_the_collector_signed(port: Port) -> None:
    passage = port.held("琼C24680")
    photo = port.directory / "photo.jpg"
    photo.write_bytes(PHOTO)
    released = ("--action", "release", "--reason", "ambulance", "--photo", photo)
    assert port.act("override", passage, "C-17", *released).returncode == 0
    assert port.act("inspect", passage, "C-17", "--result", "as-declared", "--text", "seen again").returncode == 0
    port.drives_through()
    wait_until(
        "its acts are at the collector", lambda: len([row for row in port.rows() if row.passage_id == passage]) == 2
    )
    first, second = sorted((row for row in port.rows() if row.passage_id == passage), key=lambda row: row.record_index)
    raw = load_pem_private_key(port.keys["C-17"].read_bytes(), PASSPHRASE.encode())
    assert isinstance(raw, Ed25519PrivateKey)
    known = {"C-17": Officer(officer_id="C-17", authority="customs", public_key=raw.public_key().public_bytes_raw())}
    opened = open_act(first.body, known)
    assert (opened.act.reason, opened.act.override.photos[0].sha256) == ("ambulance", sha256(PHOTO).digest())
    assert open_act(second.body, known).act.inspection.result == INSPECTION_RESULT_AS_DECLARED
    digest = sha256(PHOTO).hexdigest()
    kept = load_config(port.collector.config).state_dir / "evidence" / digest[:2] / digest
    wait_until("the picture is at the collector", kept.exists)
    assert kept.read_bytes() == PHOTO
    assert run_command("gate-collector", "audit", "--config", port.collector.config, check=False).returncode == 0


def test_no_plate_and_no_reason_is_in_the_agents_log(port: Port) -> None:
    passage = port.held("琼A12345")
    assert port.act("lift", passage, "C-17", "--reason", "declaration shown on paper").returncode == 0
    port.drives_through()
    log = port.gate.agent.log_tail(1 << 22)
    assert "desk.act" in log
    assert str(os.getuid()) in log
    for secret in ("琼A12345", "ambulance", "declaration shown"):
        assert secret not in log
