"""How the story's end is shown: the confusion table, and what else must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from edge_agent.simulate.judgement import Check, Line
from edge_agent.simulate.story.judging import Due, Found, Row, confusion, wrongly_stopped
from edge_agent.simulate.story.player import Crossed


def show_confusion(console: Console, rows: Iterable[Row]) -> None:
    """One line for each thing that was injected."""
    table = Table(title="Injected against found", title_justify="left", box=None, pad_edge=False)
    for name in ("injected", "rules due", "action due", "subjects", "caught", "other codes"):
        table.add_column(name, justify="right" if name in ("subjects", "caught") else "left", no_wrap=True)
    for row in rows:
        colour = "green" if row.caught == row.subjects else "red"
        caught = f"[{colour}]{row.caught}[/]"
        codes = " ".join(row.codes) or "-"
        table.add_row(row.injected, codes, row.action, str(row.subjects), caught, " ".join(row.others) or "-")
    console.print(table)


def story_checks(due: Sequence[Due], found: Mapping[str, Found], rules: frozenset[str]) -> list[Check]:
    """Nobody stopped for nothing, everything caught, every rule shown twice; `rules` are those that are to be shown."""
    rows = confusion(due, found)
    clean = [each for each in due if not each.codes]
    injected = sum(row.subjects for row in rows if row.codes)
    caught = sum(row.caught for row in rows if row.codes)
    stopped = wrongly_stopped(due, found)
    shown: dict[str, int] = dict.fromkeys(sorted(rules), 0)
    for one in found.values():
        for code in one.codes & rules:
            shown[code] += 1
    seldom = [f"{code} {count}" for code, count in shown.items() if count < 2]  # noqa: PLR2004 - at least twice
    return [
        Check("clean traffic goes straight through", not stopped, f"{len(clean) - len(stopped)} of {len(clean)}"),
        Check("injected discrepancies are caught", caught == injected, f"{caught} of {injected}"),
        Check("every rule is seen at least twice", not seldom, ", ".join(seldom) or f"{len(shown)} rules"),
    ]


def due_of_scenario(lines: Iterable[Line]) -> list[Due]:
    """The verdicts due on the scenario's trucks; those that were not seen are nobody's."""
    return [
        Due(
            line.seen.passage_id if line.seen else f"truck {line.vehicle.number}",
            line.vehicle.injection,
            line.vehicle.truth.finally_.codes,
            line.vehicle.truth.finally_.action,
        )
        for line in lines
    ]


def playing_checks(
    crossed: Sequence[Crossed], openings: int, passages: Iterable[str], lanes: Iterable[str]
) -> list[Check]:
    """What must hold of the played lanes: each visit is one passage, and the barrier rose once for each release.

    Args:
        crossed: what the gates made of every visit.
        openings: how often barriers rose.
        passages: ids of all passages at the collector.
        lanes: ids of the played lanes, which begin the ids of their passages.
    """
    ids = {each.passage_id for each in crossed}
    prefixes = tuple(f"{lane}-" for lane in lanes)
    seen = {each for each in passages if each.startswith(prefixes)}
    barred = [each for each in crossed if each.through is not None]
    let_go = [each for each in barred if each.action == "release"]
    agree = all(each.through == (each.action == "release") for each in barred)
    return [
        Check(
            "every vehicle that was played is one passage",
            ids == seen and len(ids) == len(crossed),
            f"{len(seen)} passages of {len(crossed)}",
        ),
        Check(
            "barriers of the played lanes opened for those who were let go, once each",
            agree and openings == len(let_go),
            f"{openings} openings for {len(let_go)}",
        ),
    ]
