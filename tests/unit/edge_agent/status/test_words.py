from __future__ import annotations

import ast
import inspect
import re
import string
from pathlib import Path
from typing import get_args

import pytest

from edge_agent.model.readings import DeviceState
from edge_agent.status import health
from edge_agent.status.disk import ALARMS
from edge_agent.status.health import Level
from edge_agent.status.screens import records, show
from edge_agent.status.words import LABELS, REASONS, Language, duration, label, sentence
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.record_pb2 import LifecycleEvent

LANGUAGES = get_args(Language)
FAULTS = [state for state in DeviceState if state not in (DeviceState.OK, DeviceState.STARTING)]


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def given_codes() -> set[str]:
    """The codes that health.py gives, read from its source; those of devices and disks are made from their states."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(health))) if isinstance(node, ast.Call)]
    first = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Reason"]
    plain = {str(code.value) for code in first if isinstance(code, ast.Constant)}
    return plain | {f"device-{state.value}" for state in FAULTS} | {alarm for alarm in ALARMS.values() if alarm}


def test_every_reason_that_is_given_has_words_and_no_words_are_left_over() -> None:
    assert given_codes() == set(REASONS)


def test_every_reason_is_explained_in_the_manual_in_both_languages() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "status.md").read_text()
    for code, texts in REASONS.items():
        assert f"| `{code}` |" in manual
        for text in texts.values():
            first = next(part for part, *_ in string.Formatter().parse(text) if part.strip())
            assert re.split("[.;:。；：]", first)[0].strip() in manual, code


@pytest.mark.parametrize("words", [REASONS, LABELS], ids=["reasons", "labels"])
def test_all_words_are_there_in_all_languages_with_the_same_placeholders(
    words: dict[str, dict[Language, str]],
) -> None:
    for key, texts in words.items():
        assert set(texts) == set(LANGUAGES), key
        assert all(texts.values()), key
        assert placeholders(texts["en"]) == placeholders(texts["zh"]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_level_state_action_and_event_has_a_label(language: Language) -> None:
    words = [level.name.lower() for level in Level]
    words += [state.value for state in DeviceState]
    words += [name.removeprefix("ACTION_").lower() for name, number in Action.items() if number]
    words += [name.removeprefix("LIFECYCLE_EVENT_").lower() for name, number in LifecycleEvent.items() if number]
    assert [word for word in words if language not in LABELS.get(word, {})] == []


def test_every_label_that_the_screens_ask_for_exists() -> None:
    asked = {
        call.args[0].value
        for module in (show, records)
        for call in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "label"
        if isinstance(call.args[0], ast.Constant)
    }
    assert asked
    assert asked <= set(LABELS)


def test_a_reason_is_told_in_either_language() -> None:
    values = {"device": "scale-1", "text": "Plug it in"}
    assert sentence("device-unplugged", values, "en") == "scale-1 is unplugged. Plug it in"
    assert sentence("device-unplugged", values, "zh") == "scale-1 未连接。Plug it in"


def test_a_reason_without_a_cause_ends_with_its_sentence() -> None:
    assert sentence("device-silent", {"device": "scale-1", "text": ""}, "en") == "scale-1 sends nothing."


def test_braces_in_what_a_device_says_are_only_text() -> None:
    assert sentence("uplink-down", {"text": "{pending} {0}"}, "en").endswith("{pending} {0}")


def test_an_unknown_reason_or_label_is_shown_as_it_is() -> None:
    assert sentence("device-melted", {"device": "s"}, "zh") == "device-melted: {'device': 's'}"
    assert label("melted", "zh") == "melted"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (None, "never", "无"),
        (0, "0 s", "0 秒"),
        (119, "119 s", "119 秒"),
        (120, "2 min", "2 分钟"),
        (7199, "119 min", "119 分钟"),
        (7200, "2 h", "2 小时"),
        (172_799, "47 h", "47 小时"),
        (172_800, "2 d", "2 天"),
    ],
)
def test_a_duration_is_said_as_short_as_it_can_be(seconds: int | None, english: str, chinese: str) -> None:
    assert duration(seconds, "en") == english
    assert duration(seconds, "zh") == chinese
