from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from collector.config_retention import DAY_NS, RetentionConfig
from collector.declarations.files import FileFormat, read_entries, read_rows
from collector.declarations.intake import ImportReport, import_declarations
from collector.declarations.reader import BadValue
from collector.errors import CollectorError
from collector.privacy.keystore import KeyStore
from collector.registers.intake import NewItem, enter
from collector.registers.manifests import TRAVELLERS, Traveller, import_manifest
from collector.registers.reading import latest, versions
from collector.registers.sailing_keys import SailingKeys, lengthen_terms
from collector.registers.sailings import KEPT_AFTER_DEPARTURE_NS, sailings
from collector.store import schema
from gate_contract.personal import open_field, pseudonym
from gate_contract.registers import manifest_of
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from tests.unit.collector.collected import Collected

HEADER = "ticket_id,document_issuer,document_number,document_kind,name,birth"
WANG = "T-1,CHN,11010519491231002X,identity-card,王伟,1949-12-31"
SMITH = "T-2,GBR,707797979,passport,SMITH JOHN,1980-05-06"
SAILING = "HN-1"


class Harbour(Collected):
    """A collector with one sailing, which leaves four hours from now."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.keys = KeyStore(directory / "personal-keys.db")
        self.departure = self.now_ns + 4 * 3600 * 10**9
        self.sail()

    def sail(self) -> None:
        sailing = pb.Sailing(sailing_id=SAILING, site_id="xinhai", departure_unix_ns=self.departure)
        with self.store.write() as connection:
            item = NewItem.of(pb.ITEM_KIND_SAILING, SAILING, sailing, site_id="xinhai")
            enter(connection, self.ledger, [item], self.now_ns)

    def board(self, *rows: str, sailing: str = SAILING, partial: bool = False) -> ImportReport:
        file = io.BytesIO("\n".join([HEADER, *rows]).encode())
        entries = read_rows(file, "csv", TRAVELLERS)
        return import_manifest(
            self.store, self.ledger, self.keys, RetentionConfig(), sailing, entries, self.now_ns, partial=partial
        )

    def manifest(self) -> pb.SailingManifest:
        with self.store.read() as connection:
            item = latest(connection, pb.ITEM_KIND_MANIFEST)[SAILING]
        assert (item.site_id, item.expires_unix_ns) == ("xinhai", self.departure + KEPT_AFTER_DEPARTURE_NS)
        return pb.SailingManifest.FromString(item.body)

    def pseudonyms(self) -> SailingKeys:
        with self.store.read() as connection:
            known = sailings(connection)
        return SailingKeys(self.keys, RetentionConfig(), known.get, self.now_ns)


@pytest.fixture
def harbour(tmp_path: Path) -> Iterator[Harbour]:
    made = Harbour(tmp_path)
    yield made
    made.keys.close()
    made.store.close()


def read(row: str, file_format: FileFormat = "csv") -> Traveller | list[BadValue]:
    file = io.BytesIO(f"{HEADER}\n{row}".encode())
    [(_, entry)] = read_rows(file, file_format, TRAVELLERS)
    return entry


def test_a_manifest_names_nobody_and_recognises_the_documents(harbour: Harbour) -> None:
    assert harbour.board(SMITH, WANG).new == 1
    manifest = harbour.manifest()
    key = harbour.keys.sailing_key(SAILING)
    assert key is not None
    assert manifest.key_id == key[0]
    assert dict(manifest_of(manifest).tickets) == {
        pseudonym(key[1], "CHN", "11010519491231002x"): "T-1",
        pseudonym(key[1], "GBR", "707 797 979"): "T-2",
    }
    wang = manifest.tickets[0]
    subject_key = harbour.keys.key(wang.subject_id)
    assert subject_key is not None
    opened = open_field(subject_key, wang.subject_id, wang.sealed).decode()
    assert "王伟" in opened
    assert "11010519491231002X" in opened
    for file in harbour.state_dir.iterdir():
        content = file.read_bytes()
        for secret in ("王伟", "11010519491231002X", "707797979", "SMITH"):
            assert secret.encode() not in content, file


def test_the_same_file_again_changes_nothing_and_another_ticket_is_a_new_version(harbour: Harbour) -> None:
    harbour.board(WANG, SMITH)
    before = harbour.manifest()
    again = harbour.board(SMITH, WANG)
    assert (again.rows, again.new, again.changed, again.unchanged, again.stored) == (2, 0, 0, 1, True)
    assert harbour.board(WANG).changed == 1
    assert [ticket.sealed for ticket in harbour.manifest().tickets] == [before.tickets[0].sealed]
    with harbour.store.read() as connection:
        assert len(versions(connection, pb.ITEM_KIND_MANIFEST, SAILING)) == 2


def test_the_same_traveller_has_one_key_and_another_pseudonym_on_another_sailing(harbour: Harbour) -> None:
    harbour.board(WANG)
    first = harbour.manifest().tickets[0]
    item = pb.Sailing(sailing_id="HN-2", site_id="xinhai", departure_unix_ns=harbour.departure)
    with harbour.store.write() as connection:
        enter(connection, harbour.ledger, [NewItem.of(pb.ITEM_KIND_SAILING, "HN-2", item)], harbour.now_ns)
    harbour.board(WANG, sailing="HN-2")
    with harbour.store.read() as connection:
        body = latest(connection, pb.ITEM_KIND_MANIFEST)["HN-2"].body
    other = pb.SailingManifest.FromString(body).tickets[0]
    assert other.subject_id == first.subject_id
    assert other.pseudonym != first.pseudonym


def test_a_name_that_was_corrected_is_sealed_anew(harbour: Harbour) -> None:
    harbour.board(WANG)
    before = harbour.manifest().tickets[0]
    assert harbour.board(WANG.replace("王伟", "王玮")).changed == 1
    after = harbour.manifest().tickets[0]
    assert after.pseudonym == before.pseudonym
    assert after.sealed != before.sealed


def test_what_is_personal_is_not_repeated_in_what_is_wrong(harbour: Harbour) -> None:
    for row, field in (
        (WANG.replace("002X", "0021"), ""),
        (WANG.replace("1949-12-31", "31.12.1949"), "birth"),
        (SMITH.replace("707797979", "70779797é"), "document_number"),
        (SMITH.replace("SMITH", "SMITH\x07"), "name"),
    ):
        bad = read(row)
        assert isinstance(bad, list), row
        assert bad[0].field == field
        assert bad[0].value in {"", "…"}
        assert not any(word in bad[0].reason for word in ("110105", "31.12", "70779", "SMITH"))
    for shifted in ("110105194912310021,T-1,CHN,identity-card,1949-12-31,王伟", "T-1,CHN,X110105,王伟,CHN,1949-12-31"):
        bad = read(shifted)
        assert isinstance(bad, list)
        assert not any(word in repr(bad) for word in ("110105", "王伟", "31-12"))
    too_many = harbour.board(SMITH + ",and more").bad
    assert [each.value for each in too_many] == ["…"]
    assert "SMITH" not in repr(read(SMITH))


def test_a_file_without_header_or_in_another_encoding_repeats_nobody_either() -> None:
    [(row, bad)] = read_rows(io.BytesIO(f"{WANG}\n{SMITH}\n".encode()), "csv", TRAVELLERS)
    assert row == 1
    assert isinstance(bad, list)
    assert not any(word in repr(bad) for word in ("110105", "王伟", "1949", "T-1"))
    with pytest.raises(CollectorError, match="looks like GBK") as refused:
        list(read_rows(io.BytesIO(f"{HEADER}\n{WANG}\n".encode("gbk")), "csv", TRAVELLERS))
    assert "王伟".encode("gbk").hex(" ") not in str(refused.value)


@pytest.mark.parametrize(
    "ticket", ["11010519491231002X", "hn1-110105 19491231-002x", "王伟", "GBR707797979"], ids=range(4)
)
def test_a_ticket_whose_number_says_whose_it_is_is_refused(ticket: str) -> None:
    row = SMITH.replace("T-2", ticket) if ticket.startswith("GBR") else WANG.replace("T-1", ticket)
    bad = read(row)
    assert isinstance(bad, list)
    assert "gates get it" in bad[0].reason
    assert ticket not in repr(bad)


def test_a_bad_row_forbids_all_and_partial_takes_the_others(harbour: Harbour) -> None:
    report = harbour.board(WANG, SMITH.replace("GBR", "BRITAIN"))
    assert (report.stored, report.bad_rows, report.bad[0].row) == (False, 1, 3)
    report = harbour.board(WANG, SMITH.replace("GBR", "BRITAIN"), partial=True)
    assert (report.stored, report.bad_rows) == (True, 1)
    assert [ticket.ticket_id for ticket in harbour.manifest().tickets] == ["T-1"]


@pytest.mark.parametrize(
    ("row", "field"), [(SMITH.replace("T-2", "T-1"), "ticket_id"), (WANG.replace("T-1", "T-3"), "document_number")]
)
def test_one_ticket_a_document_and_one_document_a_ticket(harbour: Harbour, row: str, field: str) -> None:
    report = harbour.board(WANG, row, partial=True)
    assert [(each.row, each.field) for each in report.bad] == [(2, field), (3, field)]
    assert "row 3 has the same" in report.bad[0].reason
    assert len(harbour.manifest().tickets) == 0


def test_a_sailing_must_be_known_and_its_term_not_over(harbour: Harbour) -> None:
    with pytest.raises(CollectorError, match=r"no sailing 'HN-9'.*sailings import"):
        harbour.board(WANG, sailing="HN-9")
    harbour.departure = harbour.now_ns - 8 * DAY_NS
    harbour.sail()
    with pytest.raises(CollectorError, match="the term of the sailing HN-1 ended 2026-02-28"):
        harbour.board(WANG)
    assert harbour.keys.entries("sailing") == harbour.keys.entries("subject") == []


def test_keys_end_when_the_configuration_says(harbour: Harbour) -> None:
    harbour.board(WANG)
    [sailing], [subject] = harbour.keys.entries("sailing"), harbour.keys.entries("subject")
    assert (sailing.name, sailing.expires_ns) == (SAILING, harbour.departure + 7 * DAY_NS)
    assert subject.expires_ns == harbour.departure + 90 * DAY_NS


def test_a_sailing_that_is_put_off_keeps_its_key_so_much_longer(harbour: Harbour) -> None:
    harbour.board(WANG)
    before = harbour.keys.sailing_key(SAILING)
    harbour.departure += 9 * DAY_NS
    harbour.sail()
    with harbour.store.read() as connection:
        known = sailings(connection)
    assert lengthen_terms(harbour.keys, RetentionConfig(), known.get) == 1
    assert lengthen_terms(harbour.keys, RetentionConfig(), known.get) == 0
    assert lengthen_terms(harbour.keys, RetentionConfig(), lambda _: None) == 0
    assert harbour.keys.sailing_key(SAILING) == before
    assert harbour.keys.entries("sailing")[0].expires_ns == harbour.departure + 7 * DAY_NS


def test_a_declared_driver_is_recognised_in_the_manifest(harbour: Harbour) -> None:
    harbour.board(WANG)
    text = (
        "declaration_id,lodged,site_id,direction,vehicle_plate,cargo_kilograms,sailing_id,drivers\n"
        "D-1,2026-03-01T08:00:00Z,xinhai,outbound,琼A12345,0,HN-1,CHN:11010519491231002X\n"
        "D-2,2026-03-01T08:00:00Z,xinhai,outbound,琼A12345,0,HN-9,CHN:11010519491231002X\n"
    )
    entries = read_entries(io.BytesIO(text.encode()), "csv", harbour.pseudonyms().pseudonym)
    report = import_declarations(harbour.store, harbour.ledger, entries, harbour.now_ns, partial=True)
    [bad] = report.bad
    assert (bad.row, bad.field) == (3, "drivers[1]")
    assert "the sailing HN-9 is not known" in bad.reason
    with harbour.store.read() as connection:
        declared = Declaration.FromString(connection.scalars(select(schema.declarations.c.body)).one())
    assert list(declared.drivers) == [harbour.manifest().tickets[0].pseudonym]
