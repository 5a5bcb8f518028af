"""What docs/registers.md and docs/orders.md tell to type is there and is accepted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from collector.cli import cli
from collector.declarations.files import read_rows
from collector.registers.forms import FORMS, FlatForm
from collector.registers.manifests import TRAVELLERS
from collector.registers.order_files import read_draft
from collector.registers.sailings import SAILINGS

DOCS = Path(__file__).resolve().parents[4] / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in ("registers.md", "orders.md", "declarations.md")}


def typed() -> Iterator[str]:
    for text in PAGES.values():
        yield from re.findall(r"^    (gate-collector .*)$", text, re.MULTILINE)


@pytest.mark.parametrize("line", sorted(set(typed())))
def test_every_command_of_the_manual_is_there_with_its_options(line: str) -> None:
    words = [word.strip("…") for word in shlex.split(line, comments=True)[1:]]
    command: click.Command = cli
    while isinstance(command, click.Group) and words:
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    assert not isinstance(command, click.Group), "a command is missing"
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-") and len(word) > 1} <= known


def test_the_order_of_the_manual_can_be_drafted() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGES["orders.md"], re.DOTALL)
    now = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 10**9
    order = read_draft(text, "hainan", lambda _order_id: 1, lambda *_document: bytes(32), now)
    assert [selector.WhichOneof("what") for selector in order.selectors] == ["plate", "document"]


@pytest.mark.parametrize(
    ("sample", "form"),
    [("sailings.csv", SAILINGS), ("manifest.csv", TRAVELLERS), ("settlements.json", FORMS["settlement"][1])],
)
def test_samples_are_accepted(sample: str, form: FlatForm[object]) -> None:
    with (DOCS / "samples" / sample).open("rb") as stream:
        entries = [entry for _, entry in read_rows(stream, "json" if sample.endswith("json") else "csv", form)]
    assert entries
    assert not any(isinstance(entry, list) for entry in entries)


@pytest.mark.parametrize(
    ("heading", "form"),
    [("### Sailings", SAILINGS), ("### Manifests", TRAVELLERS), ("### Settlements", FORMS["settlement"][1])],
)
def test_every_column_is_in_the_manual(heading: str, form: FlatForm[object]) -> None:
    section = PAGES["registers.md"].split(heading)[1].split("\n###")[0].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {column.name for column in form.columns}
