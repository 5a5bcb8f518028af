"""`gate-collector officers` and `orders`: an order from draft to lifting, by two persons."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import cli
from collector.errors import CollectorError

CONFIG = 'deployment = "hainan.example"\nstate_dir = "state"\nhostnames = ["localhost"]\n'
PASSPHRASE = "correct horse battery"
NOW = datetime.now(UTC)
DRAFT = f"""
order_id = "HK-17"
authority = "customs"
legal_basis = "Customs Law, article 6"
expires = {(NOW + timedelta(days=7)).isoformat(timespec="seconds")}
action = "inspect"
instruction = "Open the trailer and count the drums."
instruction_zh = "打开挂车并清点桶数。"
about = [{{ plate = "琼A12345" }}]
"""


class Desk:
    """A collector, and two officers with keys of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "collector.toml"
        self.config.write_text(CONFIG, encoding="utf-8")
        for officer in ("wang", "li"):
            line = self.run("officers", "keygen", str(directory / f"{officer}.key")).stdout.splitlines()[0]
            added = self.run(
                "officers", "add", officer, "--authority", "customs", "--public-key", line, "--may", "author,approver"
            )
            assert added.stdout == f"{officer}: version 1 entered\n"

    def run(self, *arguments: str, stdin: str | None = None, offline: bool = False) -> Result:
        environment: dict[str, str] = {"TIDEGATE_OFFICER_PASSPHRASE": PASSPHRASE}
        if not offline:
            environment["TIDEGATE_COLLECTOR_CONFIG"] = str(self.config)
        return CliRunner().invoke(cli, arguments, catch_exceptions=False, env=environment, input=stdin)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def draft(self, text: str = DRAFT) -> Path:
        made = self.directory / "hk-17.order"
        assert self.drafted(text, made).exit_code == 0
        return made

    def drafted(self, text: str, made: Path) -> Result:
        file = self.directory / "draft.toml"
        file.write_text(text, encoding="utf-8")
        return self.run("orders", "draft", str(file), "-o", str(made))

    def sign(self, file: Path, officer: str, role: str, *more: str, stdin: str | None = None) -> Result:
        key = str(self.directory / f"{officer}.key")
        return self.run(
            "orders", "sign", str(file), "--as", officer, "--role", role, "--key", key, *more, stdin=stdin, offline=True
        )

    def signed(self, file: Path) -> Path:
        self.sign(file, "wang", "author", "--yes")
        self.sign(file, "li", "approver", "--yes")
        return file

    def enter(self, file: Path) -> Result:
        return self.run("orders", "enter", str(file))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_order_goes_from_draft_to_every_gate_and_is_lifted_again(desk: Desk) -> None:
    file = desk.draft()
    with pytest.raises(CollectorError, match="not signed by its author yet"):
        desk.enter(file)
    signing = desk.sign(file, "wang", "author", stdin="y\n")
    assert "Open the trailer and count the drums." in signing.stdout
    assert "打开挂车并清点桶数。" in signing.stdout
    assert "plate 琼A12345" in signing.stdout
    assert "signed by wang as author" in signing.stdout
    desk.sign(file, "li", "approver", stdin="y\n")
    entered = desk.enter(file)
    assert entered.stdout == "order HK-17 version 1: active, ledger entry 2\n"
    assert desk.enter(file).stdout == "order HK-17 version 1: active, was entered before\n"
    again = desk.json("orders", "enter", str(file))
    assert (again["standing"], again["new"], again["ledger_index"]) == ("active", False, None)
    [listed] = desk.json("orders", "list")
    assert (listed["standing"], listed["author"], listed["approver"]) == ("active", "wang", "li")
    assert (listed["about"], listed["action"]) == ([{"plate": "琼A12345"}], "inspect")
    lifting = desk.directory / "lift.order"
    desk.run("orders", "lift", "HK-17", "--reason", "nothing was found", "-o", str(lifting))
    assert desk.enter(desk.signed(lifting)).stdout == "order HK-17 version 2: lifted, ledger entry 3\n"
    assert desk.json("orders", "list", "--standing", "active") == []
    shown = desk.json("orders", "show", "HK-17")
    assert (shown["standing"], shown["lift_reason"], shown["versions"]) == ("lifted", "nothing was found", [2, 3])
    told = desk.run("orders", "show", "HK-17").stdout
    assert "version 1, given" in told
    assert "lifts it" in told
    assert "lifted" in desk.run("orders", "list").stdout
    assert desk.json("registers", "list", "order")[0]["body"]["approver"] == "li"
    assert desk.json("audit")["problems"] == []


def test_an_order_file_is_shown_with_who_has_signed_it(desk: Desk) -> None:
    file = desk.draft()
    assert "not signed yet" in desk.run("orders", "show", str(file)).stdout
    desk.sign(file, "wang", "author", "--yes")
    shown = desk.json("orders", "show", str(file))
    assert (shown["author"], shown["approver"], shown["version"]) == ("wang", "", 1)
    assert (shown["signatures"], shown["signatures_because"]) == ("missing", "its approver has not signed yet")
    desk.sign(file, "li", "approver", "--yes")
    assert "signatures hold; entered now it would be active" in desk.run("orders", "show", str(file)).stdout


