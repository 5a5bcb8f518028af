"""`gate-collector forget` and `subjects`: after it nobody can read what was sealed, and the audit still passes."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from collector.declarations.intake import import_declarations
from collector.errors import CollectorError
from collector.privacy import forgetting
from collector.privacy.forgetting import enter_owed
from collector.privacy.keystore import FILE, KeyStore
from collector.registers.intake import NewItem, enter
from collector.registers.officer_keys import as_text
from collector.store import schema
from gate_contract.personal import Person, pseudonym
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.register_pb2 import ITEM_KIND_SAILING, Sailing
from tests.unit.collector.privacy.state import COMMENT, DAY, ERIKA, NOON, OTHER, State

ASKED = ("--reason", "asked for by the person", "--as", "officer-7")


def document(person: Person) -> tuple[str, str, str]:
    return "--document", person.issuer, person.number


def forms(person: Person) -> list[bytes]:
    """The person's name and number as they could stand in a file."""
    texts = [person.number, *person.name.split()]
    return [text.encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le", "utf-16-be")]


def test_after_forgetting_a_person_the_text_and_the_keys_are_nowhere_and_the_audit_passes(state: State) -> None:
    (subject, other) = state.manifest("S-1", [ERIKA, OTHER])
    case_id, case_key = state.case("P-1", COMMENT)
    keys = [state.keys.key(each) for each in (subject, case_key)]
    shown = json.loads(state.run("subjects", "show", subject, "--as", "officer-7", "--reason", "test", "--json").stdout)
    assert [each["person"]["name"] for each in shown] == [ERIKA.name]

    result = state.run("forget", *document(ERIKA), *ASKED, "--with-sailings", "--json")
    assert result.exit_code == 0, result.output
    assert state.run("forget", "--case", case_id, *ASKED).exit_code == 0

    assert [kind for _, kind, _, _ in state.destroyed()] == ["sailing", "subject", "case"]
    assert {(actor, reason) for _, _, actor, reason in state.destroyed()} == {("officer-7", "asked for by the person")}
    everything = state.bytes_of_all_files()
    for gone in (*forms(ERIKA), COMMENT.encode(), COMMENT.encode("utf-16-le"), *keys):
        assert gone is not None
        assert gone not in everything
    shown = json.loads(state.run("subjects", "show", "S-1-0", "--as", "officer-7", "--reason", "test", "--json").stdout)
    assert (shown[0]["person"], shown[0]["problem"]) == (None, "its key was destroyed")
    assert state.keys.key(other) is not None
    assert json.loads(state.run("manifests", "list", "--json").stdout) == [], "gates destroy their copy of its key"
    audit = state.run("audit")
    assert audit.exit_code == 0, audit.output


def test_what_is_still_linked_is_told_and_keeps_the_exit_code_from_0(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    state.manifest("S-2", [OTHER])
    _, key = state.keys.sailing_key("S-1") or ("", b"")
    row = {"pseudonym": pseudonym(key, ERIKA.issuer, ERIKA.number), "passage_id": "P-1", "site_id": "x", "direction": 1}
    with state.store.write() as connection:
        connection.execute(insert(schema.passage_documents), row | {"at_ns": NOON})
    result = state.run("forget", *document(ERIKA), *ASKED, "--json")
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert [each["key_id"] for each in told["keys"]] == [subject]
    linked = [(each["sailing_id"], each["tickets"], each["passages"]) for each in told["still_linked"]]
    assert linked == [("S-1", ["S-1-0"], ["P-1"])]
    # Now that the subject is gone the document still finds the traces; without a document nothing is known of anybody.
    again = state.run("forget", *document(ERIKA), *ASKED)
    assert again.exit_code == 3
    assert "the sailing S-1 keeps its key until" in again.stdout
    assert state.run("forget", "--sailing", "S-1", *ASKED).exit_code == 0
    with pytest.raises(CollectorError, match="there is no key of this person"):
        state.run("forget", *document(ERIKA), *ASKED)


def test_a_driver_of_a_declaration_is_traced_by_document_and_by_subject(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    state.manifest("S-2", [OTHER])
    _, key = state.keys.sailing_key("S-1") or ("", b"")
    driver = pseudonym(key, ERIKA.issuer, ERIKA.number)
    declared = [
        Declaration(declaration_id="D-1", sailing_id="S-1", departure_unix_ns=NOON + DAY, drivers=[driver]),
        Declaration(declaration_id="D-2", sailing_id="S-2", departure_unix_ns=NOON, drivers=[bytes(32)]),
    ]
    with state.store.write() as connection:
        sailings = [
            NewItem.of(ITEM_KIND_SAILING, each, Sailing(sailing_id=each, departure_unix_ns=NOON))
            for each in ("S-1", "S-2")
        ]
        enter(connection, state.ledger, sailings, NOON)
    import_declarations(state.store, state.ledger, list(enumerate(declared, 1)), NOON)
    for who in (document(ERIKA), ("--subject", subject)):
        told = json.loads(state.run("forget", *who, *ASKED, "--dry-run", "--json").stdout)
        linked = [(each["sailing_id"], each["declarations"]) for each in told["still_linked"]]
        assert linked == [("S-1", ["D-1"])]
    assert "declaration D-1" in state.run("forget", "--subject", subject, *ASKED, "--dry-run").stdout


def test_a_dry_run_destroys_nothing(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    result = state.run("forget", "--subject", subject, *ASKED, "--with-sailings", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.count("would be destroyed") == 2
    assert state.keys.key(subject) is not None
    assert state.destroyed() == []


def test_a_number_can_come_by_standard_input(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    state.run("forget", "--document", "UTO", "-", *ASKED, stdin=f"{ERIKA.number}\n")
    assert state.keys.key(subject) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name one of --document"),
        (("--sailing", "S-1", "--case", "C-1"), "name one of --document"),
        ((*document(ERIKA), "--reason", "holder of l898-902c3 asked"), "the document's number is in it"),
        (("--sailing", "S-1", "--reason", " "), "it is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_destroyed(
    state: State, arguments: tuple[str, ...], words: str
) -> None:
    state.manifest("S-1", [ERIKA])
    result = state.run("forget", *ASKED, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert state.destroyed() == []


def test_an_unknown_name_is_an_error_with_the_next_step(state: State) -> None:
    for arguments in (("--sailing", "S-9"), ("--case", "C-9"), ("--subject", "nobody"), document(OTHER)):
        with pytest.raises(CollectorError, match="there is no key of"):
            state.run("forget", *arguments, *ASKED)
    key_id = state.keys.make("sailing", "S-1", NOON)
    with pytest.raises(CollectorError, match="is no subject"):
        state.run("forget", "--subject", key_id, *ASKED)


def test_a_destruction_that_was_cut_off_before_the_ledger_is_entered_later(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    state.keys.destroy(subject, "officer-7", "asked")
    assert state.destroyed() == []
    assert enter_owed(state.store, state.ledger, state.keys, NOON) == 1
    assert enter_owed(state.store, state.ledger, state.keys, NOON) == 0
    assert state.destroyed() == [(subject, "subject", "officer-7", "asked")]


def test_reading_is_kept_before_it_is_shown_and_says_nothing_of_the_person(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    state.manifest("S-2", [ERIKA])
    result = state.run("subjects", "show", subject, "--as", "officer-7", "--reason", "complaint 12")
    assert result.stdout.count(ERIKA.number) == 2
    told = state.run("alarms", "--json").stdout
    assert f"officer-7 opened the personal data of {subject}" in told
    assert "complaint 12" in told
    assert ERIKA.number not in told
    assert json.loads(state.run("stats", "--json").stdout)["alarms"] == 0, "nothing is wrong"
    with pytest.raises(CollectorError, match="is no ticket, no subject and no passage"):
        state.run("subjects", "show", "nobody", "--as", "officer-7", "--reason", "complaint 12")
    assert state.run("subjects", "show", subject, "--as", "officer-7", "--reason", " ").exit_code == 2


def test_only_officers_in_office_forget_and_read_where_any_are_registered(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    reading = state.run("subjects", "show", subject, "--as", "officer-7", "--reason", "test")
    assert "nobody can tell who 'officer-7' is" in reading.stderr
    with pytest.raises(CollectorError, match="cannot be an officer's id"):
        state.run("subjects", "show", subject, "--as", "Anna Eriksson", "--reason", "test")
    key = as_text(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    state.run("officers", "add", "O-1", "--authority", "customs", "--public-key", key)
    for command in (("subjects", "show", subject), ("forget", "--subject", subject)):
        with pytest.raises(CollectorError, match="there is no officer 'officer-7'"):
            state.run(*command, *ASKED)
    assert state.run("subjects", "show", subject, "--as", "O-1", "--reason", "test").exit_code == 0
    state.run("officers", "end", "O-1")
    with pytest.raises(CollectorError, match="O-1 is not in office now"):
        state.run("forget", "--subject", subject, "--as", "O-1", "--reason", "test")
    assert state.destroyed() == []


def test_a_run_that_was_killed_is_finished_by_the_next_one(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.manifest("S-1", [ERIKA])
    with monkeypatch.context() as dying:
        dying.setattr(forgetting, "enter_owed", lambda *_: 0)  # killed before the ledger has it
        state.run("forget", "--sailing", "S-1", *ASKED)
    assert json.loads(state.run("manifests", "list", "--json").stdout) == [], "gates are told before the key goes"
    assert state.destroyed() == []
    with pytest.raises(CollectorError, match="it was destroyed already"):
        state.run("forget", "--sailing", "S-1", *ASKED)
    assert [kind for _, kind, _, _ in state.destroyed()] == ["sailing"]


def test_a_reason_that_names_the_person_is_refused(state: State) -> None:
    state.manifest("S-1", [ERIKA, Person("王伟", "CHN", "E12345678")])
    for person, reason in ((ERIKA, "Anna asked for it"), (Person("", "CHN", "E12345678"), "应王伟要求")):
        done = state.run("forget", *document(person), "--reason", reason, "--as", "officer-7", "--with-sailings")
        assert done.exit_code == 2
        assert "a part of the person's name is in it" in done.stderr
    assert state.destroyed() == []
    assert state.run("forget", *document(ERIKA), *ASKED, "--with-sailings").exit_code == 0


def test_the_audit_finds_a_key_store_that_was_put_back(state: State) -> None:
    (subject,) = state.manifest("S-1", [ERIKA])
    assert state.run("audit").exit_code == 0
    state.keys.close()
    before = (state.directory / FILE).read_bytes()
    assert state.run("forget", "--subject", subject, *ASKED, "--with-sailings").exit_code == 0
    (state.directory / FILE).write_bytes(before)
    result = state.run("audit")
    assert result.exit_code == 1
    assert f"key {subject}: it is there; ledger entry 3 says it was destroyed" in result.stdout
    told = state.run("forget", "--restored", "--as", "officer-7", "--reason", "restored").stdout
    assert told.count("destroyed: the key") == 2
    assert state.run("audit").exit_code == 0
    assert "nothing" in state.run("forget", "--restored", *ASKED).stdout
    (state.directory / FILE).write_bytes(b"no database" * 1000)
    assert "the key store: it cannot be read" in state.run("audit").stdout
    (state.directory / FILE).unlink()
    state.keys = KeyStore(state.directory / FILE)
    assert state.run("audit").exit_code == 0
