"""What the reading commands share: the database as it is, moments, and tables."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy import Connection

from collector.commands._state import existing_store
from collector.config import CollectorConfig
from gate_contract.rules.findings import ACTION_WORDS, Action
from gate_contract.v1.decision_pb2 import Action as ActionEnum
from gate_contract.v1.decision_pb2 import Decision, Finding
from gate_contract.v1.declaration_pb2 import FULLNESS_EMPTY, FULLNESS_LOADED, Declaration
from gate_contract.v1.passage_pb2 import DIRECTION_INBOUND, DIRECTION_OUTBOUND

ACTIONS = {word: action for action, word in ACTION_WORDS.items()}
"""Action by the word a person writes, mildest first."""

STYLES = {"release": "green", "review": "yellow", "inspect": "magenta", "hold": "bold red"}
PIPED_WIDTH = 200
"""Characters a line when the output is no terminal: a pipe has no width."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_NS = 1_000_000_000


@contextmanager
def reading(config: CollectorConfig) -> Iterator[Connection]:
    """A read transaction on the collector's database; the server may be running. StoreError when there is none yet."""
    with existing_store(config) as store, store.read() as connection:
        yield connection


class Since(click.ParamType[int]):
    """A moment as a span before now (90m, 24h, 7d) or in ISO 8601; nanoseconds since 1970."""

    name = "moment"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """A moment without a zone is local time, as the tables show it."""
        if isinstance(value, int):
            return value
        if span := re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", value):
            return unix_ns(datetime.now(UTC) - int(span[1]) * _SPANS[span[2]])
        try:
            return unix_ns(datetime.fromisoformat(value).astimezone())
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no moment; write 90m, 24h, 7d, 2026-03-01 or 2026-03-01T08:30:00+08:00", param, ctx
            )


def unix_ns(when: datetime) -> int:
    """Nanoseconds since 1970-01-01T00:00:00Z."""
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def local(moment_ns: int) -> str:
    """ISO 8601 in the local zone, to the second; "-" for 0, which is not known."""
    if not moment_ns:
        return "-"
    return _moment(moment_ns).astimezone().isoformat(timespec="seconds")


def utc(moment_ns: int) -> str | None:
    """RFC 3339 in UTC, all nine decimals; None for 0, which is not known."""
    if not moment_ns:
        return None
    return f"{_moment(moment_ns):%Y-%m-%dT%H:%M:%S}.{moment_ns % _NS:09d}Z"


def _moment(moment_ns: int) -> datetime:
    # What a gate says may be any 64-bit number; what a calendar cannot hold is shown as its nearest end.
    seconds = min(max(moment_ns // _NS, -62_135_510_400), 253_402_214_400)
    return _EPOCH + timedelta(seconds=seconds)


def word(action: int) -> str:
    """The word for an action; "not judged" where there is none."""
    return ACTION_WORDS.get(as_action(action), "not judged")


def as_action(number: int) -> Action:
    """An action as the database holds it."""
    return ActionEnum.ValueType(number)


def coloured(action: int) -> str:
    """The word in its colour, for a table."""
    text = word(action)
    return f"[{STYLES[text]}]{text}[/]" if text in STYLES else f"[dim]{text}[/]"


def console() -> Console:
    """Standard output; wide where it is no terminal, so that a pipe gets whole lines."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, soft_wrap=False)


def table(columns: Sequence[str], *, right: Sequence[str] = ()) -> Table:
    """A plain table whose long cells are folded, never cut."""
    made = (Column(name, overflow="fold", justify="right" if name in right else "left") for name in columns)
    return Table(*made, box=None, pad_edge=False)


def plain(text: str) -> str:
    """Text that is not ours, harmless to a terminal and to rich's markup."""
    return escape("".join(character if character.isprintable() else "�" for character in text))


def as_json(value: object) -> str:
    """JSON for programs and people; characters as they are."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def declaration_json(declaration: Declaration) -> dict[str, object]:
    """A version with the field names of an import file, and what the collector added."""
    return {
        "declaration_id": declaration.declaration_id,
        "version": declaration.version,
        "received": utc(declaration.received_unix_ns),
        "received_unix_ns": declaration.received_unix_ns,
        "lodged": utc(declaration.lodged_unix_ns),
        "lodged_unix_ns": declaration.lodged_unix_ns,
        "site_id": declaration.site_id,
        "direction": direction_word(declaration.direction),
        "sailing_id": declaration.sailing_id,
        "departure": utc(declaration.departure_unix_ns),
        "departure_unix_ns": declaration.departure_unix_ns,
        "vehicle_plate": declaration.vehicle_plate,
        "trailer_plate": declaration.trailer_plate,
        "vehicle_tare_kilograms": declaration.vehicle_tare_kilograms,
        "box_tare_kilograms": declaration.box_tare_kilograms,
        "persons": declaration.persons,
        "cargo_kilograms": declaration.cargo_kilograms,
        "goods": [
            {
                "hs_code": item.hs_code,
                "description": item.description,
                "packages": item.packages,
                "gross_kilograms": item.gross_kilograms,
            }
            for item in declaration.goods
        ],
        "containers": list(declaration.containers),
        "declarant_id": declaration.declarant_id,
        "equipment": [
            {
                "number": box.number,
                "size_type": box.size_type,
                "fullness": _FULLNESS.get(box.fullness, ""),
                "seals": list(box.seals),
                "tare_kilograms": box.tare_kilograms,
                "verified_gross_kilograms": box.verified_gross_kilograms,
            }
            for box in declaration.equipment
        ],
        "carrier_id": declaration.carrier_id,
        "drivers": [driver.hex() for driver in declaration.drivers],
        "value": declaration.value.amount,
        "currency": declaration.value.currency,
        "verified_gross_kilograms": declaration.verified_gross_kilograms,
    }


_FULLNESS = {FULLNESS_EMPTY: "empty", FULLNESS_LOADED: "loaded"}


def finding_json(finding: Finding) -> dict[str, object]:
    """A finding with everything its rule looked at."""
    return {
        "code": finding.code,
        "action": word(finding.action),
        "severity": finding.severity,
        "explanation": finding.explanation,
        "tolerance": finding.tolerance,
        "inputs": [{"name": each.name, "value": each.value, "source": each.source} for each in finding.inputs],
    }


def references_json(decision: Decision) -> list[dict[str, object]]:
    """Declaration versions a decision was judged against."""
    return [{"declaration_id": each.declaration_id, "version": each.version} for each in decision.declarations]


def direction_word(direction: int) -> str:
    """inbound, outbound, or "" when not said."""
    words: dict[int, str] = {DIRECTION_INBOUND: "inbound", DIRECTION_OUTBOUND: "outbound"}
    return words.get(direction, "")
