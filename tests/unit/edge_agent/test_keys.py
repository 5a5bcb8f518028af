"""The machine's keys: durable before they are used, guarded, and clear about what is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.keys import AgentKeys, Identity, KeysError, journal_key_for, tls_pem
from gate_contract.checkpoint import COSIGNATURE, Checkpoint, Signer, journal_origin, open_checkpoint

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RECEIPTS = Signer("hainan.example/collector", Ed25519PrivateKey.generate(), COSIGNATURE).verifier


def certificate(key: ec.EllipticCurvePrivateKey, life: timedelta = timedelta(days=90)) -> bytes:
    name = x509.Name([])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + life)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def fresh_tls() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return tls_pem(key, certificate(key))


def enrolled(state_dir: Path) -> AgentKeys:
    key = journal_key_for(state_dir, "hainan.example", "gate-1").public_key().public_bytes_raw()
    identity = Identity(
        deployment="hainan.example",
        agent_id="gate-1",
        site_id="haikou",
        origin=journal_origin("hainan.example", "gate-1", key),
        uplink_address="c.example:7443",
        enrol_address="c.example:7444",
        collector_keys=(RECEIPTS.vkey(),),
    )
    return AgentKeys.create(state_dir, identity, b"CA", fresh_tls())


def test_an_enrolled_machine_loads_what_was_made(tmp_path: Path) -> None:
    made, loaded = enrolled(tmp_path), AgentKeys.load(tmp_path)
    assert loaded.identity == made.identity
    assert loaded.collector_receipts == RECEIPTS
    assert (loaded.ca_pem, loaded.tls_key_pem, loaded.certificate_pem) == (
        b"CA",
        made.tls_key_pem,
        made.certificate_pem,
    )


def test_the_signer_is_named_by_the_origin_and_signs_for_it(tmp_path: Path) -> None:
    keys = enrolled(tmp_path)
    note = keys.signer.sign(Checkpoint(keys.identity.origin, 1, bytes(32)).body())
    assert open_checkpoint(note.to_bytes(), keys.signer.verifier).origin == keys.identity.origin


def test_directory_and_files_are_for_the_owner_only(tmp_path: Path) -> None:
    enrolled(tmp_path)
    directory = tmp_path / "keys"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == dict.fromkeys(
        ["journal.key", "tls.pem", "ca.pem", "identity.json"], 0o600
    )


def test_a_machine_that_is_not_enrolled_is_told_what_to_do(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeysError, match=r"not enrolled.*edge-agent enrol --invite"):
            AgentKeys.load(tmp_path)
        journal_key_for(tmp_path, "hainan.example", "gate-1")  # begun, not finished: still not enrolled


def test_an_unfinished_enrolment_goes_on_with_the_key_it_made(tmp_path: Path) -> None:
    first = journal_key_for(tmp_path, "hainan.example", "gate-1")
    again = journal_key_for(tmp_path, "hainan.example", "gate-1")
    assert again.private_bytes_raw() == first.private_bytes_raw()


def test_an_unfinished_enrolment_as_somebody_else_begins_anew(tmp_path: Path) -> None:
    first = journal_key_for(tmp_path, "hainan.example", "gate-1")
    assert journal_key_for(tmp_path, "hainan.example", "gate-2").private_bytes_raw() != first.private_bytes_raw()


def test_an_enrolled_machine_keeps_its_key_and_does_not_become_somebody_else(tmp_path: Path) -> None:
    keys = enrolled(tmp_path)
    again = journal_key_for(tmp_path, "hainan.example", "gate-1")
    assert again.private_bytes_raw() == keys.journal_key.private_bytes_raw()
    for deployment, agent in (("hainan.example", "gate-2"), ("sanya.example", "gate-1")):
        with pytest.raises(KeysError, match=r"already enrolled as gate-1 of hainan\.example"):
            journal_key_for(tmp_path, deployment, agent)


@pytest.mark.parametrize("name", ["keys", "keys/journal.key", "keys/tls.pem"])
def test_keys_that_others_can_read_are_refused(tmp_path: Path, name: str) -> None:
    enrolled(tmp_path)
    (tmp_path / name).chmod(0o750)
    with pytest.raises(KeysError, match=f"{name} can be read or changed by others"):
        AgentKeys.load(tmp_path)


@pytest.mark.parametrize("name", ["journal.key", "tls.pem", "identity.json"])
@pytest.mark.parametrize("spoilt", [b"", b"garbage", b"{}", b"PRIVATE+KEY+a+00000000+AQ=="])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, spoilt: bytes) -> None:
    enrolled(tmp_path)
    (tmp_path / "keys" / name).write_bytes(spoilt)
    with pytest.raises(KeysError, match=f"{name} is damaged"):
        AgentKeys.load(tmp_path)


def test_a_missing_file_of_an_enrolled_machine_is_named(tmp_path: Path) -> None:
    enrolled(tmp_path)
    (tmp_path / "keys" / "journal.key").unlink()
    with pytest.raises(KeysError, match=r"cannot be used\. No such file.*journal\.key"):
        AgentKeys.load(tmp_path)


def test_the_key_of_another_journal_is_not_taken_for_this_one(tmp_path: Path) -> None:
    enrolled(tmp_path / "a")
    enrolled(tmp_path / "b")
    (tmp_path / "a/keys/journal.key").write_bytes((tmp_path / "b/keys/journal.key").read_bytes())
    with pytest.raises(KeysError, match=r"journal\.key is damaged"):
        AgentKeys.load(tmp_path / "a")


def test_a_collector_key_that_is_not_for_receipts_is_refused(tmp_path: Path) -> None:
    enrolled(tmp_path)
    path = tmp_path / "keys" / "identity.json"
    plain = Signer("hainan.example/collector", Ed25519PrivateKey.generate()).verifier.vkey()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"collector_keys": [plain]}))
    with pytest.raises(KeysError, match="not for receipts"):
        AgentKeys.load(tmp_path)


def test_a_fresh_certificate_replaces_key_and_certificate_and_nothing_else(tmp_path: Path) -> None:
    old = enrolled(tmp_path)
    new = old.with_certificate(fresh_tls())
    assert new.certificate_pem != old.certificate_pem
    assert new.tls_key_pem != old.tls_key_pem
    assert (new.identity, new.signer.verifier) == (old.identity, old.signer.verifier)
    assert AgentKeys.load(tmp_path).certificate_pem == new.certificate_pem


def test_renewal_is_due_in_the_last_third_of_the_certificate_s_life(tmp_path: Path) -> None:
    keys = enrolled(tmp_path)
    assert keys.certificate_days_left(NOW + timedelta(days=59)) == 31
    assert not keys.renewal_due(NOW + timedelta(days=60))
    assert keys.renewal_due(NOW + timedelta(days=60, seconds=1))
    assert keys.renewal_due(NOW + timedelta(days=91))
    assert keys.certificate_days_left(NOW + timedelta(days=91)) == -1


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the directory should be")
    with pytest.raises(KeysError, match="cannot be used"):
        journal_key_for(tmp_path, "hainan.example", "gate-1")
