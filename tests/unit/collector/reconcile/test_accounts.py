"""What a passage names as evidence, whatever reading names it."""

from __future__ import annotations

from collector.reconcile.accounts import evidence_of
from gate_contract.v1.passage_pb2 import Passage


def test_pictures_of_every_kind_of_reading_are_evidence_each_once() -> None:
    passage = Passage()
    passage.plates.add().pictures.add(sha256=b"plate")
    passage.weighings.add().curve.sha256 = b"curve"
    passage.readings.add().container.pictures.add(sha256=b"container")
    passage.readings.add().scan.image.sha256 = b"scan"
    passage.readings.add().face.pictures.add(sha256=b"face")
    passage.readings.add().seal.pictures.add(sha256=b"seal")
    passage.readings.add().container.pictures.add(sha256=b"scan")
    passage.readings.add().document.kind = "TD3"
    named = [each.sha256 for each in evidence_of(passage)]
    assert named == [b"plate", b"curve", b"container", b"scan", b"face", b"seal"]
