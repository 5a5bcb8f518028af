"""The record of a face check."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.vision.faces.check import NOT_CALIBRATED, Compared, FaceCheck, Liveness, Outcome

CHECK = FaceCheck(
    outcome=Outcome.MATCHED,
    reason="similarity 0.9612 reaches the threshold 0.9400",
    reason_zh="人脸比对一致",
    compared=Compared.ONE_TO_ONE,
    score=0.96123456,
    threshold=0.94,
    model_sha256="ab" * 32,
    calibration_id=NOT_CALIBRATED,
    tries=1,
    pseudonym="cd" * 16,
    quality={"ok": True, "score": 0.7},
)


def test_it_is_plain_json_with_everything_a_court_asks_for() -> None:
    record = json.loads(json.dumps(CHECK.as_record()))
    assert record["outcome"] == "matched"
    assert record["compared"] == "1:1"
    assert record["score"] == 0.9612
    assert record["liveness"] == "not checked"
    assert record["calibration_id"] == "none"
    assert set(record) == {
        *("outcome", "reason", "reason_zh", "compared", "score", "threshold", "model_sha256", "calibration_id"),
        *("tries", "pseudonym", "quality", "liveness", "liveness_model_sha256", "gallery_size"),
    }


def test_there_is_no_place_in_it_for_a_picture_or_a_template() -> None:
    for value in CHECK.as_record().values():
        assert not isinstance(value, (bytes, bytearray, np.ndarray, list, tuple))


def test_live_without_a_model_that_looked_cannot_be_said() -> None:
    for liveness in (Liveness.LIVE, Liveness.ATTACK_SUSPECTED):
        with pytest.raises(ValueError, match="said by a model"):
            replace(CHECK, outcome=Outcome.STAFFED_LANE, liveness=liveness)
    with pytest.raises(ValueError, match="said by a model"):
        replace(CHECK, liveness_model_sha256="ee" * 32)
    assert replace(CHECK, liveness=Liveness.LIVE, liveness_model_sha256="ee" * 32).as_record()["liveness"] == "live"


@pytest.mark.parametrize("score", [None, 0.93])
def test_a_match_without_a_score_that_reaches_the_threshold_cannot_be_said(score: float | None) -> None:
    with pytest.raises(ValueError, match="reaches"):
        replace(CHECK, score=score)


def test_a_suspected_attack_is_no_match() -> None:
    with pytest.raises(ValueError, match="no match"):
        replace(CHECK, liveness=Liveness.ATTACK_SUSPECTED, liveness_model_sha256="ee" * 32)


def test_there_is_no_refusal() -> None:
    assert {str(outcome) for outcome in Outcome} == {"matched", "staffed lane"}
