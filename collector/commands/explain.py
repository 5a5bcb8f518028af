"""`gate-collector explain`: everything that led to a verdict."""

from __future__ import annotations

from collections.abc import Iterable

import click
from rich.console import Console
from sqlalchemy import Connection

from collector.commands._account import (
    CLOCKS,
    KINDS,
    STABILITIES,
    account_json,
    closing_word,
    opening_word,
    other_word,
    record_of,
)
from collector.commands._common import with_config
from collector.commands._show import (
    as_json,
    coloured,
    console,
    direction_word,
    local,
    plain,
    reading,
    table,
)
from collector.commands._standing import show_standing
from collector.config import CollectorConfig
from collector.reconcile.accounts import Account, account_of, evidence_of
from collector.reconcile.core import Comparison, compare, difference_from_gate
from collector.reconcile.policy import load_policy, policy_then
from gate_contract.rules import Policy
from gate_contract.rules.text import plain as exact
from gate_contract.rules.weights import NoBalance
from gate_contract.v1.decision_pb2 import Decision, Finding
from gate_contract.v1.passage_pb2 import LANE_KIND_PASSENGER, Passage, PlateRead, Weighing


@click.command()
@click.argument("passage_id", metavar="PASSAGE")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@with_config
def explain(config: CollectorConfig, passage_id: str, json_: bool) -> None:
    """Explain the verdict on PASSAGE: every input, tolerance and version that led to it, and the verdicts before."""
    with reading(config) as connection:
        account = account_of(connection, passage_id)
        comparison = _comparison(connection, account, load_policy(config.policy_file))
    if json_:
        click.echo(as_json(account_json(account, comparison)))
        return
    out = console()
    _show_passage(out, account)
    _show_verdict(out, account)
    show_standing(out, account)
    if comparison and account.revisions[-1].passage.lane_kind != LANE_KIND_PASSENGER:
        _show_comparison(out, comparison)
    _show_declarations(out, account)
    _show_gate(out, account)
    _show_history(out, account)
    _show_evidence(out, account)


def _comparison(connection: Connection, account: Account, configured: Policy) -> Comparison | None:
    if not account.verdicts:
        return None
    verdict, ledger_index = account.verdicts[-1]
    judged = next((each for each in account.revisions if each.source.revision == verdict.revision), None)
    if judged is None:
        return None
    site_id = judged.source.site_id
    policy = policy_then(connection, site_id, ledger_index, configured)
    return compare(judged.passage, site_id, account.declarations, verdict.decision, policy)


def _say(out: Console, text: str) -> None:
    out.print(text, highlight=False)


def _head(out: Console, text: str) -> None:
    _say(out, f"\n[bold]{text}[/]")


def _show_passage(out: Console, account: Account) -> None:
    last = account.revisions[-1]
    passage, source = last.passage, last.source
    where = " ".join(filter(None, (f"{source.site_id}/{passage.lane_id}", direction_word(passage.direction))))
    _say(out, f"[bold]passage {plain(source.passage_id)}[/], revision {source.revision}, {plain(where)}")
    clock = CLOCKS.get(passage.opened.clock, "of unknown state")
    opened = f"{local(passage.opened.wall_unix_ns)} by {opening_word(passage)}, the gate's clock {clock}"
    _say(out, f"opened {opened}; closed: {closing_word(passage)}")
    for each in account.revisions:
        why = f" ({plain(each.passage.revision_reason)})" if each.passage.revision_reason else ""
        received = f"received {local(each.source.received_ns)}"
        _say(out, f"record {plain(record_of(each))}: revision {each.source.revision}{why}, {received}")
    _show_readings(out, passage)


def _show_readings(out: Console, passage: Passage) -> None:
    _head(out, "readings")
    readings = table(("device", "read", "how sure", "time", ""))
    for weighing in passage.weighings:
        readings.add_row(
            plain(weighing.device_id),
            f"{plain(weighing.kilograms)} kg {KINDS.get(weighing.kind, 'gross or net not said')}",
            _how_sure(weighing),
            local(weighing.at.wall_unix_ns),
            "late" if weighing.late else "",
        )
    for plate in passage.plates:
        sure = f"confidence {plate.confidence:.2f}" if plate.HasField("confidence") else "confidence not said"
        readings.add_row(*_plate(plate), sure, local(plate.at.wall_unix_ns), "late" if plate.late else "")
    for other in passage.readings:
        readings.add_row(plain(other.device_id), plain(other_word(other)), "", local(other.at.wall_unix_ns), "")
    for missing in passage.missing:
        readings.add_row(plain(missing.device_id), f"no {plain(missing.kind)}", plain(missing.reason), "", "missing")
    out.print(readings)


def _plate(plate: PlateRead) -> tuple[str, str]:
    return plain(plate.device_id), plain(plate.text) or "a vehicle, its plate not read"


def _how_sure(weighing: Weighing) -> str:
    parts = (
        f"u = {plain(weighing.uncertainty_kilograms)} kg" if weighing.uncertainty_kilograms else "u not known",
        f"e = {plain(weighing.division_kilograms)} kg" if weighing.division_kilograms else "",
        f"stable ({STABILITIES[weighing.stability]})"
        if weighing.stability in STABILITIES
        else "not known to be stable",
        f"{weighing.sample_count} frames in {weighing.span_ms} ms",
        f"the device wrote {plain(weighing.device_weight)} {plain(weighing.device_unit)}",
    )
    return ", ".join(filter(None, parts))


