"""`gate-collector draws`: what was drawn, with which seed, and whether it holds."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

import click
from sqlalchemy import select

from collector.commands._common import with_config
from collector.commands._show import as_json, console, local, plain, reading, table, utc
from collector.commands._state import existing_ledger, existing_store
from collector.commands.verify_bundle import read_keys
from collector.config import CollectorConfig
from collector.draws import seeds
from collector.draws.checking import Checked, DayCheck, check_day
from collector.draws.days import day_of, end_of
from collector.draws.export import read_export, verify_export, write_export
from collector.errors import CollectorError
from collector.ledger.log import read_entries
from collector.reconcile.policy import load_policy
from collector.store import schema
from gate_contract.rules.selection_rules import MODE_WORDS
from gate_contract.v1 import register_pb2 as pb

NOT_YET = 3
"""Exit code where nothing can be checked yet."""


class Day(click.ParamType[str]):
    """A UTC day, YYYY-MM-DD."""

    name = "day"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The day in its one spelling."""
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-01 (UTC)", param, ctx)


@click.group()
def draws() -> None:
    """Draws for inspection: seeds are committed to beforehand and published afterwards, so anybody can check them."""


@draws.command()
@click.argument("day", type=Day(), required=False)
@with_config
def commit(config: CollectorConfig, day: str | None) -> None:
    """Commit to the seed of DAY (default: today). The server does so by itself, a day ahead."""
    now_ns = time.time_ns()
    day = day or day_of(now_ns)
    if end_of(day) <= now_ns:
        raise CollectorError(
            f"{day} is over",
            cause="a seed is committed to before anything is drawn with it",
            fix="name today (UTC) or a day to come",
        )
    ledger = existing_ledger(config)
    with existing_store(config) as store, store.write() as connection:
        seed = seeds.commit(connection, ledger, day, now_ns)
    click.echo(f"{seed.day}: commitment {seed.commitment.hex()}, ledger entry {seed.committed_index}")


@draws.command()
@click.argument("day", type=Day())
@with_config
def publish(config: CollectorConfig, day: str) -> None:
    """Publish the seed of DAY once it is over. The server does so by itself."""
    now_ns = time.time_ns()
    ledger = existing_ledger(config)
    with existing_store(config) as store, store.write() as connection:
        seed = seeds.publish(connection, ledger, day, config.draws.publish_after_hours, now_ns)
    click.echo(f"{seed.day}: seed {seed.seed.hex()}, ledger entry {seed.published_index}")


