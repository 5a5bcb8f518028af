"""What is wrong with a command as it was typed, in 简体中文: click says it in English only."""

from __future__ import annotations

import re

import click


def wrongly_typed(error: click.UsageError) -> str:
    """What is missing or wrong; the command's help says the rest."""
    if isinstance(error, click.NoSuchOption):
        return f"没有选项 {error.option_name}"
    if isinstance(error, click.MissingParameter):
        return f"缺少 {_named(error)}"
    if isinstance(error, click.BadParameter):
        return f"{_named(error)} 的值有误"
    named = re.search("'(.+?)'", error.message)
    return f"命令有误：{named[1]}" if named else "命令格式有误"


def _named(error: click.BadParameter) -> str:
    parameter = error.param
    if parameter is None:
        return error.param_hint if isinstance(error.param_hint, str) else "参数"
    return parameter.opts[0] if isinstance(parameter, click.Option) else (parameter.name or "").upper()