def _show_verdict(out: Console, account: Account) -> None:
    if account.waiting is not None:
        again = f": {plain(account.waiting)}" if account.waiting else ""
        _head(out, f"waits to be judged{' again' if account.verdicts else ''}{again}")
    if not account.verdicts:
        return
    verdict, ledger_index = account.verdicts[-1]
    decision = verdict.decision
    when = f"decided {local(decision.decided_unix_ns)}, ledger entry {ledger_index}"
    _head(out, f"verdict {verdict.sequence}: {coloured(decision.action)}[not bold], {when}[/]")
    if verdict.reason:
        _say(out, f"because {plain(verdict.reason)}")
    _show_findings(out, decision.findings)
    _say(out, f"rule book {plain(decision.rule_book)}\npolicy    {plain(decision.policy)}")


def _show_findings(out: Console, findings: Iterable[Finding]) -> None:
    for finding in findings:
        _say(out, f"\n[bold]{plain(finding.code)}[/] {coloured(finding.action)}, severity {finding.severity}")
        _say(out, plain(finding.explanation))
        _say(out, f"tolerance: {plain(finding.tolerance)}")
        inputs = table(("  looked at", "value", "from"))
        for each in finding.inputs:
            inputs.add_row(f"  {plain(each.name)}", plain(each.value), plain(each.source))
        out.print(inputs)


def _show_comparison(out: Console, comparison: Comparison) -> None:
    match, balance = comparison.match, comparison.balance
    _head(out, "measured against declared")
    read = plain(match.read.text) if match.read else "not read"
    booked = ", ".join(f"{plain(trip.plate)} ({plain(trip.name)})" for trip in match.trips)
    _say(out, f"plate   {read}, booked {booked or 'nowhere'}: {match.kind.value}")
    if isinstance(balance, NoBalance):
        _say(out, f"weight  cannot be judged: {plain('; '.join(balance.reasons))}")
    elif balance:
        kilograms = (exact(each) for each in (balance.measured, balance.expected, balance.difference))
        _say(out, "weight  {} kg measured, {} kg expected: {} kg of difference".format(*kilograms))
        _say(out, f"        allowed: {plain(balance.tolerance_text)}, or 2u = {exact(balance.uncertainty)} kg")
    if balance:
        inputs = table(("  looked at", "value", "from"))
        for each in balance.inputs:
            inputs.add_row(f"  {plain(each.name)}", plain(each.value), plain(each.source))
        out.print(inputs)
    if not comparison.same_policy:
        _say(out, "[yellow]with the tolerances configured today; the verdict was given under another policy[/]")


def _show_declarations(out: Console, account: Account) -> None:
    if not account.declarations:
        return
    _head(out, "declarations it was judged against")
    names = ("declaration", "version", "plate", "trailer", "vehicle kg", "boxes kg", "persons", "cargo kg", "departure")
    declared = table((*names, "received"), right=("vehicle kg", "boxes kg", "persons", "cargo kg"))
    for each in account.declarations:
        latest = account.latest_versions[each.declaration_id]
        declared.add_row(
            plain(each.declaration_id),
            f"{each.version}" if latest == each.version else f"{each.version} (latest {latest})",
            plain(each.vehicle_plate),
            plain(each.trailer_plate or "-"),
            each.vehicle_tare_kilograms or "-",
            each.box_tare_kilograms or "-",
            str(each.persons or "-"),
            each.cargo_kilograms or "-",
            local(each.departure_unix_ns),
            local(each.received_unix_ns),
        )
    out.print(declared)


def _show_gate(out: Console, account: Account) -> None:
    passage = account.revisions[-1].passage
    if not passage.HasField("local_decision"):
        return
    gate = passage.local_decision
    age = f", its declarations {gate.reference_age_s} s old" if gate.HasField("reference_age_s") else ""
    _head(out, f"the gate itself decided: {coloured(gate.action)}[not bold]{age}[/]")
    _say(out, _against(gate))
    if account.verdicts:
        difference = difference_from_gate(gate, account.verdicts[-1][0].decision)
        _say(out, plain(difference) or "the same as the collector")


def _against(decision: Decision) -> str:
    versions = ", ".join(f"{each.declaration_id} version {each.version}" for each in decision.declarations)
    codes = " ".join(finding.code for finding in decision.findings)
    return plain(f"against {versions or 'no declaration'}; findings: {codes or 'none'}")


def _show_history(out: Console, account: Account) -> None:
    if len(account.verdicts) < 2:  # noqa: PLR2004 - one verdict is no history
        return
    _head(out, "verdicts")
    history = table(("verdict", "action", "findings", "revision", "decided", "ledger entry", "because"))
    for verdict, ledger_index in account.verdicts:
        history.add_row(
            str(verdict.sequence),
            coloured(verdict.decision.action),
            " ".join(finding.code for finding in verdict.decision.findings),
            str(verdict.revision),
            local(verdict.decision.decided_unix_ns),
            str(ledger_index),
            plain(verdict.reason or "first judged"),
        )
    out.print(history)


def _show_evidence(out: Console, account: Account) -> None:
    evidence = evidence_of(account.revisions[-1].passage)
    if not evidence:
        return
    _head(out, "evidence")
    listed = table(("what", "type", "bytes", "SHA-256", ""), right=("bytes",))
    for each in evidence:
        stored = "stored" if each.sha256 in account.stored_evidence else "[yellow]not here yet[/]"
        listed.add_row(plain(each.role), plain(each.media_type), str(each.size), each.sha256.hex(), stored)
    out.print(listed)
