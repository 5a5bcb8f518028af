"""gatectl explains itself in Chinese, too."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
import pytest

from edge_agent.status.chinese.help import HELP, PAGE
from edge_agent.status.chinese.help_page import ChinesePage, SpokenContext
from edge_agent.status.chinese.telling import is_chinese
from edge_agent.status.cli import cli, main
from edge_agent.status.screens.layout import width

COMMANDS = [cli, *cli.commands.values()]


def helps() -> Iterator[tuple[str, str]]:
    """(command and option, English help): everything that can be asked of gatectl."""
    for command in COMMANDS:
        yield str(command.name), str(command.help)
        for param in command.get_params(SpokenContext(command)):
            if isinstance(param, click.Option):
                yield f"{command.name} {param.opts[-1]}", str(param.help)


def page(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["gatectl", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.parametrize(("asked", "english"), list(helps()))
def test_every_command_and_option_has_its_chinese_help(asked: str, english: str) -> None:
    assert is_chinese(HELP.get(english, "")), f"{asked}: write it in edge_agent/status/chinese/help.py"


def test_no_chinese_help_is_left_of_a_command_that_is_gone() -> None:
    assert set(HELP) == {english for _, english in helps()}


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_a_help_page_has_no_english_but_what_is_typed(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "78")
    shown = page(capsys, monkeypatch, *(() if command == cli.name else (command,)), "--lang", "zh", "--help")
    assert [line for english, line in PAGE.items() if english in shown] == []
    assert not [english for _, english in helps() if english.rstrip(".") in shown]
    assert max(map(width, shown.splitlines())) <= 80  # a mark may stand beyond the end of a line


def test_the_language_of_the_session_is_that_of_the_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert page(capsys, monkeypatch, "lift", "--help").startswith("用法：gatectl lift [选项] 通行编号\n")
    assert page(capsys, monkeypatch, "--lang", "en", "lift", "--help").startswith(
        "Usage: gatectl lift [OPTIONS] PASSAGE\n"
    )
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert page(capsys, monkeypatch, "lift", "--help").startswith("Usage: ")


def test_lines_are_broken_by_cells_and_none_begins_with_a_mark() -> None:
    formatter = ChinesePage(20, None)
    formatter.write_dl([("--one", "一二三四五，六七八九十。abc")])
    assert formatter.getvalue() == "  --one  一二三四五，\n         六七八九十。\n         abc\n"
    assert all(width(line) <= 22 for line in formatter.getvalue().splitlines())
