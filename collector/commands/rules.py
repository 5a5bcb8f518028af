"""`gate-collector rules`: the rule book that judges here, with the tolerances in force."""

from __future__ import annotations

import inspect
from typing import Any

import click

from collector.commands._common import with_config
from collector.commands._rule_page import page, tolerances_of
from collector.commands._show import as_json, coloured, console, plain, table, word
from collector.config import CollectorConfig
from collector.reconcile.policy import load_policy
from gate_contract.rules import RULE_BOOK_HASH, RULES


@click.group()
def rules() -> None:
    """The rule book: what is judged, and how."""


@rules.command("list")
@click.option("--json", "json_", is_flag=True, help="As a JSON object.")
@with_config
def list_rules(config: CollectorConfig, json_: bool) -> None:
    """List every rule with the strictest action it can ask for."""
    policy = load_policy(config.policy_file)
    if json_:
        listed = [_summary(rule) for rule in RULES]
        click.echo(as_json({"rule_book": RULE_BOOK_HASH, "policy": policy.hash, "rules": listed}))
        return
    shown = table(("code", "fires when", "severity", "asks for at most"), right=("severity",))
    for rule in RULES:
        mildest, gravest = rule.severities
        severity = str(gravest) if mildest == gravest else f"{mildest} to {gravest}"
        shown.add_row(rule.code, plain(rule.title), severity, coloured(rule.action))
    out = console()
    out.print(shown)
    out.print(f"[dim]rule book {RULE_BOOK_HASH}\npolicy    {policy.hash}[/]")


@rules.command("explain")
@click.argument("code", type=click.Choice([rule.code for rule in RULES], case_sensitive=False))
@click.option("--json", "json_", is_flag=True, help="As a JSON object.")
@with_config
def explain_rule(config: CollectorConfig, code: str, json_: bool) -> None:
    """Say what one rule looks at, where it is decided, what it needs, and the tolerances in force with their bounds."""
    rule = next(rule for rule in RULES if rule.code == code)
    policy = load_policy(config.policy_file)
    told = _summary(rule) | {
        "decided": rule.where.value,
        "needs": [need.value for need in rule.needs],
        "meaning": inspect.getdoc(rule.judge) or "",
        "tolerances": tolerances_of(policy, code),
    }
    if json_:
        click.echo(as_json(told))
        return
    out = console()
    out.print(f"[bold]{code}[/] {plain(rule.title)}: {coloured(rule.action)} at most")
    for paragraph in told["meaning"].split("\n\n"):
        out.print(plain(" ".join(paragraph.split())))
    out.print(f"[dim]decided {told['decided']}[/]")
    for need in told["needs"]:
        out.print(f"[dim]asked only where {need}[/]")
    for each in told["tolerances"]:
        out.print(f"{each['key']} = {plain(each['value'])}  [dim]{plain(each['bounds'])}[/]")


@rules.command("page")
def print_page() -> None:
    """Print the rule book as a page of the documentation (docs/rule-book.md), with the shipped tolerances."""
    click.echo(page(), nl=False)


def _summary(rule: Any) -> dict[str, Any]:
    return {
        "code": rule.code,
        "title": rule.title,
        "least_severity": rule.severities[0],
        "greatest_severity": rule.severities[1],
        "action": word(rule.action),
    }
