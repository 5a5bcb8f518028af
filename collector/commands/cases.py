"""`gate-collector cases`: findings that need a person."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from collector.cases import service
from collector.cases.core import Case
from collector.cases.service import OUTCOMES
from collector.commands._cases import DESTROYED, KIND_WORDS, OUTCOME_WORDS, case_json, office, story_json, what_of
from collector.commands._common import with_config
from collector.commands._show import as_json, coloured, console, local, plain, reading, table
from collector.config import CollectorConfig

F = TypeVar("F", bound=Callable[..., Any])


def acting(command: F) -> F:
    """Give a command --as: the officer who does it."""
    return click.option("--as", "actor", required=True, metavar="OFFICER", help="Officer who does it, in office.")(
        command
    )


@click.group()
def cases() -> None:
    """Findings that need a person: list, give out, decide.

    CASE is the case's id, its first characters, or what the case is about: a passage, declaration, sailing or journal.
    """


@cases.command(name="list")
@click.option("--open", "is_open", is_flag=True, help="Only open ones.")
@click.option("--mine", metavar="OFFICER", default="", help="Only open ones that this officer has.")
@click.option("--overdue", is_flag=True, help="Only open ones of which a deadline has gone by.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many.")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def list_(config: CollectorConfig, is_open: bool, mine: str, overdue: bool, limit: int, json_: bool) -> None:
    """List cases: open ones first, those that are due first at the top."""
    with reading(config) as connection:
        found = service.list_cases(connection, is_open=is_open, officer=mine, overdue=overdue, most=limit)
    if json_:
        click.echo(as_json([case_json(each) for each in found]))
        return
    listed = table(("case", "about", "authority", "severity", "state", "officer", "until"), right=("severity",))
    for each in found:
        state = f"[red]level {each.level}[/]" if each.overdue else each.state
        if each.state == "decided":
            state = OUTCOME_WORDS.get(each.outcome, state)
        about = plain(f"{each.subject_kind} {each.subject}")
        until = local(each.deadline_ns) if each.state == "open" else "-"
        listed.add_row(
            each.case_id, about, plain(each.authority), str(each.severity), state, plain(each.assignee) or "-", until
        )
    console().print(listed)


@cases.command()
@click.argument("case")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def show(config: CollectorConfig, case: str, json_: bool) -> None:
    """Show a case: what it is about, everything that happened, and what was done at the gate."""
    with office(config) as at, at.store.read() as connection:
        story = service.story(connection, at.keys, service.find(connection, case))
    if json_:
        click.echo(as_json(story_json(story)))
        return
    out, found = console(), story.case
    out.print(f"case {found.case_id}, {plain(found.subject_kind)} {plain(found.subject)}, of {plain(found.authority)}")
    out.print(_standing(found))
    for finding in found.findings:
        out.print(f"  {finding.code} {coloured(finding.action)} {plain(finding.explanation)}")
    listed = table(("when", "who", "what", "", "text"))
    for each in story.events:
        event, text = each.event, DESTROYED if each.text is None else each.text
        kind = KIND_WORDS.get(event.kind, str(event.kind))
        listed.add_row(local(event.at_unix_ns), plain(event.actor), kind, plain(what_of(event)), plain(text))
    for act in story.acts:
        refused = f"does not count: {act.refused}" if act.refused else ""
        listed.add_row(
            local(act.at_ns), plain(act.officer_id), f"{act.kind} at the gate", plain(refused), plain(act.reason)
        )
    out.print(listed)


@cases.command()
@click.argument("case")
@click.argument("officer")
@acting
@with_config
def assign(config: CollectorConfig, case: str, officer: str, actor: str) -> None:
    """Give CASE to OFFICER, who must be in office of the authority in charge."""
    with office(config) as at:
        _say(at.desk.assign(case, officer, actor, time.time_ns()))


@cases.command()
@click.argument("case")
@acting
@with_config
def draw(config: CollectorConfig, case: str, actor: str) -> None:
    """Draw the officer for CASE among those on duty; once, and anybody can check it when the day is over."""
    with office(config) as at:
        _say(at.desk.draw(case, actor, time.time_ns()))


@cases.command()
@click.argument("case")
@click.argument("text")
@acting
@with_config
def comment(config: CollectorConfig, case: str, text: str, actor: str) -> None:
    """Write TEXT in CASE; it is encrypted under the case's own key."""
    with office(config) as at:
        _say(at.desk.comment(case, text, actor, time.time_ns()))


@cases.command()
@click.argument("case")
@click.argument("outcome", type=click.Choice(list(OUTCOMES)))
@click.option("--reason", required=True, help="Why; it is encrypted under the case's own key.")
@acting
@with_config
def decide(config: CollectorConfig, case: str, outcome: str, reason: str, actor: str) -> None:
    """Decide CASE, which --as OFFICER must have: unfounded, error, violation or grave-violation."""
    with office(config) as at:
        decided, declarants = at.desk.decide(case, outcome, reason, actor, time.time_ns())
    _say(decided)
    for declarant in declarants:
        click.echo(f"noted in the credit record of {declarant}: `gate-collector credit show {declarant}`")


@cases.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why; it is encrypted under the case's own key.")
@acting
@with_config
def reopen(config: CollectorConfig, case: str, reason: str, actor: str) -> None:
    """Open CASE again: nobody has it then, and what its outcome did to credit is taken back."""
    with office(config) as at:
        _say(at.desk.reopen(case, reason, actor, time.time_ns()))


@cases.command()
@click.argument("case")
@click.option("--json", "json_", is_flag=True, help="As a JSON array.")
@with_config
def evidence(config: CollectorConfig, case: str, json_: bool) -> None:
    """List what belongs to CASE, by hash, with the files that hold it: pictures, scans, curves, photos of officers."""
    with office(config) as at, at.store.read() as connection:
        story = service.story(connection, at.keys, service.find(connection, case))
    found = [
        (each.hex(), config.state_dir / "evidence" / each.hex()[:2] / each.hex() if each in story.stored else None)
        for each in sorted({*story.case.evidence, *(photo for act in story.acts for photo in act.photos)})
    ]
    if json_:
        click.echo(as_json([{"sha256": name, "file": None if file is None else str(file)} for name, file in found]))
        return
    for name, file in found:
        click.echo(f"{name}  {file or 'is not here: it has not come yet, or its term is over'}")


def _say(case: Case) -> None:
    click.echo(_standing(case))


def _standing(case: Case) -> str:
    if not case.is_open:
        return f"case {case.case_id} is decided: {OUTCOME_WORDS.get(case.outcome, '')}"
    holder = f"{case.assignee} has it" if case.assignee else "nobody has it"
    late = f", escalated to level {case.level}" if case.overdue else ""
    return f"case {case.case_id} is open until {local(case.deadline_ns)}{late}; {holder}"
