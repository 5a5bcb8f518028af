"""What is wrong with a site file, in words: the key as an installer finds it, what is wrong, the likely fix. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

SHOWN = 60
"""Characters of a value, or of a line of the file, that a message shows."""

Location = Sequence[int | str]


def told(error: ValidationError, table: dict[str, Any], model: type[BaseModel]) -> Iterator[str]:
    """One line for each thing that is wrong with `table`, which `model` describes."""
    details = error.errors()
    for detail in details:
        location = detail["loc"]
        if detail["type"] == "too_short" and any(_below(location, other["loc"]) for other in details):
            continue  # not too short: what is in it is wrong, and that is told
        key = shown(location, table)
        for line in str(_words(detail, model)).split("\n"):
            yield f"{key}: {line}" if key else line


def shown(location: Location, table: Any) -> str:
    """The key as an installer finds it: scale "scale-east", division."""
    parts: list[str] = []
    for step in location:
        try:
            table = table[step]
        except (KeyError, IndexError, TypeError):
            table = None
        if isinstance(step, int):
            name = table.get("id") if isinstance(table, dict) else None
            parts[-1] += f' "{name}"' if name else f" number {step + 1}"
        else:
            parts.append(step)
    return ", ".join(parts)


def not_toml(text: str, problem: str) -> str:
    """A TOML error with the line it means."""
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark; save it as UTF-8 without BOM"
    found = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", problem)
    lines = text.splitlines()
    if found is None or not 0 < int(found[2]) <= len(lines):
        return f"{problem}; correct that"
    line = lines[int(found[2]) - 1].strip()
    fix = "correct that line"
    if re.search("[“”„‘’«»]", line):
        fix = "use straight quotes"
    elif unquoted := re.search(r"=\s*([0-9.]+\s*[A-Za-z]+)\s*(?:#|$)", line):
        fix = f'put the value in quotes: "{unquoted[1]}"'
    return f"line {found[2]}: {found[1]}. It reads: {line[:SHOWN]} … {fix}"


def _below(location: Location, other: Location) -> bool:
    return len(other) > len(location) and tuple(other[: len(location)]) == tuple(location)


def _words(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, given = detail["type"], detail["input"]
    if kind in _WORDS:
        return _WORDS[kind](detail)
    if kind == "extra_forbidden":
        known = _known_keys(detail["loc"], model)
        near = get_close_matches(str(detail["loc"][-1]), known, n=1)
        return f"there is no such key; {f'did you mean {near[0]!r}?' if near else 'known here: ' + ', '.join(known)}"
    return f"{detail['msg']}, not {_value(given)}"


def _value(given: object) -> str:
    text = repr(given)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _one_of(detail: ErrorDetails) -> str:
    expected, given = str(detail["ctx"]["expected"]), str(detail["input"])
    known = re.findall(r"'([^']*)'", expected)
    near = [one for one in known if one.lower() == given.lower()] or get_close_matches(given, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"must be {expected}, not {_value(detail['input'])}{hint}"


def _list(detail: ErrorDetails) -> str:
    key, given = str(detail["loc"][-1]), detail["input"]
    if isinstance(given, dict):
        return f"there may be several: write [[{key}]] with double brackets"
    return f"must be a list: write [{_quoted(given)}] with brackets"


def _quoted(given: object) -> str:
    return f'"{given}"' if isinstance(given, str) else _value(given)


def _table(detail: ErrorDetails) -> str:
    key = next(str(step) for step in reversed(detail["loc"]) if isinstance(step, str))
    return f"is a table of its own, once: write [{key}] with single brackets, and its keys below"


_WORDS: dict[str, Callable[[ErrorDetails], str]] = {
    "missing": lambda _: "is missing; add it",
    "value_error": lambda detail: str(detail["ctx"]["error"]),
    "literal_error": _one_of,
    "tuple_type": _list,
    "model_type": _table,
    "too_short": lambda _: "is empty; name at least one",
    "int_type": lambda detail: f"must be a whole number without quotes, not {_value(detail['input'])}",
    "string_type": lambda detail: f"must be text in quotes, not {_value(detail['input'])}",
    "path_type": lambda detail: f"must be a path in quotes, not {_value(detail['input'])}",
    "greater_than": lambda detail: f"must be more than {detail['ctx']['gt']}, not {_value(detail['input'])}",
    "greater_than_equal": lambda detail: f"must be at least {detail['ctx']['ge']}, not {_value(detail['input'])}",
    "less_than_equal": lambda detail: f"must be at most {detail['ctx']['le']}, not {_value(detail['input'])}",
}


def _known_keys(location: Location, model: type[BaseModel]) -> list[str]:
    for step in location[:-1]:
        if isinstance(step, str):
            annotation = model.model_fields[step].annotation
            model = next((m for m in (annotation, *get_args(annotation)) if _is_table(m)), model)
    return list(model.model_fields)


def _is_table(candidate: object) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)
