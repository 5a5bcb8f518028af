"""What the desk makes of a passage and of an act's pictures, and how it answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from edge_agent.app.records import RecordMaker
from edge_agent.desk.judging import photos_of
from edge_agent.desk.state import Looks, Told
from edge_agent.errors import JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.model.handed_act import Handed
from gate_contract.v1.act_pb2 import OfficerAct
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.passage_pb2 import PASSAGE_CLOSING_BACKED_OUT, Passage
from gate_contract.v1.record_pb2 import Loss, LostEvidence

LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an officer is told. `outcome`: see `Outcome`, or "later"; `passage` as it stands now (docs/status.md)."""

    outcome: str
    en: str
    zh: str
    passage: dict[str, Any] | None = None

    def to_bytes(self) -> bytes:
        """As it goes over the socket."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()


LATER = Answer(
    "later",
    "It cannot be recorded now: the agent is busy, or its disk takes nothing.",
    "暂时无法记录：采集程序繁忙，或磁盘无法写入。",
)


def malformed(problem: str) -> bytes:
    """The answer to bytes that are no act."""
    return Answer("refused", f"It is no officer's act: {problem}", f"不是有效的人员操作：{problem}").to_bytes()


def told_of(passage: Passage, decision: Decision) -> Told:
    """A passage's decision, with what it is recognised by."""
    containers = [each.container.number for each in passage.readings if each.HasField("container")]
    documents = [each.document for each in passage.readings if each.HasField("document")]
    looks = Looks(
        plates=_distinct(plate.text for plate in passage.plates),
        containers=_distinct(containers),
        documents=_distinct(f"{each.kind} {each.issuer}".strip() for each in documents),
    )
    gone = passage.closed_by == PASSAGE_CLOSING_BACKED_OUT
    return Told(passage.passage_id, passage.revision, passage.opened.wall_unix_ns, looks, decision, gone)


def _distinct(texts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))


@dataclass(frozen=True, slots=True)
class KeptPhotos:
    """What became of an act's pictures: records of those that were not kept, and what the officer is told of it."""

    losses: tuple[bytes, ...] = ()
    words: tuple[str, str] = ("", "")


class Photos:
    """Keeps the pictures of acts as evidence, before the act that names them is recorded."""

    def __init__(self, evidence: EvidenceStore, records: RecordMaker) -> None:
        self._evidence, self._records = evidence, records

    def keep(self, act: OfficerAct, handed: Handed) -> KeptPhotos:
        """On a disk that takes none the act counts all the same, and a record tells which picture is missing."""
        named = list(zip(photos_of(act), handed.photos, strict=True))
        lost = [evidence for evidence, data in named if not self._is_kept(evidence, data)]
        if not lost:
            return KeptPhotos()
        text = f"A picture of act {act.act_id} was not kept: the gate's disk was full. Make room (gatectl status)"
        losses = (Loss(evidence=LostEvidence(sha256=each.sha256), text=text) for each in lost)
        words = (
            f"{len(lost)} of {len(named)} pictures could not be kept: the disk is full. Keep them yourself.",
            f"{len(named)} 张照片中有 {len(lost)} 张因磁盘已满未能保存，请自行留存。",
        )
        return KeptPhotos(tuple(map(self._records.loss, losses)), words)

    def _is_kept(self, evidence: Evidence, data: bytes) -> bool:
        try:
            return not self._evidence.keep(data, evidence.media_type, evidence.role).not_kept
        except JournalError as error:
            LOG.error("desk.photo_not_kept", problem=str(error))  # noqa: TRY400 - told in words
            return False
