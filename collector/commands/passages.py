"""`gate-collector passages`: what went through the gates, and what was decided."""

from __future__ import annotations

import click

from collector.commands._common import with_config
from collector.commands._show import (
    ACTIONS,
    Since,
    as_json,
    coloured,
    console,
    direction_word,
    local,
    plain,
    reading,
    references_json,
    table,
    utc,
    word,
)
from collector.config import CollectorConfig
from collector.reconcile.accounts import PassageFilter, PassageLine, passage_lines
from collector.reconcile.core import difference_from_gate
from gate_contract.v1.passage_pb2 import Passage


@click.command()
@click.option("--site", default="", help="Only of this site.")
@click.option("--since", type=Since(), default=0, help="Only since then: 90m, 24h, 7d, or a moment in ISO 8601.")
@click.option("--plate", default="", help="Only with this in the plate.")
@click.option("--action", type=click.Choice(list(ACTIONS)), help="Only with this verdict.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def passages(
    config: CollectorConfig, site: str, since: int, plate: str, action: str | None, limit: int, json_: bool
) -> None:
    """List passages, the newest first, each with what it was judged against and the verdict that stands."""
    which = PassageFilter(site, since, plate, ACTIONS[action] if action else 0)
    with reading(config) as connection:
        found = passage_lines(connection, which, limit + 1)
    lines, more = found[:limit], len(found) > limit
    if json_:
        click.echo(as_json([_json(line) for line in lines]))
        return
    out = console()
    out.print(_table(lines))
    if more:
        out.print(f"[dim]the newest {limit}; --limit shows more[/]")


def _table(lines: list[PassageLine]) -> object:
    listed = table(
        ("passage", "time", "lane", "plate", "kg", "declaration", "verdict", "findings", "revision"),
        right=("kg", "revision"),
    )
    for line in lines:
        decision = line.verdict.decision if line.verdict else None
        listed.add_row(
            plain(line.source.passage_id),
            local(line.opened_ns),
            plain(f"{line.source.site_id}/{line.lane_id}"),
            plain(line.plate or "-"),
            plain(line.kilograms or "-"),
            plain(
                " ".join(f"{each.declaration_id} v{each.version}" for each in decision.declarations)
                if decision
                else "-"
            )
            or "-",
            "[dim]told by another[/]" if line.is_second_voice else _standing(line),
            " ".join(finding.code for finding in decision.findings) if decision else "",
            str(line.source.revision),
        )
    return listed


def _standing(line: PassageLine) -> str:
    """The verdict, and what stands of it where officers changed that."""
    decided = line.verdict.decision.action if line.verdict else 0
    return coloured(decided) if line.action == decided else f"{coloured(decided)}, now {coloured(line.action)}"


def _json(line: PassageLine) -> dict[str, object]:
    passage = Passage.FromString(line.source.body)
    verdict = line.verdict
    return {
        "passage_id": line.source.passage_id,
        "revision": line.source.revision,
        "site_id": line.source.site_id,
        "lane_id": line.lane_id,
        "direction": direction_word(passage.direction),
        "opened": utc(line.opened_ns),
        "opened_unix_ns": line.opened_ns,
        "received": utc(line.source.received_ns),
        "received_unix_ns": line.source.received_ns,
        "plate": line.plate,
        "kilograms": line.kilograms or None,
        "record": f"{line.source.origin}#{line.source.record_index}",
        "action": word(verdict.decision.action) if verdict else None,
        "standing_action": word(line.action) if verdict else None,
        "told_first_by_another_journal": line.is_second_voice,
        "findings": [finding.code for finding in verdict.decision.findings] if verdict else [],
        "declarations": references_json(verdict.decision) if verdict else [],
        "verdict_sequence": verdict.sequence if verdict else None,
        "decided": utc(verdict.decision.decided_unix_ns) if verdict else None,
        "decided_unix_ns": verdict.decision.decided_unix_ns if verdict else None,
        "gate_action": word(passage.local_decision.action) if passage.HasField("local_decision") else None,
        "differs_from_gate": difference_from_gate(passage.local_decision, verdict.decision) if verdict else "",
    }
