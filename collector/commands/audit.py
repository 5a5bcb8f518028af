"""`gate-collector audit`: verifies everything stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collector.commands._common import with_config
from collector.commands._state import existing_keys, existing_store
from collector.config import CollectorConfig
from collector.errors import StoreError
from collector.ledger.audit import AuditReport, Trust, work
from collector.ledger.audit import audit as verify_everything


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_config
def audit(config: CollectorConfig, as_json: bool) -> None:
    """Verify everything stored, from the records' bytes to the signed checkpoints.

    May run while the collector serves. Names each record or row that does not fit; the exit code is 0 when everything
    does and 1 when not.
    """
    keys = existing_keys(config)
    trust = Trust(config.deployment, keys.ledger.verifier, keys.receipts.verifier, keys.ca_pem)
    with existing_store(config) as store, _progress(lambda: work(store)) as on_progress:
        report = verify_everything(store, trust, config.state_dir / "evidence", on_progress)
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2, ensure_ascii=False))
    else:
        click.echo(_in_words(report))
    sys.exit(0 if report.holds else 1)


@contextmanager
def _progress(total: Callable[[], int]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _checked: None
        return
    columns = (TextColumn("audit"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("audit", total=_known(total))
        yield lambda checked: bar.update(task, completed=checked)


def _known(total: Callable[[], int]) -> int | None:
    """None for a database that cannot even be counted: the audit will say what is wrong with it."""
    try:
        return total()
    except StoreError:
        return None


def _as_json(report: AuditReport) -> dict[str, object]:
    return {"holds": report.holds, **asdict(report)}


def _in_words(report: AuditReport) -> str:
    lines = [f"{problem.where}: {problem.what}" for problem in report.problems]
    if report.problem_count > len(report.problems):
        lines.append(f"… and {report.problem_count - len(report.problems)} more")
    lines.append(
        f"checked {report.records} records of {report.journals} journals, {report.ledger} ledger entries, "
        f"{report.declarations} declaration versions, {report.items} versions of register items, "
        f"{report.verdicts} verdicts, {report.evidence} pieces of evidence"
    )
    if report.holds:
        lines.append("everything holds: each record is under its agent's signature, each batch in the signed ledger")
    else:
        lines.append(f"{report.problem_count} problems; the first: {report.problems[0].where}")
    return "\n".join(lines)
