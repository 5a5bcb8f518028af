"""`gate-collector sailings`, `manifests`, `registers` and `policies` as an operator uses them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import cli
from collector.commands._who import who
from collector.errors import CollectorError, ConfigError
from collector.registers.officer_keys import as_text, make_key
from gate_contract.rules import Policy

CONFIG = """
deployment = "hainan.example"
state_dir = "state"
hostnames = ["localhost"]
"""
SOON = (datetime.now(UTC) + timedelta(hours=4)).isoformat(timespec="seconds")
SCHEDULE = f"sailing_id,site_id,departure,mmsi,ship\nHN-1,xinhai,{SOON},413500123,Haikou 8\nHN-2,macun,{SOON},,\n"
MANIFEST = (
    "ticket_id,document_issuer,document_number,document_kind,name,birth\n"
    "T-1,CHN,11010519491231002X,identity-card,王伟,1949-12-31\n"
    "T-2,GBR,707797979,passport,SMITH JOHN,1980-05-06\n"
)


class Desk:
    """A directory with a configuration, and the command."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "collector.toml"
        self.config.write_text(CONFIG, encoding="utf-8")

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        environment = {"TIDEGATE_COLLECTOR_CONFIG": str(self.config)}
        return CliRunner().invoke(cli, arguments, catch_exceptions=False, env=environment, input=stdin)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def file(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_schedule_is_imported_listed_and_heads_are_noted(desk: Desk) -> None:
    done = desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    assert (done.exit_code, done.stdout) == (0, "2 rows: 2 new, 0 changed, 0 unchanged, 0 bad\n")
    assert desk.run("sailings", "heads", "HN-1", "612").stdout == "HN-1: 612 heads\n"
    assert desk.run("sailings", "heads", "HN-1", "612").stdout == "HN-1: 612 heads, as was known\n"
    again = desk.json("sailings", "import", desk.file("s.csv", SCHEDULE))
    assert (again["unchanged"], again["stored"]) == (2, True)
    first, second = desk.json("sailings", "list")
    assert (first["key"], first["version"], first["body"]["heads"], first["tickets"]) == ("HN-1", 2, 612, None)
    assert first["body"]["departure_unix_ns"] > time.time_ns()
    assert (second["key"], "heads" in second["body"]) == ("HN-2", False)
    assert "Haikou 8" in desk.run("sailings", "list").stdout
    assert [each["key"] for each in desk.json("sailings", "list", "--site", "macun")] == ["HN-2"]
    assert desk.json("sailings", "list", "--since", "2099-01-01") == []


def test_a_site_that_is_not_known_is_pointed_out_and_no_error(desk: Desk) -> None:
    desk.config.write_text(f"{CONFIG}[sites.xinhai]\n", encoding="utf-8")
    done = desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    assert done.exit_code == 0
    assert "note: no gate machine serves macun" in done.stderr
    assert "Known: xinhai" in done.stderr


def test_heads_of_a_sailing_that_is_not_known_are_refused(desk: Desk) -> None:
    with pytest.raises(CollectorError, match="no sailing 'HN-9'"):
        desk.run("sailings", "heads", "HN-9", "612")


def test_a_bad_row_is_told_with_row_column_and_fix_and_nothing_is_entered(desk: Desk) -> None:
    text = SCHEDULE.replace("413500123", "4135")
    done = desk.run("sailings", "import", desk.file("s.csv", text))
    assert done.exit_code == 1
    assert "row 2: mmsi '4135': is no MMSI of a ship: nine digits" in done.stdout
    assert "nothing was imported" in done.stdout
    assert desk.json("sailings", "list") == []
    done = desk.run("sailings", "import", "--partial", "--format", "csv", "-", stdin=text)
    assert (done.exit_code, "1 new" in done.stdout) == (1, True)
    assert [each["key"] for each in desk.json("sailings", "list")] == ["HN-2"]


def test_a_manifest_is_imported_and_nobody_is_named_in_any_output_or_file(desk: Desk) -> None:
    desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    passengers = desk.file("m.csv", MANIFEST)
    done = desk.run("manifests", "import", passengers, "--sailing", "HN-1")
    assert done.stdout == "HN-1: 2 tickets, entered\n"
    again = desk.run("manifests", "import", passengers, "--sailing", "HN-1")
    assert again.stdout == "HN-1: 2 tickets, as was known\n"
    Path(passengers).unlink()
    [listed] = desk.json("manifests", "list")
    assert (listed["sailing_id"], listed["tickets"], listed["site_id"]) == ("HN-1", 2, "xinhai")
    assert desk.json("sailings", "list")[0]["tickets"] == 2
    shown = desk.json("registers", "show", "manifest", "HN-1")
    assert shown["versions"][0]["body"]["tickets"] == ["T-1", "T-2"]
    told = "".join(
        desk.run(*arguments).stdout
        for arguments in (("manifests", "list"), ("registers", "show", "manifest", "HN-1"), ("sailings", "list"))
    )
    state = b"".join(file.read_bytes() for file in desk.directory.rglob("*") if file.is_file())
    for secret in ("王伟", "SMITH", "11010519491231002X", "707797979", "1949-12-31"):
        assert secret not in told
        assert secret.encode() not in state


def test_a_bad_row_of_a_manifest_is_told_without_what_is_personal(desk: Desk) -> None:
    desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    wrong = desk.file("m.csv", MANIFEST.replace("1980-05-06", "6 May 1980"))
    done = desk.run("manifests", "import", wrong, "--sailing", "HN-1")
    assert done.exit_code == 1
    assert "row 3: birth '…': is no date, e.g. 1990-02-28" in done.stdout
    done = desk.run("manifests", "import", "--partial", wrong, "--sailing", "HN-1")
    assert "HN-1: 1 tickets, entered; 1 rows are bad and were left out" in done.stdout


def test_drivers_of_declarations_are_recognised_by_their_documents(desk: Desk) -> None:
    desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    declared = {
        "declaration_id": "D-1",
        "lodged": SOON,
        "site_id": "xinhai",
        "direction": "outbound",
        "vehicle_plate": "琼A12345",
        "cargo_kilograms": 0,
        "sailing_id": "HN-1",
        "carrier_id": "C-1",
        "drivers": [{"issuer": "CHN", "number": "11010519491231002X"}],
    }
    file = desk.file("d.json", json.dumps([declared]))
    assert desk.json("declarations", "import", file)["new"] == 1
    assert desk.json("declarations", "import", file)["unchanged"] == 1
    [version] = desk.json("declarations", "show", "D-1")["versions"]
    [driver] = version["drivers"]
    assert (len(driver), version["carrier_id"]) == (64, "C-1")
    bad = desk.json("declarations", "import", desk.file("d.json", json.dumps([declared | {"sailing_id": "HN-9"}])))
    assert "the sailing HN-9 is not known" in bad["bad"][0]["reason"]


def test_registers_are_imported_listed_shown_and_withdrawn(desk: Desk) -> None:
    carriers = desk.file("c.csv", "plate,carrier_id\n琼A12345,C-1\n琼B6,C-2\n")
    assert desk.json("registers", "import", "--kind", "carrier", carriers)["new"] == 2
    desk.run("registers", "import", "--kind", "carrier", desk.file("c.csv", "plate,carrier_id\n琼A12345,C-9\n"))
    listed = desk.json("registers", "list", "carrier")
    assert [(each["key"], each["version"], each["body"]["carrier_id"]) for each in listed] == [
        ("琼A12345", 2, "C-9"),
        ("琼B6", 1, "C-2"),
    ]
    shown = desk.json("registers", "show", "carrier", "琼A12345")
    assert [each["body"]["carrier_id"] for each in shown["versions"]] == ["C-1", "C-9"]
    assert [each["ledger_index"] for each in shown["versions"]] == [0, 2]
    assert "carrier_id C-9" in desk.run("registers", "list", "carrier").stdout
    assert "version 2, received" in desk.run("registers", "show", "carrier", "琼A12345").stdout
    assert desk.run("registers", "withdraw", "carrier", "琼B6").stdout == "carrier 琼B6: withdrawn, version 2\n"
    assert [each["key"] for each in desk.json("registers", "list", "carrier")] == ["琼A12345"]
    assert len(desk.json("registers", "list", "carrier", "--withdrawn")) == 2
    assert desk.run("registers", "list", "carrier", "--limit", "1").exit_code == 0
    with pytest.raises(CollectorError, match="no carrier '粤B1'"):
        desk.run("registers", "show", "carrier", "粤B1")


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("settlement", "declaration_id,paid,currency,order_party\nD-1,100.5,USD,P-1\n", "paid 100.5, currency USD"),
        ("quantity", "declaration_id,name,allowed,unit\nD-1,kilograms,40000,kg\n", "allowed 40000, unit kg"),
        ("journey", "site_id,other_site_id,shortest_s\nxinhai,macun,1500\n", "shortest_s 1500"),
    ],
)
def test_each_register_that_is_imported_says_in_a_line_what_it_holds(
    desk: Desk, kind: str, text: str, says: str
) -> None:
    assert desk.run("registers", "import", "--kind", kind, desk.file("r.csv", text)).exit_code == 0
    assert says in desk.run("registers", "list", kind).stdout


