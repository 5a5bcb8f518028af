"""Which sailing a document is for, and what a document reader's station records."""

from __future__ import annotations

from pathlib import Path

from edge_agent.app.device_outcomes import Kept, Understood
from edge_agent.app.device_readers import DocumentReader
from edge_agent.app.documents import sailing_of
from edge_agent.app.stations import no_sailing
from edge_agent.decide.known import Known
from edge_agent.decide.registers import Registers
from edge_agent.drivers.document.schema import DocumentProfile
from edge_agent.drivers.engine import Garbled
from edge_agent.model.document_reading import DocumentSeen, SailingKey
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.profiles import load_profile
from gate_contract.personal import pseudonym
from gate_contract.rules import BookingIndex
from gate_contract.rules.records import Manifest

CAPTURES = Path(__file__).resolve().parents[3] / "captures" / "document" / "mrz-lines"
FIRST, SECOND_KEY = b"1" * 32, b"2" * 32
NOW = Moment(WallNs(1_772_337_600 * SECOND), MonoNs(0), bytes(16), synchronised=True)
ON_SECOND = pseudonym(SECOND_KEY, "UTO", "L898902C3")


class TwoSailings:
    """Two sailings board; the traveller is on the manifest of the later one."""

    def known(self, _now: Moment) -> Known:
        manifests = {"S-1": Manifest("S-1", {}), "S-2": Manifest("S-2", {ON_SECOND: "T-1"})}
        return Known(BookingIndex(()), None, registers=Registers(manifests=manifests, keys={"S-1": "k1", "S-2": "k2"}))

    def boarding_keys(self, _now: Moment) -> list[tuple[str, bytes]]:
        return [("k1", FIRST), ("k2", SECOND_KEY), ("gone", FIRST)]


def reader() -> DocumentReader:
    profile = load_profile("document/mrz-lines", of=DocumentProfile)
    return DocumentReader(profile, sailing_of(TwoSailings()))


def test_a_document_is_for_the_sailing_whose_manifest_has_it_else_for_the_next_to_leave() -> None:
    found = sailing_of(TwoSailings())
    assert found("UTO", "L898902C3", NOW) == SailingKey("k2", "S-2", SECOND_KEY)
    assert found("UTO", "NOBODY", NOW) == SailingKey("k1", "S-1", FIRST)
    assert no_sailing("UTO", "L898902C3", NOW) is None


def test_a_document_becomes_one_record_without_bytes_and_is_shown_without_its_number() -> None:
    reads = reader()
    data = (CAPTURES / "each_format.txt").read_bytes()
    outcomes = list(reads.take(data, NOW))
    kept = [each for each in outcomes if isinstance(each, Kept)]
    assert [each.shown for each in kept] == ["TD3 of UTO", "TD1 of UTO", "TD2 of UTO", "MRV-A of UTO", "MRV-B of UTO"]
    assert {each.raw for each in kept} == {b""}
    assert isinstance(kept[0].reading, DocumentSeen)
    assert (kept[0].reading.pseudonym, kept[0].reading.key_id) == (ON_SECOND, "k2")
    again = list(reads.take((CAPTURES / "no_end.txt").read_bytes(), NOW))
    assert again == []
    (last,) = reads.pause(NOW)
    assert isinstance(last, Kept), "another document lay there in between"
    (twice,) = reads.take((CAPTURES / "no_end.txt").read_bytes() + b"\r", NOW)
    assert twice == Understood("TD3 of UTO")


def test_faults_are_shown_and_garbled_bytes_are_covered() -> None:
    reads = reader()
    (kept,) = reads.take((CAPTURES / "misread.txt").read_bytes(), NOW)
    assert isinstance(kept, Kept)
    assert kept.shown == "TD3 of UTO, wrong check digits: number, composite"
    outcomes = list(reads.take((CAPTURES / "cut_off.txt").read_bytes(), NOW))
    garbled = [each for each in outcomes if isinstance(each, Garbled)]
    assert len(garbled) == 2
    assert not [each for each in garbled if b"ERIKSSON" in each.raw]
