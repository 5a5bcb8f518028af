"""The list of officers, and their keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.errors import CollectorError
from collector.registers.intake import NewItem, enter
from collector.registers.officer_keys import as_text, load_key, make_key, read_public_key
from collector.registers.officers import name_deployment
from collector.registers.reading import officers
from gate_contract.acts import LATE_NS, taken_until
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.collected import DEPLOYMENT
from tests.unit.collector.registers.office import HOUR, KEYS, Office


def test_an_id_keeps_its_key_and_authority_and_a_key_its_id(office: Office) -> None:
    for changed, what in (({"key": "stranger"}, "key"), ({"authority": "police"}, "authority")):
        with pytest.raises(CollectorError, match=f"the officer wang has another {what}"):
            office.add("wang", **changed)
    with pytest.raises(CollectorError, match="already that of the officer wang"):
        office.add("zhou", key="wang")
    assert office.add("wang") is None
    changed_rights = office.add("wang", author=False)
    assert changed_rights is not None
    assert changed_rights.version == 2


def test_the_list_names_the_deployment_also_for_those_whom_an_older_release_entered(office: Office) -> None:
    old = Officer(officer_id="zhou", authority="customs", public_key=bytes(32))
    with office.store.write() as connection:
        enter(connection, office.ledger, [NewItem.of(pb.ITEM_KIND_OFFICER, "zhou", old)], office.now_ns)
    assert name_deployment(office.store, office.ledger, office.now_ns) == 1
    assert name_deployment(office.store, office.ledger, office.now_ns) == 0
    with office.store.read() as connection:
        assert {each.deployment for each in officers(connection).values()} == {DEPLOYMENT}


def test_until_when_acts_are_taken_is_told_with_the_end_of_an_office(office: Office) -> None:
    with pytest.raises(CollectorError, match="acts of wang would end before the office does"):
        office.end("wang", office.now_ns, office.now_ns - 1)
    with pytest.raises(CollectorError, match="or it has no end"):
        office.add("zhou", key="stranger", acts_until_unix_ns=office.now_ns)
    assert taken_until(office.end("wang", office.now_ns)) == office.now_ns + LATE_NS
    assert taken_until(office.end("li", office.now_ns, office.now_ns + HOUR)) == office.now_ns + HOUR


@pytest.mark.parametrize(
    ("officer_id", "changed", "told"),
    [
        ("王伟", {}, "cannot be an officer's id"),
        ("zhou", {"authority": "海关 customs"}, "cannot be an officer's authority"),
        ("zhou", {"valid_until_unix_ns": 5}, "is over already"),
        ("zhou", {"valid_from_unix_ns": 2 << 61, "valid_until_unix_ns": 1 << 61}, "end before it begins"),
    ],
)
def test_officers_that_cannot_be_are_refused(
    office: Office, officer_id: str, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(CollectorError, match=told):
        office.add(officer_id, key="stranger", **changed)


def test_an_office_ends_once_and_never_later(office: Office) -> None:
    office.end("li", office.now_ns + HOUR)
    office.end("li", office.now_ns)
    with pytest.raises(CollectorError, match="earlier end already"):
        office.end("li", office.now_ns + HOUR)
    with pytest.raises(CollectorError, match="no officer 'zhou'"):
        office.end("zhou", office.now_ns)
    with office.store.read() as connection:
        assert officers(connection)["li"].valid_until_unix_ns == office.now_ns


def test_a_key_is_made_once_and_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    file = tmp_path / "wang.key"
    public = make_key(file, "correct horse battery")
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in file.read_bytes()
    assert load_key(file, "correct horse battery").public_key().public_bytes_raw() == public
    with pytest.raises(CollectorError, match="does not open"):
        load_key(file, "incorrect horse")
    with pytest.raises(CollectorError, match="there already"):
        make_key(file, "correct horse battery")
    with pytest.raises(CollectorError, match="shorter than 12"):
        make_key(tmp_path / "other.key", "short")
    with pytest.raises(CollectorError, match="cannot be read"):
        load_key(tmp_path / "none.key", "correct horse battery")


def test_a_key_without_passphrase_or_of_another_kind_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "key"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(KEYS["wang"].private_bytes(pem, pkcs8, serialization.NoEncryption()))
    with pytest.raises(CollectorError, match="under no passphrase"):
        load_key(file, "correct horse battery")
    other = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(other.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"correct horse battery")))
    with pytest.raises(CollectorError, match="no Ed25519 key"):
        load_key(file, "correct horse battery")


def test_a_public_key_is_taken_as_text_or_from_a_file(tmp_path: Path) -> None:
    key = KEYS["wang"].public_key()
    raw = key.public_bytes_raw()
    assert read_public_key(as_text(raw)) == raw
    file = tmp_path / "wang.pub"
    file.write_text(as_text(raw) + "\n", encoding="ascii")
    assert read_public_key(str(file)) == raw
    file.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    assert read_public_key(str(file)) == raw
    for wrong in ("", "wang", as_text(raw[:31]), as_text(bytes([1]) + bytes(31)), str(tmp_path / "none")):
        with pytest.raises(CollectorError, match="no public key of an officer"):
            read_public_key(wrong)
