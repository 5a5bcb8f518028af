"""`gate-collector agents` and `keys` as an operator uses them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.agents import registry
from collector.cli import cli
from collector.config import load_config
from collector.errors import CollectorError
from collector.store.engine import open_store
from gate_contract.checkpoint import parse_keys

CONFIG = """
deployment = "hainan.example"
state_dir = "state"
hostnames = ["127.0.0.1", "c.example", "2001:db8::5"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "collector.toml"
    path.write_text(CONFIG)
    return path


def run(config: Path, *arguments: str) -> Result:
    environment = {"TIDEGATE_COLLECTOR_CONFIG": str(config)}
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, env=environment)


def invitation(config: Path, *arguments: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(
        run(config, "agents", "invite", "gate-1", "--site", "haikou", *arguments).stdout
    )
    return values


def enrol(config: Path, token: str) -> None:
    store = open_store(load_config(config).database_url)
    with store.write() as conn:
        registry.redeem(
            conn, token, bytes(32), "hainan.example", datetime.now(UTC), append_entries=lambda _conn, _entries: 0
        )
    store.close()


def test_an_invitation_holds_all_that_a_machine_needs(config: Path) -> None:
    values = invitation(config, "--valid", "90m")
    assert {name: values[name] for name in ("format", "deployment", "agent_id", "site_id", "enrol", "uplink")} == {
        "format": 1,
        "deployment": "hainan.example",
        "agent_id": "gate-1",
        "site_id": "haikou",
        "enrol": "c.example:7444",
        "uplink": "c.example:7443",
    }
    assert values["ca_pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in json.dumps(values)
    expires = datetime.fromisoformat(values["expires"])
    assert timedelta(minutes=89) < expires - datetime.now(UTC) <= timedelta(minutes=90)


def test_the_address_can_be_any_that_the_certificate_is_made_out_to(config: Path) -> None:
    assert invitation(config, "--address", "2001:db8::5")["enrol"] == "[2001:db8::5]:7444"
    with pytest.raises(CollectorError, match=r"not made out to other.example.*hostnames"):
        run(config, "agents", "invite", "gate-1", "--site", "haikou", "--address", "other.example")


def test_an_invitation_needs_fixed_ports(config: Path) -> None:
    config.write_text(CONFIG + 'listen = "0.0.0.0:0"\n')
    with pytest.raises(CollectorError, match="needs fixed ports"):
        run(config, "agents", "invite", "gate-1", "--site", "haikou")


@pytest.mark.parametrize("valid", ["24", "0h", "-1h", "1w", "31d", "h"])
def test_a_duration_that_is_none_is_refused(config: Path, valid: str) -> None:
    done = run(config, "agents", "invite", "gate-1", "--site", "haikou", "--valid", valid)
    assert done.exit_code == 2
    assert "is no duration" in done.output or "longer than 30 days" in done.output


def test_an_invitation_in_a_file_is_for_its_owner_only_also_where_an_open_one_was(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "gate-1.json"
    file.write_text("old")
    file.chmod(0o644)
    done = run(config, "agents", "invite", "gate-1", "--site", "haikou", "-o", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    token = json.loads(file.read_text())["token"]
    assert token not in done.output
    assert "edge-agent enrol --invite gate-1.json" in done.stderr


def test_a_file_that_cannot_be_written_is_named(config: Path, tmp_path: Path) -> None:
    with pytest.raises(CollectorError, match=r"nowhere/x\.json cannot be written"):
        run(config, "agents", "invite", "gate-1", "--site", "haikou", "-o", str(tmp_path / "nowhere" / "x.json"))


def test_nothing_is_revoked_without_a_reason(config: Path) -> None:
    invitation(config)
    refused = run(config, "agents", "revoke", "gate-1", "--reason", " ")
    assert refused.exit_code == 2
    assert "it is empty; say why" in " ".join(refused.output.replace("│", " ").split())
    (agent,) = json.loads(run(config, "agents", "list", "--json").stdout)
    assert agent["open_invitations"] == 1


def test_the_list_shows_invited_enrolled_and_revoked(config: Path) -> None:
    run(config, "keys")
    assert "no agents; invite one" in run(config, "agents", "list").output
    token = invitation(config)["token"]
    assert json.loads(run(config, "agents", "list", "--json").stdout) == [
        {
            "agent_id": "gate-1",
            "site_id": "haikou",
            "state": "invited",
            "origin": None,
            "records": 0,
            "last_seen_ns": None,
            "certificate_end_ns": None,
            "open_invitations": 1,
            "revoked_reason": None,
            "certificate_days": None,
        }
    ]
    enrol(config, token)
    assert "enrolled" in run(config, "agents", "list").output
    done = run(config, "agents", "revoke", "gate-1", "--reason", "[stolen]")
    assert "revoked hainan.example/agent/gate-1/" in done.output
    assert "revoked: [stolen]" in " ".join(run(config, "agents", "list").output.split())


def test_revoking_who_was_only_invited_closes_the_invitation(config: Path) -> None:
    invitation(config)
    assert "its open invitation is closed" in run(config, "agents", "revoke", "gate-1", "--reason", "mistake").output
    assert json.loads(run(config, "agents", "list", "--json").stdout) == []


def test_the_verifier_keys_are_printed_as_a_key_file(config: Path) -> None:
    text = run(config, "keys").stdout
    assert set(parse_keys(text.splitlines())) == {"hainan.example/ledger", "hainan.example/collector"}
    values = json.loads(run(config, "keys", "--json").stdout)
    assert values["deployment"] == "hainan.example"
    assert {values["ledger"], values["receipts"]} == {line for line in text.splitlines() if not line.startswith("#")}


def test_a_state_dir_on_the_command_line_goes_before_the_file_s(config: Path, tmp_path: Path) -> None:
    run(config, "keys", "--state-dir", str(tmp_path / "other"))
    assert (tmp_path / "other" / "keys" / "ledger.key").exists()
    assert not (tmp_path / "state").exists()
