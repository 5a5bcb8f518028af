"""`edge-agent fsck`: is everything that the agent keeps as it was written?"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from edge_agent.config import load_site
from edge_agent.errors import EdgeAgentError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.fsck import Report, examine
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from gate_contract.checkpoint import Signer

DEFAULT_CONFIG = Path("/etc/tidegate/site.toml")


@click.command("fsck")
@click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help="Where the agent keeps its state.")
@click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_CONFIG,
    envvar="TIDEGATE_SITE",
    show_default=True,
    help="The site file that names the state directory.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--repair", is_flag=True, help="Mend what can be mended; damaged files go into quarantine.")
def fsck(state_dir: Path | None, config: Path, as_json: bool, repair: bool) -> None:
    """Check journal, leaf files and evidence.

    Says what is damaged, what is lost with it and what to do. Exit code 0 when all is sound (with --repair: when it is
    now), 1 when something is damaged, 2 when it could not be checked. Changes nothing without --repair, so it may run
    beside the agent and on a copy that is read-only; --repair wants the agent stopped.
    """
    try:
        state_dir = state_dir or load_site(config).agent.state_dir
        signer = AgentKeys.load(state_dir).signer
        with _kept_from_agents(state_dir, repair=repair) as running:
            report = examine(state_dir, signer, running=running)
            repaired = _repair(state_dir, signer) if repair and report.findings else []
            left = examine(state_dir, signer) if repaired else report
    except (EdgeAgentError, OSError) as error:
        click.echo(f"edge-agent fsck: {error}", err=True)
        raise SystemExit(2) from error
    if as_json:
        shown = {**asdict(left), "found": [asdict(each) for each in report.findings], "repaired": repaired}
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        _show(report, left, repaired)
    raise SystemExit(1 if left.findings else 0)


def _show(report: Report, left: Report, repaired: list[str]) -> None:
    for finding in report.findings:
        click.echo(f"{finding.file}: {finding.damage}\n  lost: {finding.lost}\n  next: {finding.fix}")
    for text in repaired:
        click.echo(f"repaired: {text}")
    result = f"{len(left.findings)} damaged" if left.findings else "all sound"
    click.echo(f"{left.records} records in {left.segments} segments, {left.blobs} blobs: {result}")


def _repair(state_dir: Path, signer: Signer) -> list[str]:
    """Mend what can be; what the next start of the agent will record."""
    if os.geteuid() != state_dir.stat().st_uid:
        raise EdgeAgentError(
            f"{state_dir} belongs to another user, who could not use what would be written",
            fix="use the agent's user: sudo -u tidegate-edge edge-agent fsck --repair",
        )
    journal = Journal(state_dir / "journal", signer)
    try:
        for _ in range(journal.segments):
            journal.scrub()
        told = [loss.text for loss in journal.losses]
    finally:
        journal.close()
    evidence = EvidenceStore(state_dir)
    told += [f"the list of evidence was made again, the damaged one is kept as {each.path}" for each in evidence.mended]
    evidence.close()
    return told


@contextmanager
def _kept_from_agents(state_dir: Path, *, repair: bool) -> Iterator[bool]:
    """Keep an agent from starting meanwhile; yields whether one runs already, which a repair does not bear."""
    path = state_dir / "lock"
    if not repair and not path.exists():
        yield False
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC if repair else os.O_RDONLY | os.O_CLOEXEC, 0o600)
    try:
        yield _is_taken(descriptor, state_dir, repair=repair)
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int, state_dir: Path, *, repair: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if repair:
            fix = "stop it first: systemctl stop edge-agent"
            raise EdgeAgentError(f"an agent uses {state_dir}", fix=fix) from error
        return True
    return False
