"""Records."""

from __future__ import annotations

from edge_agent.app.records import MAX_RAW, RecordMaker
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from gate_contract.v1.record_pb2 import Record


def at(seconds: float) -> Moment:
    return Moment(WallNs(round(seconds * SECOND)), MonoNs(round(seconds * SECOND)), bytes(16), synchronised=False)


def test_garbled_bytes_are_kept_in_part_and_counted_in_whole() -> None:
    maker = RecordMaker("haikou", lambda: at(5))
    record = Record.FromString(maker.garbled("scale-1", b"x" * 9000, 9000, "no frame", at(4)))
    assert (len(record.garbled.raw), record.garbled.length) == (MAX_RAW, 9000)
    assert (record.format, record.site_id, record.captured.wall_unix_ns) == (1, "haikou", 5 * SECOND)
