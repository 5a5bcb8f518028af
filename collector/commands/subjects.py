"""`gate-collector subjects`: what is sealed of travellers, opened for a stated reason."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import click

from collector.commands._common import with_config
from collector.commands._show import console, plain, table
from collector.commands._state import check_as, existing_ledger, existing_store
from collector.config import CollectorConfig
from collector.privacy.keystore import FILE, KeyStore
from collector.privacy.opening import Opened, open_personal


@click.group()
def subjects() -> None:
    """Open what is sealed of a traveller."""


@subjects.command()
@click.argument("name", metavar="SUBJECT|TICKET|PASSAGE")
@click.option("--as", "actor", required=True, metavar="OFFICER", help="Who reads it; it is written down.")
@click.option("--reason", required=True, help="Why; it is written down. Name nobody in it.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@with_config
def show(config: CollectorConfig, name: str, actor: str, reason: str, as_json: bool) -> None:
    """Show name, document and birth: of a traveller by subject or ticket id, or of the documents read in a passage.

    That it was read, by whom and why, is kept first: `gate-collector alarms` lists it.
    """
    for option, words in (("--as", actor), ("--reason", reason)):
        if not words.strip():
            raise click.BadParameter("it is empty; it says who reads personal data, and why", param_hint=option)
    ledger, now_ns = existing_ledger(config, actor), time.time_ns()
    with existing_store(config) as store, KeyStore(config.state_dir / FILE) as keys:
        check_as(store, actor, now_ns)
        found = open_personal(store, ledger, keys, name, actor=actor, reason=reason, now_ns=now_ns)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
        return
    listed = table(("subject or passage", "sailing", "ticket", "name", "document", "birth"))
    for each in found:
        listed.add_row(
            *(plain(text) for text in (each.of, each.sailing_id or "-", each.ticket_id or "-", *_person(each)))
        )
    console().print(listed)


def _person(opened: Opened) -> tuple[str, str, str]:
    person = opened.person
    if person is None:
        return f"({opened.problem})", "-", "-"
    return person.name, f"{person.issuer} {person.number}", person.birth or "-"
