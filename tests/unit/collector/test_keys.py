"""The collector's keys: made once, together, guarded, and never made anew by themselves."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from collector.errors import CollectorError
from collector.keys import CollectorKeys
from gate_contract.checkpoint import COSIGNATURE, ED25519, Checkpoint, Verifier, open_checkpoint, open_receipt

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOSTS = ["localhost", "127.0.0.1"]


def load(state_dir: Path, *, deployment: str = "hainan.example", at: datetime = NOW) -> CollectorKeys:
    return CollectorKeys.load_or_create(state_dir, deployment, HOSTS, at)


def server_certificate(keys: CollectorKeys) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keys.server_chain_pem)


def test_the_first_load_makes_the_keys_and_later_ones_find_the_same(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path, at=NOW + timedelta(days=1))
    assert first.vkeys() == second.vkeys()
    assert first.ca_pem == second.ca_pem
    assert first.server_chain_pem == second.server_chain_pem
    assert first.server_key_pem == second.server_key_pem


def test_the_ledger_key_signs_and_the_receipt_key_cosigns_under_their_names(tmp_path: Path) -> None:
    keys = load(tmp_path)
    ledger, receipts = (Verifier.from_vkey(line) for line in keys.vkeys())
    assert (ledger.name, ledger.kind) == ("hainan.example/ledger", ED25519)
    assert (receipts.name, receipts.kind) == ("hainan.example/collector", COSIGNATURE)
    assert ledger.public_key != receipts.public_key
    note = keys.ledger.sign(Checkpoint("hainan.example/ledger", 1, bytes(32)).body())
    assert open_checkpoint(note.to_bytes(), ledger).size == 1
    assert open_receipt(keys.receipts.cosign(note, 7).to_bytes(), receipts, "hainan.example/ledger").unix_s == 7


def test_directory_and_files_are_for_the_owner_only(tmp_path: Path) -> None:
    load(tmp_path)
    directory = tmp_path / "keys"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == dict.fromkeys(
        ["ledger.key", "receipts.key", "ca.pem", "server.pem"], 0o600
    )
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("name", ["keys", "keys/ledger.key", "keys/ca.pem"])
def test_keys_that_others_can_read_are_refused(tmp_path: Path, name: str) -> None:
    load(tmp_path)
    (tmp_path / name).chmod(0o755)
    with pytest.raises(CollectorError, match=f"{name} can be read or changed by others.*chmod -R go="):
        load(tmp_path)


@pytest.mark.parametrize("name", ["ledger.key", "receipts.key", "ca.pem"])
def test_a_missing_key_is_not_made_anew_while_others_are_there(tmp_path: Path, name: str) -> None:
    load(tmp_path)
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(CollectorError, match=f"lacks {name}.*backup"):
        load(tmp_path)
    assert not (tmp_path / "keys" / name).exists()


@pytest.mark.parametrize("name", ["ledger.key", "receipts.key", "ca.pem", "server.pem"])
@pytest.mark.parametrize("spoil", [lambda data: data[:20], lambda data: data[:40] + b"!" + data[41:], lambda _: b""])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, spoil: object) -> None:
    load(tmp_path)
    path = tmp_path / "keys" / name
    assert callable(spoil)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(CollectorError, match=f"{name} is damaged"):
        load(tmp_path)


def test_one_changed_character_of_a_signing_key_is_found(tmp_path: Path) -> None:
    load(tmp_path)
    path = tmp_path / "keys" / "ledger.key"
    text = path.read_text()
    path.write_text(text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:])
    with pytest.raises(CollectorError, match=r"ledger\.key is damaged"):
        load(tmp_path)


def test_swapped_key_files_are_refused(tmp_path: Path) -> None:
    load(tmp_path)
    directory = tmp_path / "keys"
    (directory / "ledger.key").write_bytes((directory / "receipts.key").read_bytes())
    with pytest.raises(CollectorError, match=r"ledger\.key"):
        load(tmp_path)


def test_another_deployment_name_is_refused_with_the_right_one(tmp_path: Path) -> None:
    load(tmp_path)
    with pytest.raises(CollectorError, match=r'holds the key hainan.example/ledger.*deployment = "hainan.example"'):
        load(tmp_path, deployment="sanya.example")


def test_the_server_certificate_is_renewed_in_the_last_third_of_its_life(tmp_path: Path) -> None:
    first = load(tmp_path)
    life = server_certificate(first).not_valid_after_utc - NOW
    assert load(tmp_path, at=NOW + life * 0.6).server_chain_pem == first.server_chain_pem
    renewed = load(tmp_path, at=NOW + life * 0.7)
    assert renewed.server_chain_pem != first.server_chain_pem
    assert renewed.server_key_pem != first.server_key_pem
    assert (renewed.vkeys(), renewed.ca_pem) == (first.vkeys(), first.ca_pem)


def test_the_server_certificate_follows_the_host_names(tmp_path: Path) -> None:
    load(tmp_path)
    keys = CollectorKeys.load_or_create(tmp_path, "hainan.example", ["c.example", "10.0.0.5"], NOW)
    names = server_certificate(keys).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["c.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.5"]


def test_a_lost_server_certificate_is_made_anew_since_nobody_trusts_it_by_itself(tmp_path: Path) -> None:
    first = load(tmp_path)
    (tmp_path / "keys" / "server.pem").unlink()
    assert load(tmp_path).ca_pem == first.ca_pem


def test_a_creation_that_was_cut_short_leaves_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_power(_source: Path, _target: Path) -> None:
        raise OSError(5, "Input/output error", "keys")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", no_power)
        with pytest.raises(CollectorError, match=r"cannot be used\. Input/output error"):
            load(tmp_path)
    assert not (tmp_path / "keys").exists()
    assert load(tmp_path).vkeys()


def test_openssl_accepts_the_server_certificate(tmp_path: Path) -> None:
    keys = load(tmp_path)
    (tmp_path / "ca.pem").write_bytes(keys.ca_pem)
    (tmp_path / "server.pem").write_bytes(keys.server_chain_pem)
    try:
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime", str(int(NOW.timestamp())),
             "-CAfile", tmp_path / "ca.pem", tmp_path / "server.pem"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("no openssl program here")
    assert done.returncode == 0, done.stderr
