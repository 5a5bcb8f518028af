from __future__ import annotations

from pathlib import Path

import pytest

from collector.draws.export import ExportError, read_export, verify_export, write_export
from collector.ledger.log import read_entries
from tests.unit.collector.cases.bureau import Bureau
from tests.unit.collector.reconcile.island import a_declaration


@pytest.fixture
def file(bureau: Bureau, tmp_path: Path) -> Path:
    bureau.declare(a_declaration())
    bureau.draw()
    path = tmp_path / "ledger"
    with bureau.store.read() as connection, path.open("wb") as out:
        assert write_export(connection, out) == len(bureau.ledger_kinds())
    return path


def test_an_export_is_read_as_it_was_written_and_verified_under_the_ledgers_key(bureau: Bureau, file: Path) -> None:
    assert verify_export(file, bureau.keys.ledger.verifier).size == len(bureau.ledger_kinds())
    with bureau.store.read() as connection:
        assert list(read_export(file)) == list(read_entries(connection, 0))


def test_one_changed_byte_anywhere_is_found(bureau: Bureau, file: Path) -> None:
    content = file.read_bytes()
    for at in range(0, len(content), 7):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(ExportError):
            verify_export(file, bureau.keys.ledger.verifier)


@pytest.mark.parametrize("cut", [1, 3, 30, 200])
def test_what_was_cut_off_is_found(bureau: Bureau, file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(ExportError):
        verify_export(file, bureau.keys.ledger.verifier)


def test_an_entry_that_was_left_out_is_found(bureau: Bureau, file: Path) -> None:
    *_, (_, last) = read_export(file)
    file.write_bytes(file.read_bytes()[: -len(last) - 4])
    with pytest.raises(ExportError, match=r"is not what was signed\. the checkpoint is over"):
        verify_export(file, bureau.keys.ledger.verifier)


def test_what_another_key_signed_is_not_believed(bureau: Bureau, file: Path) -> None:
    with pytest.raises(ExportError, match="is not signed by"):
        verify_export(file, bureau.keys.receipts.verifier)


def test_another_file_is_said_to_be_none(bureau: Bureau, tmp_path: Path) -> None:
    path = tmp_path / "other"
    with pytest.raises(ExportError, match="cannot be read"):
        verify_export(path, bureau.keys.ledger.verifier)
    path.write_bytes(b"PK")
    with pytest.raises(ExportError, match="is no export of a ledger"):
        verify_export(path, bureau.keys.ledger.verifier)