@draws.command(name="seeds")
@click.option("--limit", type=click.IntRange(min=1), default=31, show_default=True, help="At most so many days.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def seeds_(config: CollectorConfig, limit: int, json_: bool) -> None:
    """List days with their commitments, and their seeds once these are published."""
    with reading(config) as connection:
        found = seeds.seeds(connection, most=limit)
    if json_:
        click.echo(as_json([_seed_json(each) for each in found]))
        return
    listed = table(("day", "commitment", "seed"))
    for each in found:
        listed.add_row(each.day, each.commitment.hex(), each.seed.hex() if each.published else "secret")
    console().print(listed)


@draws.command(name="list")
@click.option("--day", type=Day(), help="Only of this day, UTC.")
@click.option("--drawn", is_flag=True, help="Only those that were drawn for inspection.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, day: str | None, drawn: bool, limit: int, json_: bool) -> None:
    """List declarations with their release mode and draw, the newest first."""
    table_ = schema.register_items.c
    query = select(table_.body).where(table_.kind == pb.ITEM_KIND_SELECTION).order_by(table_.ledger_index.desc())
    if day:
        query = query.where(table_.received_ns.between(end_of(day) - 86_400 * 10**9, end_of(day) - 1))
    found: list[pb.Selection] = []
    with reading(config) as connection:
        for body in connection.scalars(query.execution_options(yield_per=200)):
            selection = pb.Selection.FromString(pb.RegisterItem.FromString(body).body)
            if selection.drawn or not drawn:
                found.append(selection)
            if len(found) == limit:
                break
    if json_:
        click.echo(as_json([_selection_json(each) for each in found]))
        return
    columns = ("declaration", "class", "mode", "of 10000", "drawn", "officer", "when")
    listed = table(columns, right=("of 10000",))
    for each in found:
        listed.add_row(
            plain(each.declaration_id),
            each.credit_class or "not known",
            MODE_WORDS.get(each.mode, str(each.mode)),
            str(each.rate),
            "[magenta]yes[/]" if each.drawn else "no",
            plain(each.officer_id) or "-",
            local(each.selected_unix_ns),
        )
    console().print(listed)


@draws.command()
@click.argument("day", type=Day())
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def check(config: CollectorConfig, day: str, json_: bool) -> None:
    """Make every draw of DAY again from the ledger alone.

    Exit code: 0 all hold; 1 one does not; 3 the seed of DAY is still secret, so nothing can be checked yet.
    """
    with reading(config) as connection:
        found = check_day(
            lambda: read_entries(connection, 0), day, load_policy(config.policy_file), config.draws.authority
        )
    _tell(found, json_)


@draws.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_config
def export(config: CollectorConfig, file: Path) -> None:
    """Write the whole ledger into FILE, for others to check with `draws verify`. It holds declarations as they are."""
    try:
        with reading(config) as connection, file.open("xb") as out:
            count = write_export(connection, out)
    except OSError as error:
        raise CollectorError(f"{file} cannot be written", cause=str(error.strerror), fix="name another file") from None
    click.echo(f"{count} entries; the reader needs your public keys, too: `gate-collector keys`")


@draws.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("day", type=Day())
@click.option(
    "--trust",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The collector's verifier keys, as `gate-collector keys` prints them.",
)
@click.option("--authority", default="customs", show_default=True, help="Whose officers inspect declarations.")
@click.option("--policy", type=click.Path(dir_okay=False, path_type=Path), help="In force where the ledger has none.")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
def verify(file: Path, day: str, trust: Path, authority: str, policy: Path | None, json_: bool) -> None:
    """Check every draw of DAY from FILE, an export of the ledger, without database, network or configuration."""
    keys = [key for name, key in read_keys(trust).items() if name.endswith("/ledger")]
    if len(keys) != 1:
        raise CollectorError(
            f"{trust} holds {len(keys)} keys of a ledger, not one", fix="write it with `gate-collector keys > KEYS`"
        )
    verify_export(file, keys[0])
    _tell(check_day(lambda: read_export(file), day, load_policy(policy), authority), json_)


def _tell(found: DayCheck, json_: bool) -> None:
    click.echo(as_json(_check_json(found)) if json_ else _in_words(found))
    sys.exit(NOT_YET if found.secret else int(not found.holds))


def _in_words(found: DayCheck) -> str:
    if found.secret:
        return (
            f"{found.day}: its seed is secret until the day is over (UTC) and it is published, some hours later; "
            f"{found.recorded} draws are recorded and none can be checked yet. `gate-collector draws seeds` lists seeds"
        )
    if not (found.recorded or found.faults):
        return f"{found.day}: nothing was declared and nothing drawn"
    lines = list(found.faults)
    lines += [f"{each.kind} {each.subject}: {each.fault}" for each in found.draws if each.fault]
    late = sum(each.late_seed for each in found.draws)
    if late:
        lines.append(f"note: {late} declarations were known before the day's seed was committed to")
    drawn = sum(each.drawn for each in found.draws)
    if found.holds:
        lines.append(f"{found.day}: all {len(found.draws)} draws hold; {drawn} were drawn")
    else:
        faults = len(found.faults) + sum(bool(each.fault) for each in found.draws)
        lines.append(f"{found.day}: {faults} {'fault' if faults == 1 else 'faults'} in {found.recorded} draws")
    return "\n".join(lines)


def _check_json(found: DayCheck) -> dict[str, object]:
    return {
        "day": found.day,
        "holds": found.holds,
        "checkable": not found.secret,
        "recorded": found.recorded,
        "faults": list(found.faults),
        "draws": [_checked_json(each) for each in found.draws],
    }


def _checked_json(each: Checked) -> dict[str, object]:
    return {
        "kind": each.kind,
        "subject": each.subject,
        "ledger_index": each.index,
        "drawn": each.drawn,
        "officer": each.officer or None,
        "fault": each.fault or None,
        "late_seed": each.late_seed,
    }


def _seed_json(seed: seeds.Seed) -> dict[str, object]:
    return {
        "day": seed.day,
        "commitment": seed.commitment.hex(),
        "seed": seed.seed.hex() if seed.published else None,
        "committed_index": seed.committed_index,
        "published_index": seed.published_index,
    }


def _selection_json(selection: pb.Selection) -> dict[str, object]:
    return {
        "declaration_id": selection.declaration_id,
        "mode": MODE_WORDS.get(selection.mode, str(selection.mode)),
        "credit_class": selection.credit_class or None,
        "rate": selection.rate,
        "drawn": selection.drawn,
        "officer_id": selection.officer_id or None,
        "day": selection.day,
        "selected": utc(selection.selected_unix_ns),
        "scan_ordered": selection.scan_ordered or None,
        "roster": list(selection.roster),
    }
