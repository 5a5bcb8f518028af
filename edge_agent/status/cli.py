"""`gatectl`: what field staff ask a gate machine. Reads files only, so it answers when the agent is down, too."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from edge_agent import __version__
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.status.acts.commands import COMMANDS
from edge_agent.status.asked import Asked, lang_option
from edge_agent.status.chinese.help_page import SpokenContext
from edge_agent.status.chinese.typing_errors import wrongly_typed
from edge_agent.status.clocks import clocks_now
from edge_agent.status.disk import disk_use
from edge_agent.status.health import Found, Health, Level, Now, age_s, assess, since_written_s
from edge_agent.status.reading import Places, journal_balance, journal_size, records
from edge_agent.status.screens.show import devices_lines, status_lines
from edge_agent.status.snapshot import SnapshotError, read_snapshot
from edge_agent.status.words import Language, sentence, told

WATCH_EVERY_S = 1.0
AT_ONCE = 100


@click.group()
@click.version_option(__version__, message="gatectl %(version)s")
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
    ctx.obj = Asked(config, lang or ctx.obj or _session_language())


@cli.command()
@click.option("--watch", is_flag=True, help="Show it anew every second until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; with --watch, one a line.")
@lang_option
@click.pass_obj
def status(obj: Asked, watch: bool, as_json: bool, lang: Language | None) -> None:
    """Everything at a glance: devices, lanes, journal, connection."""
    where, language = obj.where, lang or obj.language
    health = _show_status(where, language, as_json=as_json, clear=watch)
    try:
        while watch:
            time.sleep(WATCH_EVERY_S)
            health = _show_status(where, language, as_json=as_json, clear=True)
    except KeyboardInterrupt:
        pass  # how a person ends --watch
    sys.exit(int(health.level))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@lang_option
@click.pass_obj
def devices(obj: Asked, as_json: bool, lang: Language | None) -> None:
    """Each device with its state, its last reading and what to do."""
    where, language = obj.where, lang or obj.language
    shown, health = gather(where)
    if as_json:
        click.echo(json.dumps({"level": shown["level"], "devices": shown["devices"]}, ensure_ascii=False))
    else:
        click.echo("\n".join(devices_lines(shown, language)))
    sys.exit(int(health.level))


@cli.command()
@click.option("-n", "count", type=click.IntRange(0, 10_000), default=20, show_default=True, help="How many records.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@lang_option
@click.pass_obj
def tail(obj: Asked, count: int, follow: bool, as_json: bool, lang: Language | None) -> None:
    """The newest records of the journal."""
    where, language = obj.where, lang or obj.language
    try:
        following = _print_records(where.state_dir, journal_size(where.state_dir) - count, language, as_json=as_json)
        while follow:
            time.sleep(WATCH_EVERY_S)
            following = _print_records(where.state_dir, following, language, as_json=as_json)
    except KeyboardInterrupt:
        pass  # how a person ends --follow


def gather(where: Places) -> tuple[dict[str, Any], Health]:
    """The status as shown and printed: see docs/status.md for its keys."""
    now = clocks_now()
    found = _find(where, now)
    health = assess(found, now)
    known = _known(found, health)
    shown: dict[str, Any] = {
        "level": health.level.name.lower(),
        "red": health.red,
        "exit_code": int(health.level),
        "reasons": [
            {"code": reason.code, "text": sentence(reason.code, reason.values, "en"), "values": reason.values}
            for reason in health.reasons
        ],
        "site": known.get("site"),
        "origin": known.get("origin"),
        "agent": {key: known.get(key) for key in ("running", "pid", "version", "started_unix_ns", "written_unix_ns")},
        "devices": [_aged(device, known, now) for device in known.get("devices", [])],
        "lanes": known.get("lanes", []),
        "stopped": known.get("stopped", []),
        "journal": found.journal,
        "uplink": known.get("uplink"),
        "certificate": known.get("certificate"),
        "clock": known.get("clock"),
        "reference": known.get("reference"),
    }
    return shown, health


def _aged(device: dict[str, Any], known: dict[str, Any], now: Now) -> dict[str, Any]:
    """A device with the age of its last reading as it is now."""
    age = device["age_s"]
    return device if age is None else {**device, "age_s": age + since_written_s(known, now)}


def _known(found: Found, health: Health) -> dict[str, Any]:
    """What the agent said of itself; of one that does not run, only what outlives it."""
    known = found.snapshot or {}
    if health.level is not Level.DOWN or not known:
        return known
    return {
        **known,
        "devices": [{**device, "state": "unknown", "text": ""} for device in known["devices"]],
        "uplink": {**known["uplink"], "connected": False, "problem": "the agent does not run"},
        "clock": None,
    }


def _find(where: Places, now: Now) -> Found:
    """Everything there is; what cannot be read is part of it."""
    snapshot = journal = None
    snapshot_problem = journal_problem = ""
    try:
        snapshot = read_snapshot(where.runtime_dir)
    except SnapshotError as error:
        snapshot_problem = error.cause
    try:
        journal = journal_balance(where.state_dir)
    except JournalError as error:
        journal_problem = error.cause
    disk = disk_use(where.state_dir)
    if journal is not None:
        journal = {
            **journal,
            **_ages(journal, snapshot, now),
            "days_of_disk_left": snapshot and snapshot["journal"]["days_of_disk_left"],
            "disk_percent": disk and disk.percent,
        }
    return Found(snapshot, journal, snapshot_problem, journal_problem, disk)


def _ages(journal: dict[str, Any], snapshot: dict[str, Any] | None, now: Now) -> dict[str, Any]:
    """Ages by the clock that the agent measured them with; by the wall clock for what it has not seen."""
    ages: dict[str, Any] = {}
    for name in ("oldest_pending", "last_receipt"):
        at = journal[f"{name}_unix_ns"]
        ages[f"{name}_age_s"] = age_s(at, now.unix_ns)
        said = snapshot["journal"] if snapshot is not None else {}
        if at is not None and said.get(f"{name}_unix_ns") == at and said[f"{name}_age_s"] is not None:
            ages[f"{name}_age_s"] = said[f"{name}_age_s"] + since_written_s(snapshot or {}, now)
    return ages


def _show_status(where: Places, language: Language, *, as_json: bool, clear: bool) -> Health:
    shown, health = gather(where)
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
        return health
    if clear:
        click.clear()
    click.echo("\n".join(status_lines(shown, language)))
    return health


def _print_records(state_dir: Path, first: int, language: Language, *, as_json: bool) -> int:
    """Print all records from index `first` on; the index of the one that comes next."""
    from edge_agent.status.screens.records import record_json, record_line  # noqa: PLC0415 - protobuf is slow to import

    following = max(0, first)
    while found := records(state_dir, following, AT_ONCE):
        for index, body in found:
            click.echo(record_json(index, body) if as_json else record_line(index, body, language))
            following = index + 1
    return following


for _command in COMMANDS:
    cli.add_command(_command)
for _command in (cli, *cli.commands.values()):
    _command.context_class = SpokenContext


def _session_language() -> Language:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if spoken.lower().startswith("zh") else "en"


def main() -> None:
    """Entry point: an error that a person can act on is one paragraph on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Chinese gets "?" instead of a failure
    language = _asked_language(sys.argv[1:])
    try:
        if language == "zh":
            _answered_in_chinese()
        else:
            cli(prog_name="gatectl", obj=language)
    except EdgeAgentError as error:
        click.echo(f"gatectl: {told(error, language)}", err=True)
        sys.exit(2)


def _answered_in_chinese() -> None:
    """As click does it on its own, but for what it says of a command that was typed wrongly."""
    try:
        sys.exit(cli(prog_name="gatectl", obj="zh", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:  # its text is the help page
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "gatectl"
        click.echo(f"gatectl: {wrongly_typed(error)}。请查看：{path} --help", err=True)
        sys.exit(error.exit_code)
    except click.Abort:  # Ctrl-C at a question
        sys.exit(1)


def _asked_language(arguments: Sequence[str]) -> Language:
    """As the last --lang says: an error is told where no command knows any more which language it was asked in."""
    spoken = _session_language()
    for option, value in zip_longest(arguments, arguments[1:], fillvalue=""):
        given = value if option == "--lang" else option.removeprefix("--lang=")
        if given in ("en", "zh") and option.startswith("--lang"):
            spoken = "zh" if given == "zh" else "en"
    return spoken
