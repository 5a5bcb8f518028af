"""A command that was typed wrongly is told in Chinese what is wrong with it."""

from __future__ import annotations

import sys

import pytest

from edge_agent.status.cli import main


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("lift", "gatectl: 缺少 通行编号。请查看：gatectl lift --help\n"),
        ("lift L1-ab", "缺少 --as"),
        ("lift L1-ab --as", "--as 后缺少值"),
        ("inspect L1-ab --as C --key k --text t", "缺少 --result（as-declared、differs、detained）"),
        (
            "override L1-ab --as C --key k --reason r --action fly",
            "--action 的值有误（release、review、inspect、hold）",
        ),
        ("tail -n many", "-n 的值有误"),
        ("status --nope", "没有选项 --nope"),
        ("frob", "命令有误：frob"),
        ("", "缺少命令。请查看：gatectl --help"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    typed: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["gatectl", "--lang", "zh", *typed.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("locale", "page"),
    [("zh_CN.UTF-8", "用法：gatectl [选项] 命令 [参数]..."), ("C.UTF-8", "Usage: gatectl [OPTIONS] COMMAND [ARGS]...")],
)
def test_without_anything_typed_the_help_is_shown(
    locale: str, page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setattr(sys, "argv", ["gatectl"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(page)
