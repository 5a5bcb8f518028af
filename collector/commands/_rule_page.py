"""The rule book as a page of the documentation, made from its table: what cannot be forgotten when a rule changes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from collector.commands._show import word
from gate_contract.holds import authority_of
from gate_contract.rules import RULES, Policy
from gate_contract.v1.decision_pb2 import Finding

ALSO: Final[Mapping[str, Sequence[str]]] = {
    "V01": ("booking",),
    "C05": ("W01",),
    "C06": ("C05", "W01"),
    "D02": ("V01", "booking"),
    "D05": ("W01",),
    "D06": ("V05",),
    "P05": ("V05", "V04"),
    "R01": ("release",),
    "W03": ("W01",),
    "W05": ("W01",),
}
"""Tables of the policy that a rule goes by besides the one of its own code."""

_HEAD: Final = """# The rules, one by one

Made by `gate-collector rules page` from the table in `gate_contract.rules.book`; do not edit it. Why each rule decides
as it does: [rules.md](rules.md). What lifts a hold, and whose it is: [decisions/0015](decisions/0015-fusion.md) and
[decisions/0016](decisions/0016-release-modes-and-holds.md). Tolerances are the defaults; `gate-collector rules explain
CODE` shows those in force.
"""

_ONE_ORDER: Final = "the order's"


def tolerances_of(policy: Policy, code: str) -> list[dict[str, str]]:
    """Keys of the policy's tables that a rule goes by, with what is in force and what may be."""
    found = []
    for table in (code, *ALSO.get(code, ())):
        section = getattr(policy, table, None)
        for name, field in type(section).model_fields.items() if isinstance(section, BaseModel) else ():
            limits = {end: getattr(rule, end) for rule in field.metadata for end in ("ge", "le") if hasattr(rule, end)}
            bounds = f"{limits['ge']} to {limits['le']}" if len(limits) == 2 else ""  # noqa: PLR2004 - least and most
            found.append({"key": f"{table}.{name}", "value": str(getattr(section, name)), "bounds": bounds})
    return found


def page() -> str:
    """The whole page, Markdown."""
    lines = [_HEAD, "| code | fires when | severity | asks for at most | whose |", "|---|---|---|---|---|"]
    lines += [_row(rule) for rule in RULES]
    for rule in RULES:
        lines += ["", *_section(rule)]
    return "\n".join(lines) + "\n"


def _row(rule: Any) -> str:
    mildest, gravest = rule.severities
    severity = str(gravest) if mildest == gravest else f"{mildest} to {gravest}"
    link = f"[{rule.code}](#{rule.code.lower()})"
    return f"| {link} | {rule.title} | {severity} | {word(rule.action)} | {_whose(rule.code)} |"


def _section(rule: Any) -> Iterator[str]:
    _code, _colon, meaning = (inspect.getdoc(rule.judge) or "").partition(": ")
    yield f"## {rule.code}"
    yield ""
    yield meaning[:1].upper() + meaning[1:]
    needs = [need.value for need in rule.needs]
    yield ""
    asked = f" Asked only where {' and '.join(needs)}." if needs else ""
    yield f"Decided {rule.where.value}.{asked}"
    values = tolerances_of(Policy.default(), rule.code)
    if values:
        yield ""
        yield "| tolerance | default | bounds |"
        yield "|---|---|---|"
        yield from (f"| `{each['key']}` | {_value(each)} | {each['bounds']} |" for each in values)


def _value(tolerance: Mapping[str, str]) -> str:
    """Tables of the policy are too long for a cell."""
    return "see the shipped policy" if tolerance["value"].startswith("{") else tolerance["value"]


def _whose(code: str) -> str:
    return _ONE_ORDER if code == "O01" else authority_of(Finding(code=code))
