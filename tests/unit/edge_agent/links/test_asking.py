"""Who is asked next on a shared line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.links.asking import Question, Rounds
from edge_agent.model.moment import Moment, MonoNs, WallNs


def at(seconds: float) -> Moment:
    return Moment(WallNs(0), MonoNs(round(seconds * 1e9)), bytes(16), synchronised=False)


def question(device_id: str, interval: float = 0.2, timeout: float = 0.5) -> Question:
    return Question(device_id, device_id.encode(), interval, timeout)


def test_nothing_is_asked_where_nobody_answers_questions() -> None:
    assert Rounds([]).due(at(0)) is None


def test_the_next_question_waits_for_the_answer() -> None:
    rounds = Rounds([question("a"), question("b")])
    assert rounds.due(at(0)) == b"a"
    assert rounds.due(at(0.1)) is None
    rounds.answered("b")
    assert rounds.due(at(0.1)) is None, "that was somebody else's answer"
    rounds.answered("a")
    assert rounds.due(at(0.1)) == b"b"


def test_a_device_that_does_not_answer_keeps_the_others_waiting_only_for_its_time() -> None:
    rounds = Rounds([question("dead", timeout=0.5), question("b")])
    assert rounds.due(at(0)) == b"dead"
    assert rounds.due(at(0.49)) is None
    assert rounds.due(at(0.5)) == b"b"


def test_a_device_is_asked_again_after_its_interval() -> None:
    rounds = Rounds([question("a", interval=0.2)])
    rounds.due(at(0))
    rounds.answered("a")
    assert rounds.due(at(0.19)) is None
    assert rounds.due(at(0.2)) == b"a"


@given(st.lists(st.booleans(), min_size=60, max_size=60))
def test_every_device_is_asked_again_and_again_whoever_answers(answers: list[bool]) -> None:
    devices = ["a", "b", "c"]
    rounds = Rounds([question(name, interval=0.1, timeout=0.3) for name in devices])
    asked: list[str] = []
    for step, answer in enumerate(answers):
        data = rounds.due(at(step * 0.1))
        if data is not None:
            asked.append(data.decode())
            if answer:
                rounds.answered(data.decode())
    assert len(asked) >= len(answers) // 3 - 1
    for start in range(len(asked) - 2):
        assert set(asked[start : start + 3]) == set(devices), "in their turn, each of them"
