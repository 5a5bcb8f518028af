"""`gate-collector replay`: any time again, under any policy; what would be decided otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collector.commands._common import with_config
from collector.commands._other_book import is_used, rules_in, run_with
from collector.commands._show import (
    Since,
    as_json,
    coloured,
    console,
    finding_json,
    local,
    plain,
    references_json,
    table,
    unix_ns,
    utc,
    word,
)
from collector.commands._state import existing_store
from collector.config import CollectorConfig
from collector.reconcile.core import changed_words
from collector.reconcile.policy import load_policy
from collector.reconcile.replay import Replayed, Span, replay_all, work
from gate_contract.rules import RULE_BOOK_HASH
from gate_contract.v1.decision_pb2 import Decision

WOULD_CHANGE = 3
"""Exit code when a decision would be another one."""


class Day(click.ParamType[Span]):
    """A calendar day of the local zone."""

    name = "day"

    def convert(self, value: str | Span, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """From its midnight to the next one."""
        if isinstance(value, Span):
            return value
        try:
            first = datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007 - local time, as the tables show it
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-01", param, ctx)
        return Span(unix_ns(first.astimezone()), unix_ns((first + timedelta(days=1)).astimezone()))


@click.command()
@click.option("--day", type=Day(), help="Verdicts of this day, YYYY-MM-DD, local time.")
@click.option("--from", "from_ns", type=Since(), help="Verdicts from then on: 90m, 24h, 7d, or a moment in ISO 8601.")
@click.option("--to", "until_ns", type=Since(), help="Verdicts until then, as --from; without it until now.")
@click.option("--site", default="", help="Only of this site.")
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Tolerances to judge with, for all sites; without it those that were in force.",
)
@click.option(
    "--rule-book",
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Rule book to judge with, instead of this release's: a copy of gate_contract/rules, or another release, "
    "unpacked. Its Python code is run.",
)
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def replay(
    config: CollectorConfig,
    day: Span | None,
    from_ns: int | None,
    until_ns: int | None,
    site: str,
    policy_file: Path | None,
    rule_book: Path | None,
    json_: bool,
) -> None:
    """Judge a day again on what was known then, and list what would be decided otherwise.

    Writes nothing, and may run while the collector serves. The exit code is 0 when every decision would be the same
    and 3 when one would not. Under the policy and rule book of then each decision comes out again to the byte.
    """
    span = _span(day, from_ns, until_ns, site)
    if rule_book is not None and not is_used(rules := rules_in(rule_book)):
        sys.exit(run_with(rules, sys.argv[1:]))
    policy = load_policy(policy_file or config.policy_file)
    with existing_store(config) as store, _progress(work(store, span)) as on_progress:
        report = replay_all(
            store, span, policy, config.goods_of, forced=policy_file is not None, on_progress=on_progress
        )
    if json_:
        click.echo(
            as_json(
                {
                    "judged": report.judged,
                    "identical": report.identical,
                    "changed": [_json(each) for each in report.changed],
                    "policy": policy.hash,
                    "rule_book": RULE_BOOK_HASH,
                }
            )
        )
    else:
        _show(console(), report.changed)
        click.echo(
            f"{report.judged} verdicts judged again: {len(report.changed)} would be otherwise, "
            f"{report.judged - len(report.changed)} would be the same, {report.identical} of them to the byte "
            f"(rule book {RULE_BOOK_HASH[:12]})"
        )
    sys.exit(WOULD_CHANGE if report.changed else 0)


def _span(day: Span | None, from_ns: int | None, until_ns: int | None, site: str) -> Span:
    if (day is None) == (from_ns is None) or (day is not None and until_ns is not None):
        raise click.UsageError("say which verdicts: either --day, or --from and perhaps --to")
    if day is not None:
        return Span(day.from_ns, day.until_ns, site)
    until = unix_ns(datetime.now().astimezone()) if until_ns is None else until_ns
    return Span(from_ns or 0, until, site)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error; nothing elsewhere."""
    err = Console(stderr=True)
    if not err.is_terminal:
        yield lambda _done: None
        return
    columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("replay", total=total)
        yield lambda done: bar.update(task, completed=done)


def _show(out: Console, changed: Sequence[Replayed]) -> None:
    if not changed:
        return
    listed = table(("passage", "verdict", "decided", "lane", "was", "would be", "what differs"))
    for each in changed:
        was, now = each.verdict.decision, each.now
        listed.add_row(
            plain(each.verdict.passage_id),
            str(each.verdict.sequence),
            local(was.decided_unix_ns),
            plain(f"{each.site_id}/{each.lane_id}"),
            coloured(was.action),
            coloured(now.action),
            plain(changed_words(was, now)),
        )
    out.print(listed)


def _json(each: Replayed) -> dict[str, object]:
    return {
        "passage_id": each.verdict.passage_id,
        "sequence": each.verdict.sequence,
        "site_id": each.site_id,
        "lane_id": each.lane_id,
        "ledger_index": each.ledger_index,
        "decided": utc(each.verdict.decision.decided_unix_ns),
        "was": _decision(each.verdict.decision),
        "would_be": _decision(each.now),
        "what_differs": changed_words(each.verdict.decision, each.now),
    }


def _decision(decision: Decision) -> dict[str, object]:
    return {
        "action": word(decision.action),
        "findings": [finding_json(each) for each in decision.findings],
        "declarations": references_json(decision),
        "rule_book": decision.rule_book,
        "policy": decision.policy,
    }