def test_an_order_file_that_was_changed_is_shown_as_one_that_does_not_hold(desk: Desk) -> None:
    file = desk.signed(desk.draft())
    file.write_bytes(file.read_bytes().replace(b"count the drums", b"let it go ahead"))
    shown = desk.run("orders", "show", str(file)).stdout
    assert "let it go ahead" in shown
    assert "signatures do not hold: the signature of its author wang does not hold" in shown
    assert desk.json("orders", "show", str(file))["signatures"] == "do not hold"


def test_an_order_file_is_shown_unverified_where_there_is_no_list_of_officers(desk: Desk) -> None:
    file = desk.signed(desk.draft())
    desk.config.write_text(CONFIG.replace("state_dir", 'storage_url = "sqlite:////nowhere/c.db"\nstate_dir'))
    assert "signatures not verified: the list of officers is at" in desk.run("orders", "show", str(file)).stdout


def test_a_site_that_no_gate_machine_serves_is_pointed_out(desk: Desk) -> None:
    done = desk.drafted(DRAFT.replace("action =", 'sites = ["xinhia"]\naction ='), desk.directory / "o.order")
    assert "no gate machine serves xinhia yet" in done.stderr


def test_who_does_not_agree_does_not_sign(desk: Desk) -> None:
    file = desk.draft()
    before = file.read_bytes()
    assert desk.sign(file, "wang", "author", stdin="n\n").exit_code == 1
    assert file.read_bytes() == before


def test_an_order_of_one_person_is_refused_and_alarmed(desk: Desk) -> None:
    file = desk.draft()
    desk.sign(file, "wang", "author", "--yes")
    with pytest.raises(CollectorError, match="wang has signed it as author already"):
        desk.sign(file, "wang", "approver", "--yes")
    with pytest.raises(CollectorError, match="the order HK-17 is not signed by its approver yet"):
        desk.enter(file)
    assert desk.json("alarms") == []
    key = str(desk.directory / "stranger.key")
    desk.run("officers", "keygen", key)
    desk.run("orders", "sign", str(file), "--as", "li", "--role", "approver", "--key", key, "--yes")
    with pytest.raises(CollectorError, match=r"is refused.*signature of its approver li does not hold.*nothing was"):
        desk.enter(file)
    assert desk.json("orders", "list") == []
    [alarm] = desk.json("alarms")
    assert alarm["kind"] == "refused-order"
    assert "control order HK-17" in alarm["detail"]


def test_a_draft_that_is_wrong_or_that_nobody_may_sign_makes_no_file(desk: Desk) -> None:
    for text, told in (
        (DRAFT.replace('"inspect"', '"stop"'), "action"),
        (DRAFT.replace('"customs"', '"police"'), "no officer in office acts for 'police'"),
    ):
        draft = desk.directory / "wrong.toml"
        draft.write_text(text, encoding="utf-8")
        made = desk.directory / "wrong.order"
        with pytest.raises(CollectorError, match=told):
            desk.run("orders", "draft", str(draft), "-o", str(made))
        assert not made.exists()


def test_an_order_about_a_person_holds_their_pseudonym_and_not_their_document(desk: Desk) -> None:
    sailings = desk.directory / "sailings.csv"
    departure = (NOW + timedelta(hours=5)).isoformat(timespec="seconds")
    sailings.write_text(f"sailing_id,site_id,departure\nHN-1,xinhai,{departure}\n", encoding="utf-8")
    desk.run("sailings", "import", str(sailings))
    manifest = desk.directory / "manifest.csv"
    manifest.write_text("ticket_id,document_issuer,document_number\nT-1,GBR,707797979\n", encoding="utf-8")
    desk.run("manifests", "import", str(manifest), "--sailing", "HN-1")
    about = 'about = [{ document = { sailing = "HN-1", issuer = "GBR", number = "707 797 979" } }]'
    file = desk.draft("\n".join([*DRAFT.splitlines()[:-1], about]))
    assert b"707797979" not in file.read_bytes()
    [selector] = desk.json("orders", "show", str(file))["about"]
    shown = desk.run("orders", "show", str(file)).stdout
    assert f"document {selector['document'][:12]}…" in shown
    assert desk.enter(desk.signed(file)).exit_code == 0


def test_officers_are_listed_and_their_office_ends(desk: Desk) -> None:
    first, second = desk.json("officers", "list")
    assert (first["officer_id"], first["authority"], first["may"]) == ("li", "customs", ["author", "approver"])
    assert (second["officer_id"], second["in_office"], second["valid_until"]) == ("wang", True, None)
    assert "wang: in office until" in desk.run("officers", "end", "wang").stdout
    assert [each["in_office"] for each in desk.json("officers", "list")] == [True, False]
    assert "(not in office)" in desk.run("officers", "list").stdout
    file = desk.directory / "draft.toml"
    file.write_text(DRAFT, encoding="utf-8")
    with pytest.raises(CollectorError, match="customs has no two officers"):
        desk.run("orders", "draft", str(file), "-o", str(desk.directory / "o.order"))


def test_unknown_rights_are_wrong_usage(desk: Desk) -> None:
    done = desk.run("officers", "add", "chen", "--authority", "police", "--public-key", "x", "--may", "all")
    assert done.exit_code == 2
    assert "is not author, approver or author,approver" in done.stderr


def test_a_key_asks_for_its_passphrase_where_no_variable_has_it(desk: Desk) -> None:
    runner, file = CliRunner(), desk.directory / "chen.key"
    made = runner.invoke(cli, ["officers", "keygen", str(file)], input=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert (made.exit_code, file.exists()) == (0, True)
    assert PASSPHRASE not in made.output
