"""How the told part of the demo is shown: the confusion table, and what else must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from edge_agent.simulate.judgement import Check
from edge_agent.simulate.story.judging import Due, Found, Row, confusion, wrongly_stopped


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
