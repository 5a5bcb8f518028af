"""`gate-collector officers`: who may sign orders and acts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from collector.commands._common import with_config
from collector.commands._importing import as_option, writing
from collector.commands._show import Since, as_json, console, local, plain, reading, table, utc
from collector.config import CollectorConfig
from collector.draws.roster import in_office
from collector.registers import officers as register
from collector.registers.officer_keys import PASSPHRASE_VARIABLE, as_text, make_key, read_public_key
from collector.registers.reading import officers as read_officers
from gate_contract.acts import taken_until
from gate_contract.v1.order_pb2 import Officer

MAY = ("author", "approver")


class Rights(click.ParamType[tuple[str, ...]]):
    """author, approver, or both with a comma between."""

    name = "rights"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Each of them once."""
        if isinstance(value, tuple):
            return value
        given = tuple(part.strip() for part in value.split(",") if part.strip())
        if set(given) - set(MAY):
            self.fail(f"{value!r} is not author, approver or author,approver", param, ctx)
        return given


ACTS_UNTIL = click.option(
    "--acts-until",
    type=Since(),
    default=0,
    help="Acts done in office count when a gate recorded them before then; else a day after the office ended.",
)


@click.group()
def officers() -> None:
    """Add officers, list them, end their office; make an officer's key."""


@officers.command()
@click.argument("officer_id", metavar="ID")
@click.option("--authority", required=True, help="Authority they act for, e.g. customs.")
@click.option("--public-key", required=True, metavar="KEY", help="What `officers keygen` printed, or a file with it.")
@click.option(
    "--may", type=Rights(), default="", metavar="RIGHTS", help="author, approver or both: what they may do to orders."
)
@click.option("--from", "valid_from", type=Since(), default=0, help="In office from then on; else always.")
@click.option("--until", "valid_until", type=Since(), default=0, help="In office until then; else without end.")
@ACTS_UNTIL
@as_option
@with_config
def add(
    config: CollectorConfig,
    officer_id: str,
    authority: str,
    public_key: str,
    may: tuple[str, ...],
    valid_from: int,
    valid_until: int,
    acts_until: int,
    actor: str,
) -> None:
    """Add the officer ID, or change their rights and term. An id names nobody: who it is stands elsewhere.

    Without --may they sign no orders, only acts at a gate: lifting what their authority holds, inspections, overrides.
    """
    officer = Officer(
        officer_id=officer_id,
        authority=authority,
        public_key=read_public_key(public_key),
        author="author" in may,
        approver="approver" in may,
        valid_from_unix_ns=valid_from,
        valid_until_unix_ns=valid_until,
        acts_until_unix_ns=acts_until,
    )
    with writing(config, actor) as (store, ledger), store.write() as connection:
        entered = register.add(connection, ledger, officer, time.time_ns())
    click.echo(f"{officer_id}: " + ("known just so" if entered is None else f"version {entered.version} entered"))


@officers.command(name="list")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, json_: bool) -> None:
    """List officers, those whose office has ended too."""
    now_ns = time.time_ns()
    with reading(config) as connection:
        found = [officer for _, officer in sorted(read_officers(connection).items())]
    if json_:
        click.echo(as_json([_json(each, now_ns) for each in found]))
        return
    listed = table(("officer", "authority", "may", "from", "until", "public key"))
    for each in found:
        listed.add_row(
            plain(each.officer_id),
            plain(each.authority),
            ", ".join(_rights(each)) or "act at gates only",
            local(each.valid_from_unix_ns),
            local(each.valid_until_unix_ns) + ("" if in_office(each, now_ns) else " (not in office)"),
            as_text(each.public_key),
        )
    console().print(listed)


@officers.command()
@click.argument("officer_id", metavar="ID")
@click.option("--at", type=Since(), help="When it ends: a moment in ISO 8601; else now.")
@ACTS_UNTIL
@as_option
@with_config
def end(config: CollectorConfig, officer_id: str, at: int | None, acts_until: int, actor: str) -> None:
    """End the office of the officer ID. Orders they signed before stay in force until they expire or are lifted.

    An act that they did at a gate before counts when the gate recorded it by --acts-until: an agent that did not run
    takes it from its spool when it runs again. Nobody can prove when an officer signed, only when a gate recorded it.
    """
    now_ns = time.time_ns()
    with writing(config, actor) as (store, ledger), store.write() as connection:
        officer = register.end(connection, ledger, officer_id, now_ns if at is None else at, now_ns, acts_until)
    click.echo(
        f"{officer_id}: in office until {local(officer.valid_until_unix_ns)}; acts that a gate records until "
        f"{local(taken_until(officer))} count"
    )


@officers.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def keygen(file: Path) -> None:
    """Make an officer's own key in FILE, under a passphrase, and print its public half.

    The officer runs this on a machine of their own and keeps FILE. The collector needs the public half only.
    """
    passphrase = os.environ.get(PASSPHRASE_VARIABLE) or click.prompt(
        "passphrase", hide_input=True, confirmation_prompt=True, err=True
    )
    public_key = make_key(file, passphrase)
    click.echo(as_text(public_key))
    click.echo(
        f"the key is in {file}: keep it, and give nobody the passphrase. The line above is public: the collector's "
        "operator enters it with `gate-collector officers add ID --authority AUTHORITY --public-key LINE`",
        err=True,
    )


def _rights(officer: Officer) -> list[str]:
    return [name for name, given in zip(MAY, (officer.author, officer.approver), strict=True) if given]


def _json(officer: Officer, now_ns: int) -> dict[str, object]:
    return {
        "officer_id": officer.officer_id,
        "authority": officer.authority,
        "may": _rights(officer),
        "public_key": as_text(officer.public_key),
        "valid_from": utc(officer.valid_from_unix_ns),
        "valid_from_unix_ns": officer.valid_from_unix_ns,
        "valid_until": utc(officer.valid_until_unix_ns),
        "valid_until_unix_ns": officer.valid_until_unix_ns,
        "in_office": in_office(officer, now_ns),
        "acts_until": utc(taken_until(officer)) if officer.valid_until_unix_ns else None,
    }
