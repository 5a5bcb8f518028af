"""`gate-collector orders`: control orders, from a draft to what every gate follows."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import cast

import click

from collector.commands import _orders as view
from collector.commands._common import with_config
from collector.commands._importing import writing
from collector.commands._show import as_json, console, local, plain, reading, table
from collector.config import CollectorConfig
from collector.errors import CollectorError, StoreError
from collector.privacy.keystore import FILE, KeyStore
from collector.registers import orders as register
from collector.registers.officer_keys import PASSPHRASE_VARIABLE, load_key
from collector.registers.order_files import read_draft
from collector.registers.reading import versions
from collector.registers.sailing_keys import SailingKeys
from collector.registers.sailings import sailings
from collector.store.alarms import Alarm, keep_alarm
from gate_contract.orders import OrderError, Role
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import ControlOrder, SignedOrder

REFUSED_ORDER = "refused-order"
"""Kind of alarm: an order was handed in whose signatures do not hold."""

ORDER_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
STANDINGS = ("active", "waiting", "expired", "lifted", "refused")


@click.group()
def orders() -> None:
    """Draft, sign, enter, list, show and lift control orders. It takes two officers: docs/orders.md."""


@orders.command()
@click.argument("file", type=ORDER_FILE)
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Order file to make, for two officers to sign.")
@with_config
def draft(config: CollectorConfig, file: Path, output: Path) -> None:
    """Make an order file from the draft FILE (TOML). It stops nothing until two officers have signed it.

    A person is named by their document on a sailing; the order file has only its pseudonym.
    """
    text = _text_of(file)
    now_ns = time.time_ns()
    with reading(config) as connection, KeyStore(config.state_dir / FILE) as keys:
        find = sailings(connection).get
        pseudonyms = SailingKeys(keys, config.retention, find, now_ns).pseudonym
        order = read_draft(
            text, config.deployment, lambda order_id: register.next_version(connection, order_id), pseudonyms, now_ns
        )
        register.check_authority(connection, order.authority, now_ns)
        nobody_at = sorted(set(order.site_ids) - register.served_sites(connection))
    _write_draft(output, order)
    if nobody_at:
        click.echo(f"note: no gate machine serves {', '.join(nobody_at)} yet; check `sites` in {file}", err=True)


@orders.command()
@click.argument("order_id", metavar="ID")
@click.option("--reason", required=True, help="Why it is lifted; it stays in the ledger.")
@click.option("-o", "--output", required=True, type=NEW_FILE, help="Order file to make, for two officers to sign.")
@with_config
def lift(config: CollectorConfig, order_id: str, reason: str, output: Path) -> None:
    """Make an order file that lifts the order ID. It is signed by two officers and entered as every order."""
    with reading(config) as connection:
        order = register.lifted(connection, config.deployment, order_id, reason, time.time_ns())
    _write_draft(output, order)


@orders.command()
@click.argument("file", type=ORDER_FILE)
@click.option("--as", "officer_id", required=True, metavar="OFFICER", help="Your id in the list of officers.")
@click.option("--role", required=True, type=click.Choice(["author", "approver"]), help="In which you sign.")
@click.option("--key", "key_file", required=True, type=ORDER_FILE, help="Your key, as `officers keygen` made it.")
@click.option("--yes", is_flag=True, help="Sign without asking: you have read the order.")
def sign(file: Path, officer_id: str, role: str, key_file: Path, yes: bool) -> None:
    """Sign the order FILE. Runs on any machine, without a collector; shows the order first and asks."""
    data = file.read_bytes()
    signed, order = register.read_signed(data, str(file))
    view.show(console(), order, signed)
    if not yes:
        click.confirm(f"Sign this as {officer_id}, its {role}?", abort=True)
    passphrase = os.environ.get(PASSPHRASE_VARIABLE) or click.prompt(
        "passphrase of your key", hide_input=True, err=True
    )
    key = load_key(key_file, passphrase)
    _write(file, register.add_signature(data, str(file), cast("Role", role), officer_id, key))
    click.echo(f"{file}: signed by {officer_id} as {role}")


@orders.command()
@click.argument("file", type=ORDER_FILE)
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def enter(config: CollectorConfig, file: Path, json_: bool) -> None:
    """Enter the order FILE: verify both signatures, then it is in the ledger and goes to every gate."""
    data = file.read_bytes()
    register.read_signed(data, str(file))  # who names a wrong file is told which
    now_ns = time.time_ns()
    with writing(config) as (store, ledger):
        try:
            with store.write() as connection:
                opened, entered = register.enter_order(connection, ledger, data, now_ns)
        except OrderError as error:
            with store.write() as connection:
                keep_alarm(connection, ledger, Alarm(ledger.verifier.name, REFUSED_ORDER, str(error)), now_ns)
            raise CollectorError(
                f"{file} is refused", cause=str(error), fix="nothing was entered; the refusal is among the alarms"
            ) from None
    order = opened.order
    if json_:
        index = None if entered is None else entered.ledger_index
        shown = {"order_id": order.order_id, "version": order.version, "standing": opened.standing}
        click.echo(as_json(shown | {"new": entered is not None, "ledger_index": index}))
        return
    where = "was entered before" if entered is None else f"ledger entry {entered.ledger_index}"
    click.echo(f"order {order.order_id} version {order.version}: {opened.standing}, {where}")


@orders.command(name="list")
@click.option("--standing", type=click.Choice(STANDINGS), help="Only those that stand so.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, standing: str | None, json_: bool) -> None:
    """List orders with how they stand now: active, waiting, expired, lifted; refused when a gate would not follow."""
    with reading(config) as connection:
        known = register.known_orders(connection, time.time_ns())
    found = [each for each in known if standing in {None, each.standing}]
    if json_:
        click.echo(as_json([view.known_json(each) for each in found]))
        return
    listed = table(("order", "version", "standing", "authority", "action", "about", "until", "author", "approver"))
    for each in found:
        listed.add_row(
            plain(each.order.order_id),
            str(each.version),
            view.standing_words(each),
            plain(each.order.authority),
            view.action_words(each.order),
            plain(view.about_words(each.order)),
            local(each.order.expires_unix_ns),
            plain(each.author),
            plain(each.approver),
        )
    console().print(listed)


@orders.command()
@click.argument("order", metavar="ID|FILE")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def show(config: CollectorConfig, order: str, json_: bool) -> None:
    """Show an order that was entered, by its id, or an order file, with whether its signatures hold."""
    if Path(order).is_file():
        _show_file(config, Path(order).read_bytes(), order, json_=json_)
        return
    with reading(config) as connection:
        found = [each for each in register.known_orders(connection, time.time_ns()) if each.order.order_id == order]
        items = versions(connection, pb.ITEM_KIND_ORDER, order)
    if not found:
        raise CollectorError(f"there is no order {order!r}", fix="`gate-collector orders list` shows them")
    if json_:
        click.echo(as_json(view.known_json(found[0]) | {"versions": [index for index, _ in items]}))
        return
    out = console()
    out.print(f"standing   {view.standing_words(found[0])}", highlight=False)
    for index, item in items:
        each = ControlOrder.FromString(SignedOrder.FromString(item.body).order)
        out.print(
            f"version {each.version}, given {local(each.issued_unix_ns)}, entered {local(item.received_unix_ns)}, "
            f"ledger entry {index}{', lifts it' if each.lifted else ''}",
            highlight=False,
        )
    view.show(out, found[0].order, SignedOrder.FromString(items[-1][1].body))


def _show_file(config: CollectorConfig, data: bytes, where: str, *, json_: bool) -> None:
    """What an order file says, and whether its signatures hold: anybody may have written in it."""
    signed, content = register.read_signed(data, where)
    try:
        with reading(config) as connection:
            worth, why = register.signatures_of(connection, data, time.time_ns())
    except StoreError as error:
        worth, why = "not verified", f"the list of officers is at the collector: {error.what}"
    if json_:
        click.echo(as_json(view.order_json(content, signed) | {"signatures": worth, "signatures_because": why}))
        return
    view.show(console(), content, signed)
    words = {"hold": f"signatures hold; entered now it would be {why}", "missing": f"unsigned: {why}"}
    click.echo(words.get(worth, f"signatures {worth}: {why}. Believe nothing of the above because it stands there"))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CollectorError(f"{file} cannot be read", cause=str(error), fix="save it as UTF-8") from None


def _write_draft(output: Path, order: ControlOrder) -> None:
    signed = SignedOrder(order=order.SerializeToString(deterministic=True))
    _write(output, signed.SerializeToString(deterministic=True))
    view.show(console(), order, signed)
    what = "lifts the order" if order.lifted else "is the order"
    click.echo(
        f"{output} {what} {order.order_id}, version {order.version}, unsigned. Two officers of {order.authority} sign: "
        f"first `gate-collector orders sign {output} --as OFFICER --role author --key KEY`, then one as approver",
        err=True,
    )


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as beside:
            beside.write(data)
        Path(beside.name).replace(path)
    except OSError as error:
        raise CollectorError(f"{path} cannot be written", cause=str(error.strerror), fix="name another place") from None
