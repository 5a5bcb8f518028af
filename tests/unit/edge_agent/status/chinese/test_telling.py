"""Whatever the program says in English where field staff read it has Chinese words."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from edge_agent.enrol import _NETWORK
from edge_agent.links.watch import _NO_ANSWER
from edge_agent.status.acts.handing import CLOSED, FULL
from edge_agent.status.chinese import lanes
from edge_agent.status.chinese.help import HELP
from edge_agent.status.chinese.lines import READINGS
from edge_agent.status.chinese.records import INCIDENTS, WORDS
from edge_agent.status.chinese.telling import TABLES, in_chinese, is_chinese, reading_in_chinese
from edge_agent.status.words import LABELS, REASONS
from edge_agent.status.words_rules import EXPLANATIONS
from tests.unit.edge_agent.status.chinese.spoken import AGENT, CONTRACT, form_of, forms_in, sentences

WORDS_PAGE = Path(__file__).parents[5] / "docs" / "words.md"

NOT_WRITTEN_WHOLE = {
    # What the system says.
    *("No such file or directory", "Permission denied", "No space left on device", "Is a directory"),
    "Input/output error",
    # What is put together from two texts.
    *("{} answers again", "the input ended inside a frame ({})"),
}


def is_told(form: str) -> bool:
    """Whether a text of this form is Chinese, and names what the English one names."""
    text = form.replace("{}", "X1")
    said = (in_chinese(text), reading_in_chinese(text))
    return any(is_chinese(each) and each.count("X1") == form.count("{}") for each in said)


def test_every_sentence_that_field_staff_may_read_has_chinese_words() -> None:
    spoken = list(sentences())
    untold = sorted({(where, form) for where, form in spoken if not is_told(form)})
    assert untold == [], "write them in Chinese in edge_agent/status/chinese; docs/words.md has the terms"
    assert len(spoken) > 500


def test_errors_conditions_and_f_strings_are_all_seen_where_they_are_written() -> None:
    source = (
        'def f(x):\n  """No doc."""\n  LOG.info("not this one")\n  E(f"the {x} is {\'much too\' if x else x} old")\n'
    )
    assert sorted(forms_in(ast.parse(source))) == ["much too", "the {} is {} old"]


def test_no_chinese_words_are_left_of_a_sentence_that_nothing_says_any_more() -> None:
    files = [*AGENT.rglob("*.py"), *CONTRACT.rglob("*.py")]
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in files
        if AGENT / "status" / "chinese" not in path.parents
    ]
    there = "\n".join(filter(None, (form_of(node) for tree in trees for node in ast.walk(tree))))
    of_kinds = {form.replace("{}", kind, 1) for form in lanes.OF_A_KIND for kind in lanes.KINDS}
    known = {form for table in TABLES for form in table} - of_kinds - NOT_WRITTEN_WHOLE
    assert [form for form in sorted(known) if not all(part in there for part in form.split("{}"))] == []


def test_one_thing_has_one_word() -> None:
    """What the manual says is not used stands nowhere in what `gatectl` may print."""
    rows = [line.split("|") for line in WORDS_PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    unused = [word for row in rows[2:] for word in row[3].strip().split("、") if word]
    texts = [
        chinese for table in (*TABLES, READINGS, HELP, INCIDENTS, WORDS, EXPLANATIONS) for chinese in table.values()
    ]
    texts += [each["zh"] for table in (REASONS, LABELS) for each in table.values()]
    assert len(unused) > 20
    assert [(word, text) for word in unused for text in texts if word in text] == []


def test_a_sentence_stands_in_one_table_only() -> None:
    counted = Counter(form for table in TABLES for form in table)
    assert [form for form, count in counted.items() if count > 1] == []


def test_chinese_words_name_what_the_english_ones_name() -> None:
    for table in TABLES:
        for english, chinese in table.items():
            names = [f"<{number}>" for number in range(english.count("{}"))]
            assert all(name in chinese.format(*names) for name in names), english


def test_several_sentences_are_told_one_after_the_other_and_one_that_is_not_known_stays() -> None:
    text = "/dev/ttyUSB0 hung up. A sentence of a newer release. Plug it in again"
    assert in_chinese(text) == "/dev/ttyUSB0 已断开。A sentence of a newer release。请重新插拔"


def test_what_a_sentence_names_is_told_in_chinese_too() -> None:
    text = (
        "it failed 6 times within 300 s: look for a loose plug or cable. Now: The gamma background is too low: a "
        "detector fails or its cable is loose. Its alarms cannot be relied on until it is back"
    )
    assert in_chinese(text) == (
        "300 秒内故障 6 次：请检查插头或线缆是否松动。目前：伽马本底过低：探测器故障或线缆松动。恢复之前其报警不可信"
    )


def test_a_form_of_several_sentences_is_known_with_its_numbers() -> None:
    told = in_chinese(_NO_ANSWER.format(3.0))
    assert told.startswith("端口已打开，已向设备发出查询，但 3 秒没有应答。")
    assert "silent" not in told


@pytest.mark.parametrize("text", ["", ".", "a sentence of a newer release", "{} of {}", "x" * 5000, ". " * 100])
def test_what_is_not_known_is_shown_as_it_is(text: str) -> None:
    assert in_chinese(text) == text


def test_braces_and_marks_in_what_a_device_says_are_only_text() -> None:
    assert in_chinese("{0} {} % is busy") == "{0} {} % 被占用"


def test_the_reason_within_an_answer_of_the_agent_is_told_in_chinese_too() -> None:
    assert in_chinese("操作无效：it gives no reason: say why") == "操作无效：没有填写原因"
    assert in_chinese("已记录。") == "已记录。"


def test_of_a_text_in_both_languages_the_chinese_half_is_shown() -> None:
    assert in_chinese("Please look at the camera / 请面向摄像头") == "请面向摄像头"
    assert in_chinese("琼A12345 / 琼B12345") == "琼A12345 / 琼B12345"


def test_a_name_of_two_words_is_not_taken_for_a_reading() -> None:
    assert in_chinese("12 of 13") == "12 of 13"


@pytest.mark.parametrize(
    ("shown", "chinese"),
    [
        ("12340 kg", "12340 千克"),
        ("820 mm", "820 毫米"),
        ("(not read)", "（未识别）"),
        ("琼A12345", "琼A12345"),
        ("occupancy 7: gamma and neutron alarm", "第 7 次通过：伽马和中子报警"),
        ("TD3 of CHN", "TD3 CHN"),
        ("TD3 of CHN, wrong check digits: number", "TD3 CHN，校验码错误：number"),
        ("loop-in on", "loop-in 接通"),
        ("waiting for a document", "等待证件"),
        ("Come closer to the camera / 请靠近摄像头", "请靠近摄像头"),
    ],
)
def test_a_last_reading_has_chinese_units_and_words(shown: str, chinese: str) -> None:
    assert reading_in_chinese(shown) == chinese


def test_why_the_collector_is_not_reached_is_told_in_chinese() -> None:
    assert all(is_chinese(in_chinese(words)) for _, words in _NETWORK)


@pytest.mark.parametrize("words", [CLOSED, FULL])
def test_what_to_do_with_an_act_that_is_kept_nowhere_is_told_in_chinese(words: str) -> None:
    assert is_chinese(in_chinese(words))
