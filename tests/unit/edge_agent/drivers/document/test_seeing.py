"""Of a document only a pseudonym, faults and a sealed part go into a record."""

from __future__ import annotations

from datetime import date

import pytest

from edge_agent.drivers.document.seeing import EARLIEST, DocumentKeeper, document_seen, today_of
from edge_agent.drivers.document.zone import Zone
from edge_agent.model.document_reading import DocumentSeen, SailingKey
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.reading_wire import reading_message
from gate_contract.personal import Person, SealedFieldError, open_field, pseudonym, sealing_key
from gate_contract.travel_documents import read_document

TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
DOCUMENT = read_document(TD3, date(2026, 3, 1))
KEY = SailingKey("sailing-1", "S-1", b"k" * 32)


def at(seconds: float) -> Moment:
    return Moment(WallNs(1_772_337_600 * SECOND), MonoNs(int(seconds * SECOND)), bytes(16), synchronised=True)


def seen(key: SailingKey | None = KEY) -> DocumentSeen:
    return document_seen(DOCUMENT, lambda _issuer, _number, _now: key, at(0))


def test_the_pseudonym_is_the_manifests_and_the_sealed_part_opens_under_the_sailings_sealing_key() -> None:
    found = seen()
    assert (found.kind, found.issuer, found.expires, found.faults) == ("TD3", "UTO", "2012-04-15", ())
    assert found.pseudonym == pseudonym(KEY.key, "UTO", "L898902C3")
    person = Person.from_bytes(open_field(sealing_key(KEY.key), "sailing-1", found.sealed))
    assert person == Person("ERIKSSON ANNA MARIA", "UTO", "L898902C3", "740812")
    with pytest.raises(SealedFieldError):
        open_field(KEY.key, "sailing-1", found.sealed)


def test_without_a_key_nobody_is_recognised_and_nothing_is_kept() -> None:
    found = seen(None)
    assert (found.pseudonym, found.sealed, found.key_id) == (b"", b"", "")
    assert (found.kind, found.expires) == ("TD3", "2012-04-15")


def test_the_record_holds_no_byte_of_the_holder() -> None:
    body = reading_message("reader", "gate-1", at(0), b"", seen()).SerializeToString()
    for each in ("ERIKSSON", "ANNA", "L898902C3", "740812"):
        assert each.encode() not in body
    assert KEY.key not in body
    assert "kkkk" not in repr(KEY)


def test_a_document_that_lies_on_the_reader_is_one_record() -> None:
    keeper = DocumentKeeper(5)
    other = Zone(TD3.replace("ANNA", "EVA<"))
    said = [keeper.keep(zone, at(s)) for s, zone in ((0, Zone(TD3)), (4, Zone(TD3)), (8, Zone(TD3)), (13, Zone(TD3)))]
    assert said == [True, False, False, True]
    assert keeper.keep(other, at(14))
    assert keeper.keep(Zone(TD3), at(15))


def test_a_clock_that_is_wrong_puts_no_last_day_into_another_century() -> None:
    for wall in (0, -5, 1, 10**30):
        moment = Moment(WallNs(wall), MonoNs(0), bytes(16), synchronised=False)
        assert today_of(moment) == EARLIEST
    assert today_of(at(0)) == date(2026, 3, 1)
