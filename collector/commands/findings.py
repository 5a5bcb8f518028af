"""`gate-collector findings`: rules that fired and still stand."""

from __future__ import annotations

import click

from collector.commands._common import with_config
from collector.commands._show import (
    ACTIONS,
    Since,
    as_json,
    coloured,
    console,
    finding_json,
    local,
    plain,
    reading,
    table,
    utc,
)
from collector.config import CollectorConfig
from collector.reconcile.accounts import StandingFinding, standing_findings
from gate_contract.rules import RULES

CODES = sorted(rule.code for rule in RULES)


@click.command()
@click.option(
    "--code",
    "codes",
    multiple=True,
    type=click.Choice(CODES, case_sensitive=False),
    help="Only of this rule; repeatable.",
)
@click.option("--action", type=click.Choice(list(ACTIONS)), help="Only those that ask for this.")
@click.option("--since", type=Since(), default=0, help="Only since then: 90m, 24h, 7d, or a moment in ISO 8601.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def findings(
    config: CollectorConfig, codes: tuple[str, ...], action: str | None, since: int, limit: int, json_: bool
) -> None:
    """List findings that stand, the newest first.

    They are those of the latest verdict on each passage, of declarations whose vehicle was not seen (D01), of sailings
    that have left (P06, P07), and of journals that are not whole (K03).
    """
    with reading(config) as connection:
        found = standing_findings(connection, codes, ACTIONS[action] if action else 0, since, limit + 1)
    standing, more = found[:limit], len(found) > limit
    if json_:
        click.echo(as_json([_json(each) for each in standing]))
        return
    out = console()
    out.print(_table(standing))
    if more:
        out.print(f"[dim]the newest {limit}; --limit shows more[/]")


def _table(standing: list[StandingFinding]) -> object:
    listed = table(("code", "asks for", "severity", "time", "about", "what"), right=("severity",))
    for each in standing:
        listed.add_row(
            each.finding.code,
            coloured(each.finding.action),
            str(each.finding.severity),
            local(each.at_ns),
            plain(f"{each.subject_kind} {each.subject}"),
            plain(each.finding.explanation),
        )
    return listed


def _json(standing: StandingFinding) -> dict[str, object]:
    return {
        **finding_json(standing.finding),
        "subject_kind": standing.subject_kind,
        "subject": standing.subject,
        "sequence": standing.sequence,
        "at": utc(standing.at_ns),
        "at_unix_ns": standing.at_ns,
    }
