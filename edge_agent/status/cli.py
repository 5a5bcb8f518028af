"""`gatectl`: what field staff ask a gate machine. Reads files only, so it answers when the agent is down, too."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from edge_agent import __version__
from edge_agent.errors import EdgeAgentError
from edge_agent.status.health import Health, age_s, assess
from edge_agent.status.reading import Places, journal_balance, last_records, places
from edge_agent.status.snapshot import read_snapshot
from edge_agent.status.words import Language, sentence

WATCH_EVERY_S = 1.0


@click.group()
@click.version_option(__version__, prog_name="gatectl")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/tidegate/site.toml"),
    envvar="TIDEGATE_SITE",
    show_default=True,
    help="The site file.",
)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language; else that of the session.")
@click.pass_context
def cli(ctx: click.Context, config: Path, lang: Language | None) -> None:
    """How is this gate? Exit code 0 healthy, 1 degraded, 2 down."""
    ctx.obj = (places(config), lang or _session_language())


@cli.command()
@click.option("--watch", is_flag=True, help="Show it anew every second until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_obj
def status(obj: tuple[Places, Language], watch: bool, as_json: bool) -> None:
    """Everything at a glance: devices, lanes, journal, connection."""
    where, language = obj
    while True:
        shown, health = gather(where)
        if as_json:
            click.echo(json.dumps(shown, ensure_ascii=False))
        else:
            from edge_agent.status.show import show_status  # noqa: PLC0415 - rich is slow to import

            if watch:
                click.clear()
            show_status(shown, language)
        if not watch:
            sys.exit(int(health.level))
        try:
            time.sleep(WATCH_EVERY_S)
        except KeyboardInterrupt:
            sys.exit(int(health.level))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_obj
def devices(obj: tuple[Places, Language], as_json: bool) -> None:
    """Each device with its state, its last reading and what to do."""
    where, language = obj
    shown, health = gather(where)
    if as_json:
        click.echo(json.dumps({"level": shown["level"], "devices": shown["devices"]}, ensure_ascii=False))
    else:
        from edge_agent.status.show import show_devices  # noqa: PLC0415 - rich is slow to import

        show_devices(shown, language)
    sys.exit(int(health.level))


@cli.command()
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many records.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def tail(obj: tuple[Places, Language], count: int, follow: bool, as_json: bool) -> None:
    """The newest records of the journal."""
    from edge_agent.status.show import record_line  # noqa: PLC0415 - protobuf is slow to import

    where, language = obj
    newest: int | None = None
    try:
        while True:
            for index, body in last_records(where.state_dir, count, newest):
                newest = index
                click.echo(record_line(index, body, language, as_json=as_json))
            if not follow:
                return
            time.sleep(WATCH_EVERY_S)
    except KeyboardInterrupt:
        return


def gather(where: Places) -> tuple[dict[str, Any], Health]:
    """The status as shown and printed: see docs/status.md for its keys."""
    now = time.time_ns()
    snapshot = read_snapshot(where.runtime_dir)
    journal = journal_balance(where.state_dir)
    if journal is not None and snapshot is not None:
        journal["days_of_disk_left"] = snapshot["journal"]["days_of_disk_left"]
    health = assess(snapshot, journal, now)
    known = snapshot or {}
    shown: dict[str, Any] = {
        "level": health.level.name.lower(),
        "exit_code": int(health.level),
        "reasons": [
            {"code": reason.code, "text": sentence(reason.code, reason.values, "en"), "values": reason.values}
            for reason in health.reasons
        ],
        "site": known.get("site"),
        "origin": known.get("origin"),
        "agent": {key: known.get(key) for key in ("running", "pid", "version", "started_unix_ns", "written_unix_ns")},
        "devices": [
            {**device, "age_s": age_s(device["last_reading_unix_ns"], now)} for device in known.get("devices", [])
        ],
        "lanes": known.get("lanes", []),
        "journal": journal and {**journal, **_ages(journal, now)},
        "uplink": known.get("uplink"),
        "certificate": known.get("certificate"),
        "clock": known.get("clock"),
        "reference": known.get("reference"),
    }
    return shown, health


def _ages(journal: dict[str, Any], now: int) -> dict[str, Any]:
    return {
        "oldest_pending_age_s": age_s(journal["oldest_pending_unix_ns"], now),
        "last_receipt_age_s": age_s(journal["last_receipt_unix_ns"], now),
    }


def _session_language() -> Language:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if spoken.lower().startswith("zh") else "en"


def main() -> None:
    """Entry point: an error that a person can act on is one paragraph on stderr and exit code 2."""
    try:
        cli(standalone_mode=True)
    except EdgeAgentError as error:
        click.echo(f"gatectl: {error}", err=True)
        sys.exit(2)