def test_a_policy_is_checked_set_shown_and_withdrawn(desk: Desk) -> None:
    text = "[D01]\ngrace_hours = 48\n"
    expected = Policy.from_toml(text)
    policy = desk.file("policy.toml", text)
    assert f"version 1 entered, hash {expected.hash}" in desk.run("policies", "set", policy).stdout
    assert "known just so" in desk.run("policies", "set", policy).stdout
    site = desk.file("site.toml", "[D01]\ngrace_hours = 36\n")
    desk.run("policies", "set", site, "--site", "xinhai")
    assert desk.json("policies", "show")["toml"] == text
    assert desk.json("policies", "show", "--site", "macun")["toml"] == text
    assert "grace_hours = 36" in desk.run("policies", "show", "--site", "xinhai").stdout
    desk.run("policies", "withdraw", "--site", "xinhai")
    assert desk.json("policies", "show", "--site", "xinhai")["hash"] == expected.hash


def test_whoever_sets_a_policy_is_named_and_must_be_in_office(desk: Desk) -> None:
    key = desk.directory / "key.pem"
    public = as_text(make_key(key, "a long passphrase"))
    desk.run("officers", "add", "C-17", "--authority", "customs", "--public-key", public)
    policy = desk.file("p.toml", "[D01]\ngrace_hours = 36\n")
    assert desk.run("policies", "set", policy, "--as", "C-17").exit_code == 0
    with pytest.raises(CollectorError, match="no officer 'C-18'"):
        desk.run("policies", "withdraw", "--as", "C-18")
    [officer] = desk.json("registers", "show", "officer", "C-17")["versions"]
    [set_] = desk.json("registers", "show", "policy", "")["versions"]
    assert (officer["entered_by"], set_["entered_by"]) == (who(), who("C-17"))
    assert f"by {who('C-17')}" in desk.run("registers", "show", "policy", "").stdout


def test_a_policy_out_of_bounds_changes_nothing(desk: Desk) -> None:
    wrong = desk.file("policy.toml", "[D01]\ngrace_hours = -1\n")
    with pytest.raises(ConfigError, match=r"D01\.grace_hours = -1 is wrong"):
        desk.run("policies", "set", wrong)
    assert desk.run("policies", "set", wrong, "--site", "no site").exit_code == 2
    desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    with pytest.raises(CollectorError, match=r"no policy was set.*policies set FILE"):
        desk.run("policies", "show")


def test_all_that_was_entered_passes_the_audit_and_is_counted(desk: Desk) -> None:
    desk.run("sailings", "import", desk.file("s.csv", SCHEDULE))
    desk.run("manifests", "import", desk.file("m.csv", MANIFEST), "--sailing", "HN-1")
    desk.run("registers", "import", "--kind", "carrier", desk.file("c.csv", "plate,carrier_id\n琼A12345,C-1\n"))
    desk.run("registers", "withdraw", "carrier", "琼A12345")
    audited = desk.json("audit")
    assert audited["problems"] == []
    assert audited["items"] == 5
    assert desk.json("stats")["register_items"] == 3
