"""Whatever `gatectl` refuses, it refuses in Chinese, too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent import status
from edge_agent.enrol import _NETWORK
from edge_agent.errors import EdgeAgentError
from edge_agent.status.handing import CLOSED, FULL
from edge_agent.status.words import sentence, told
from edge_agent.status.words_errors import SENTENCES, in_chinese

CHINESE = re.compile("[\u4e00-\u9fff]")


def template(node: ast.expr) -> str | None:
    """A text as it stands in the source, with {} for what it names; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def raised() -> Iterator[str]:
    """What the errors of gatectl say: what, cause and next step, where they stand in the source."""
    for path in sorted(Path(status.__file__).parent.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.endswith("Error"):
                named = [each.value for each in call.keywords if each.arg in ("cause", "fix")]
                yield from (text for node in (*call.args, *named) if (text := template(node)))


@pytest.mark.parametrize("english", sorted({*raised(), CLOSED, FULL, *(words for _, words in _NETWORK[2:])} - {"{}"}))
def test_every_error_has_chinese_words(english: str) -> None:
    if english == "the agent's answer cannot be read":
        return  # caught, and told within another
    said = in_chinese(english.replace("{}", "X1"))
    assert CHINESE.search(said) or english.startswith("{}: ")
    assert said.count("X1") == english.count("{}")


def test_chinese_words_name_what_the_english_ones_name() -> None:
    for english, chinese in SENTENCES.items():
        assert chinese.count("{}") <= english.count("{}")
        assert CHINESE.search(chinese) or not CHINESE.search(english)


def test_an_error_is_told_whole_in_the_language_that_was_asked_for() -> None:
    error = EdgeAgentError("the key /k.pem cannot be read", cause="No such file or directory", fix="say why: --reason")
    assert told(error, "zh") == "无法读取密钥 /k.pem。文件不存在。请用 --reason 说明理由"
    assert told(error, "en") == str(error)


def test_what_has_no_chinese_words_is_told_as_it_is() -> None:
    assert in_chinese("a sentence of a newer release") == "a sentence of a newer release"


def test_why_the_collector_is_not_reached_is_told_in_chinese() -> None:
    text = "nobody listens there. Check address and port, and that the collector runs"
    assert "对方未在监听" in sentence("uplink-down", {"text": text}, "zh")
    assert text in sentence("uplink-down", {"text": text}, "en")
