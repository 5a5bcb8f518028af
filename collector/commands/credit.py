"""`gate-collector credit`: how far declarants are trusted."""

from __future__ import annotations

import time

import click

from collector.cases import feedback
from collector.commands._common import with_config
from collector.commands._show import as_json, console, local, plain, reading, table, utc
from collector.commands._state import check_as, existing_ledger, existing_store
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.registers.reading import latest, versions
from gate_contract.release import CREDIT_CLASSES
from gate_contract.v1 import register_pb2 as pb

MOST_ID = 64
MOST_REASON = 500


@click.group()
def credit() -> None:
    """Credit classes of declarants: how their goods are let go follows from them (docs/draws.md)."""


@credit.command(name="set")
@click.argument("declarant")
@click.argument("credit_class", metavar="CLASS", type=click.Choice(CREDIT_CLASSES))
@click.option("--reason", required=True, help="Why; it is entered in the ledger. No names of persons.")
@click.option("--as", "actor", default="", metavar="OFFICER", help="Who says so, in office; it is entered, too.")
@with_config
def set_(config: CollectorConfig, declarant: str, credit_class: str, reason: str, actor: str) -> None:
    """Say which CLASS a DECLARANT has. What cases made of it before counts no more."""
    if not reason.strip() or len(reason) > MOST_REASON:
        raise click.BadParameter(f"say why in 1 to {MOST_REASON} characters", param_hint="'--reason'")
    if not declarant.strip() or len(declarant) > MOST_ID:
        raise click.BadParameter(f"it has 1 to {MOST_ID} characters", param_hint="'DECLARANT'")
    ledger, now_ns = existing_ledger(config, actor), time.time_ns()
    with existing_store(config) as store:
        if actor:
            check_as(store, actor, now_ns)
        else:
            click.echo("note: the ledger will not say who set it; name the officer with --as", err=True)
        words = f"{actor}: {reason.strip()}" if actor else reason.strip()
        with store.write() as connection:
            feedback.set_by_hand(connection, ledger, declarant, credit_class, words, now_ns)
    click.echo(f"{declarant} is {credit_class}; it holds for declarations that come from now on")


@credit.command(name="list")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, json_: bool) -> None:
    """List declarants of whom something is known; the others are released by sampling."""
    with reading(config) as connection:
        items = latest(connection, pb.ITEM_KIND_CREDIT)
    found = [(item, pb.CreditRecord.FromString(item.body)) for _, item in sorted(items.items())]
    if json_:
        click.echo(as_json([_json(item, record) for item, record in found]))
        return
    listed = table(("declarant", "class", "since", "because"))
    for item, record in found:
        listed.add_row(
            plain(record.declarant_id),
            record.credit_class or "not known",
            local(item.received_unix_ns),
            plain(record.reason),
        )
    console().print(listed)


@credit.command()
@click.argument("declarant")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def show(config: CollectorConfig, declarant: str, json_: bool) -> None:
    """Show everything that made DECLARANT's class what it is, the first thing first."""
    with reading(config) as connection:
        found = [item for _, item in versions(connection, pb.ITEM_KIND_CREDIT, declarant)]
    if not found:
        raise CollectorError(f"nothing is known of {declarant!r}", fix="`gate-collector credit list` lists the others")
    records = [(item, pb.CreditRecord.FromString(item.body)) for item in found]
    if json_:
        click.echo(as_json([_json(item, record) for item, record in records]))
        return
    listed = table(("when", "class", "because"))
    for item, record in records:
        listed.add_row(local(item.received_unix_ns), record.credit_class or "not known", plain(record.reason))
    console().print(listed)


def _json(item: pb.RegisterItem, record: pb.CreditRecord) -> dict[str, object]:
    return {
        "declarant_id": record.declarant_id,
        "credit_class": record.credit_class,
        "reason": record.reason,
        "version": item.version,
        "at": utc(item.received_unix_ns),
    }
