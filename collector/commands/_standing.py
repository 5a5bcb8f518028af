"""What stands of a verdict after what officers did: holds, who settled them, and what would release the passage."""

from __future__ import annotations

from rich.console import Console

from collector.commands._show import coloured, local, plain, table, utc, word
from collector.reconcile.accounts import Account
from gate_contract.acts import OpenedAct
from gate_contract.v1.act_pb2 import InspectionResult


def show_standing(out: Console, account: Account) -> None:
    """Nothing where nothing was held and nobody did anything."""
    standing = account.standing
    if standing is None or not (standing.holds or account.acts or account.refused_acts):
        return
    out.print(f"\n[bold]stands now: {coloured(standing.action)}[/]", highlight=False)
    if standing.holds:
        holds = table(("authority", "rule", "asks for", "settled by", "when", "reason"))
        for hold in standing.holds:
            by = plain(hold.lifted_by) if not hold.stands else "[yellow]nobody yet[/]"
            when = "" if hold.stands else local(hold.lifted_unix_ns)
            rule = plain(f"{hold.code} {hold.order}".strip())
            holds.add_row(plain(hold.authority), rule, coloured(hold.action), by, when, plain(hold.lift_reason))
        out.print(holds)
    for need in standing.needs:
        out.print(f"{plain(need.en)}\n{plain(need.zh)}", highlight=False)
    if account.acts:
        acts = table(("act", "officer", "authority", "what", "when", "reason"))
        for each in account.acts:
            act = each.act
            acts.add_row(
                plain(act.act_id),
                plain(act.officer_id),
                plain(act.authority),
                plain(what_done(each)),
                local(act.at_unix_ns),
                plain(act.reason),
            )
        out.print(acts)
    for error in account.refused_acts:
        out.print(f"[yellow]{plain(str(error))}: it does not count[/]", highlight=False)


def standing_json(account: Account) -> dict[str, object] | None:
    """None while it was not judged."""
    standing = account.standing
    if standing is None:
        return None
    return {
        "action": word(standing.action),
        "released": standing.released,
        "holds": [
            {
                "authority": hold.authority,
                "code": hold.code,
                "order": hold.order or None,
                "action": word(hold.action),
                "severity": hold.severity,
                "explanation": hold.explanation,
                "lifted_by": hold.lifted_by or None,
                "lift_reason": hold.lift_reason or None,
                "lifted": utc(hold.lifted_unix_ns),
            }
            for hold in standing.holds
        ],
        "needs": [
            {"authority": need.authority or None, "codes": list(need.codes), "en": need.en, "zh": need.zh}
            for need in standing.needs
        ],
        "acts": [
            {
                "act_id": each.act.act_id,
                "officer_id": each.act.officer_id,
                "authority": each.act.authority,
                "what": what_done(each),
                "at": utc(each.act.at_unix_ns),
                "reason": each.act.reason,
                "deployment": each.act.deployment or None,
            }
            for each in account.acts
        ],
        "refused_acts": [str(error) for error in account.refused_acts],
    }


def what_done(opened: OpenedAct) -> str:
    """E.g. "lifted every hold", "inspected: as declared, 12 packages", "override: release"."""
    act = opened.act
    what = act.WhichOneof("what")
    if what == "lift":
        return f"lifted {' '.join(act.lift.codes) or 'every hold'} of {act.authority}"
    if what == "override":
        return f"override: {word(act.override.action)}"
    found = InspectionResult.Name(act.inspection.result).removeprefix("INSPECTION_RESULT_").replace("_", " ").lower()
    packages = f", {act.inspection.packages} packages" if act.inspection.HasField("packages") else ""
    return f"inspected: {found}{packages}"
