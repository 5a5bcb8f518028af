"""`gate-collector policies`: tolerances of the rules, as every gate and the collector take them."""

from __future__ import annotations

import time
from pathlib import Path

import click

from collector.commands._common import with_config
from collector.commands._importing import as_option, note_unknown_sites, writing
from collector.commands._show import as_json, local, reading
from collector.config import CollectorConfig
from collector.errors import CollectorError, ConfigError
from collector.names import SITE_ID, SITE_ID_RULE
from collector.registers.intake import NewItem, enter
from collector.registers.intake import withdraw as withdraw_items
from collector.registers.reading import latest
from gate_contract.rules import Policy, PolicyError
from gate_contract.v1 import register_pb2 as pb


@click.group()
def policies() -> None:
    """Set the policy for all sites or for one, show it, take it back."""


@policies.command(name="set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", default="", help="For this site only; else for every site that has none of its own.")
@as_option
@with_config
def set_(config: CollectorConfig, file: Path, site: str, actor: str) -> None:
    """Put the policy FILE (TOML) in force. Every key is checked against its bounds first."""
    if site and not SITE_ID.fullmatch(site):
        raise click.BadParameter(f"{site!r} cannot be a site: {SITE_ID_RULE}", param_hint="--site")
    try:
        text = file.read_text(encoding="utf-8")
        policy = Policy.from_toml(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read", cause=str(error), fix="save it as UTF-8") from None
    except PolicyError as error:
        raise ConfigError(f"{file} cannot be set", cause=str(error).rstrip("."), fix="nothing was changed") from None
    item = NewItem.of(pb.ITEM_KIND_POLICY, site, pb.PolicyText(toml=text), site_id=site)
    with writing(config, actor) as (store, ledger), store.write() as connection:
        entered = enter(connection, ledger, [item], time.time_ns())
        note_unknown_sites(config, connection, [site])
    state = f"version {entered[0].version} entered" if entered else "known just so"
    click.echo(f"policy for {site or 'all sites'}: {state}, hash {policy.hash}")


@policies.command()
@click.option("--site", default="", help="Of this site; else the one for every site.")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def show(config: CollectorConfig, site: str, json_: bool) -> None:
    """Show the policy text that was set; for a site without one of its own that for every site."""
    with reading(config) as connection:
        items = latest(connection, pb.ITEM_KIND_POLICY, ["", site])
    item = items.get(site) or items.get("")
    if item is None:
        raise CollectorError(
            "no policy was set",
            cause="the collector takes policy_file of its configuration, else the rule book's defaults",
            fix="`gate-collector policies set FILE` sets one; `gate-collector rules list` shows the rules",
        )
    text = pb.PolicyText.FromString(item.body).toml
    if json_:
        shown = {"site_id": item.key, "version": item.version, "hash": Policy.from_toml(text).hash, "toml": text}
        click.echo(as_json(shown | {"received_unix_ns": item.received_unix_ns}))
        return
    click.echo(f"# for {item.key or 'all sites'}, version {item.version}, set {local(item.received_unix_ns)}")
    click.echo(text, nl=not text.endswith("\n"))


@policies.command()
@click.option("--site", default="", help="Of this site; else the one for every site.")
@as_option
@with_config
def withdraw(config: CollectorConfig, site: str, actor: str) -> None:
    """Take a policy back: a site's own, and the one for every site holds there; or that one, and the defaults do."""
    with writing(config, actor) as (store, ledger), store.write() as connection:
        entered = withdraw_items(connection, ledger, pb.ITEM_KIND_POLICY, [site], time.time_ns())
    click.echo(f"policy for {site or 'all sites'}: " + ("withdrawn" if entered else "was withdrawn before"))
