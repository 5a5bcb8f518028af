"""`replay --rule-book DIR`: another rule book in the place of this release's, in a process of its own.

`python -P -m collector.commands._other_book DIR replay ...`: the rule book is put in before anything imports one.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from collector.cli import main
from collector.errors import CollectorError

NAME: Final = "gate_contract.rules"

_WITHIN: Final = ("", "gate_contract/rules", "proto/gate_contract/rules")
"""A rule book itself, what a wheel unpacks to, a checkout."""


def rules_in(directory: Path) -> Path:
    """Where the rule book of a directory is. CollectorError when it has none."""
    for within in _WITHIN:
        rules = (directory / within).resolve()
        if (rules / "__init__.py").is_file() and (rules / "book.py").is_file():
            return rules
    raise CollectorError(
        f"{directory} has no rule book",
        cause="it is no copy of gate_contract/rules (with book.py), and holds none",
        fix="unpack the release that has it, or copy this one's and change the copy",
    )


def is_used(rules: Path) -> bool:
    """Whether this process judges by the rule book of that directory."""
    used = sys.modules.get(NAME)
    return used is not None and Path(used.__path__[0]) == rules


def run_with(rules: Path, arguments: Sequence[str]) -> int:
    """Run a command of `gate-collector` in a process that judges by another rule book; its exit code."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "collector.commands._other_book", str(rules), *arguments], check=False
    ).returncode


def put_in(rules: Path) -> None:
    """Let that rule book be imported as this release's. CollectorError when it does not fit this release."""
    spec = importlib.util.spec_from_file_location(NAME, rules / "__init__.py", submodule_search_locations=[str(rules)])
    if spec is None or spec.loader is None:
        raise CollectorError(f"{rules} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    try:
        spec.loader.exec_module(module)
        importlib.import_module("collector.commands.replay")
    except (ImportError, AttributeError, TypeError, ValueError, SyntaxError) as error:
        raise CollectorError(
            f"the rule book in {rules} does not fit this release",
            cause=f"{type(error).__name__}: {error}",
            fix="install the release that has it beside this one, and let it read the same database",
        ) from error


def judge_with(rules: Path) -> None:
    """Run the command that stands in `sys.argv` with that rule book, to its end.

    Raises:
        CollectorError: it does not fit this release, or fails where it judges.
    """
    put_in(rules)
    try:
        main()
    except Exception as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        raise CollectorError(
            f"judging by the rule book in {rules} failed",
            cause=f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})",
            fix="mend it, or take the release that has it",
        ) from error


if __name__ == "__main__":
    try:
        judge_with(Path(sys.argv.pop(1)))
    except CollectorError as refused:
        sys.exit(f"gate-collector: {refused}")
