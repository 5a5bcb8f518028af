"""What is wrong with a command as it was typed, in 简体中文: click says it in English only."""

from __future__ import annotations

import re

import click

from edge_agent.status.chinese.help import PAGE


def wrongly_typed(error: click.UsageError) -> str:
    """What is missing or wrong; the command's help says the rest."""
    if isinstance(error, click.NoSuchOption):
        return f"没有选项 {error.option_name}"
    if isinstance(error, click.BadOptionUsage):
        return f"{error.option_name} 后缺少值"
    if isinstance(error, click.MissingParameter):
        return f"缺少 {_named(error)}{_choices(error)}"
    if isinstance(error, click.BadParameter):
        return f"{_named(error)} 的值有误{_choices(error)}"
    if error.message.startswith("Missing command"):
        return "缺少命令"
    named = re.search("'(.+?)'", error.message)
    return f"命令有误：{named[1]}" if named else "命令格式有误"


def _named(error: click.BadParameter) -> str:
    parameter = error.param
    if parameter is None:
        return error.param_hint if isinstance(error.param_hint, str) else "参数"
    if isinstance(parameter, click.Option):
        return parameter.opts[0]
    name = (parameter.name or "").upper()
    return PAGE.get(name, name)


def _choices(error: click.BadParameter) -> str:
    kind = None if error.param is None else error.param.type
    return f"（{'、'.join(map(str, kind.choices))}）" if isinstance(kind, click.Choice) else ""
