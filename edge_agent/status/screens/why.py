"""Why somebody is stopped, and what would release them: as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from edge_agent.status.screens.layout import GAP, columns, paint, plain
from edge_agent.status.words import Language, duration, label

SECOND = 1_000_000_000
COMMANDS = {
    "lift": 'gatectl lift {} --as ID --key FILE --reason "…"',
    "inspect": 'gatectl inspect {} --as ID --key FILE --result as-declared --text "…"',
}
"""What an officer types (docs/desk.md)."""

ACTIONS = {"review": "yellow"}
"""Whatever is not in here is red."""


def chosen(passages: Sequence[dict[str, Any]], asked: str | None) -> list[dict[str, Any]]:
    """Those of a lane, or those whose name begins so; without a name all about whom somebody must do something.

    That is who is stopped, and who is released and may still be standing before a barrier that did not open.
    """
    if asked is None:
        newest = {each["lane"]: each for each in reversed(passages)}
        return [each for each in passages if waits(each) or _may_stand(each, newest[each["lane"]])]
    lane = [each for each in passages if each["lane"] == asked]
    return lane or [each for each in passages if each["passage"].startswith(asked)]


def waits(passage: dict[str, Any]) -> bool:
    """Whether somebody must do something: it is neither released, nor did it go back the way it came."""
    return not (passage["released"] or passage.get("went_back"))


def _may_stand(released: dict[str, Any], newest: dict[str, Any]) -> bool:
    stands = released["released"] and not released.get("went_back")
    return stands and released is newest and released["opening"] in ("not", "unsure")


def why_lines(
    lanes: Mapping[str, dict[str, Any]], passages: Sequence[dict[str, Any]], now_unix_ns: int, language: Language
) -> Iterator[str]:
    """For each lane, as the snapshot has it, whoever is in front; of those behind how many there are."""
    for lane, known in lanes.items():
        ours = [each for each in passages if each["lane"] == lane]
        waiting = [each for each in ours if waits(each)]
        if not ours:
            yield _nobody(lane, known, language)
            continue
        front = waiting[0] if waiting else ours[0]
        yield from passage_lines(front, now_unix_ns, language, gone="passage" in known and _is_gone(front, known))
        if len(waiting) > 1:
            yield f"{GAP}{label('more_stopped', language).format(len(waiting) - 1)}"


def _nobody(lane: str, known: dict[str, Any], language: Language) -> str:
    if known.get("kind") != "observation":
        return f"{plain(lane)}: {paint(label('nobody_stopped', language), 'green')}"
    note, last = "", known.get("last")
    if last is not None and last["action"] != "release":
        codes = " ".join(finding["code"] for finding in last["findings"])
        note = f"{GAP}{label('follow_up', language)}: {plain(last['plate'] or '-')} {codes}"
    return f"{plain(lane)}: {paint(label('passes_by', language), 'green')}{note}"


def _is_gone(passage: dict[str, Any], lane: dict[str, Any]) -> bool:
    return bool(passage["passage"] != lane["passage"])


def passage_lines(
    passage: dict[str, Any], now_unix_ns: int, language: Language, *, gone: bool = False
) -> Iterator[str]:
    """One passage in full; `gone`: whoever it is of is known to have left the lane."""
    seconds = max(0, (now_unix_ns - passage["since_unix_ns"]) // SECOND)
    since = label("since", language).format(_local(passage["since_unix_ns"]), duration(seconds, language))
    action = passage.get("action", "release")
    what = paint(label("let_go" if passage["released"] else action, language), _colour(passage), bold=True)
    yield f"{plain(passage['lane'])}: {what}{GAP}{since}"
    yield plain(f"{GAP}{label('passage', language)} {passage['passage']}{GAP}{_looks(passage, language)}".rstrip())
    if passage["released"]:
        yield from _released(passage, language)
        return
    if gone or passage.get("went_back"):
        yield f"{GAP}{label('went_back' if passage.get('went_back') else 'gone_on', language)}"
    for hold in passage["holds"]:
        yield from _hold(hold, language)
    if passage["acts_waiting"]:
        yield f"{GAP}{label('acts_waiting', language).format(passage['acts_waiting'])}"
    yield f"{GAP}{label('needs', language)}"
    for need in passage["needs"]:
        yield plain(f"{GAP * 2}→ {need[language]}")
        if act := need.get("act"):
            yield plain(f"{GAP * 3}{COMMANDS[act].format(passage['passage'])}")


def table_lines(passages: Sequence[dict[str, Any]], now_unix_ns: int, language: Language) -> Iterator[str]:
    """One line for each passage that the gate keeps."""
    rows = [
        [
            plain(each["lane"]),
            plain(each["passage"]),
            duration(max(0, (now_unix_ns - each["since_unix_ns"]) // SECOND), language),
            label("let_go" if each["released"] else each["action"] if waits(each) else "back", language),
            plain(" ".join((*each["plates"], *each["containers"], *each["documents"])) or "-"),
            " ".join(hold["code"] for hold in each.get("holds", []) if not hold["lifted_by"]),
        ]
        for each in passages
    ]
    for row in columns(rows) if rows else []:
        yield GAP.join(row).rstrip()


def _hold(hold: dict[str, Any], language: Language) -> Iterator[str]:
    mark = paint("✓", "green") if hold["lifted_by"] else paint("✗", "red")
    yield f"{GAP}{mark} " + plain(f"{hold['code']}{GAP}{hold[f'authority_{language}']}{GAP}{hold[language]}")
    if hold["lifted_by"]:
        yield plain(f"{GAP * 2}{label('lifted', language).format(hold['lifted_by'], hold['lift_reason'])}")


def _released(passage: dict[str, Any], language: Language) -> Iterator[str]:
    word = {"not": "let_go_not_opened", "unsure": "let_go_unsure"}.get(passage["opening"])
    if word is not None:
        yield plain(f"{GAP}{label(word, language).format(passage['passage'])}")


def _looks(passage: dict[str, Any], language: Language) -> str:
    parts = (("plate", "plates"), ("container", "containers"), ("document", "documents"))
    return GAP.join(f"{label(word, language)} {'/'.join(passage[key])}" for word, key in parts if passage[key])


def _colour(passage: dict[str, Any]) -> str:
    return "green" if passage["released"] else ACTIONS.get(passage["action"], "red")


def _local(unix_ns: int) -> str:
    return f"{datetime.fromtimestamp(unix_ns // SECOND, UTC).astimezone():%H:%M:%S}"
