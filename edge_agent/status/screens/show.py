"""gatectl's screens, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edge_agent.status.chinese.telling import in_chinese, reading_in_chinese
from edge_agent.status.screens.layout import GAP, columns, paint, plain
from edge_agent.status.screens.why import waits
from edge_agent.status.words import Language, duration, kilograms, label, sentence

LEVELS = {"healthy": "green", "degraded": "yellow", "down": "red"}
STATES = {"ok": "green", "starting": "cyan"}
ACTIONS = {"release": "green", "review": "yellow"}
"""Whatever is not in STATES or ACTIONS is red."""

GIGABYTE = 1_000_000_000


def status_lines(shown: dict[str, Any], language: Language) -> Iterator[str]:
    """The whole status, as `gatectl status --json` gives it."""
    level = shown["level"]
    colour = "red" if shown["red"] else LEVELS[level]
    yield f"{paint(label(level, language), colour, bold=True)}{GAP}{shown['site'] or ''}".rstrip()
    for reason in shown["reasons"]:
        yield plain(f"{GAP}• {sentence(reason['code'], reason['values'], language)}")
    yield from _devices(shown["devices"], language)
    stopped = shown.get("stopped", ())
    for lane in shown["lanes"]:
        yield from _lane(lane, stopped, language)
    if waiting := sum(map(waits, stopped)):
        yield paint(label("stopped_now", language).format(waiting), "red")
    for name, value in columns(list(_facts(shown, language))):
        yield f"{name}{GAP}{plain(value)}"


def devices_lines(shown: dict[str, Any], language: Language) -> Iterator[str]:
    """Devices alone, with what to do."""
    yield from _devices(shown["devices"], language)
    for device in shown["devices"]:
        if device["text"]:
            text = in_chinese(device["text"]) if language == "zh" else device["text"]
            yield plain(f"{device['id']}: {text}")


def _devices(devices: list[dict[str, Any]], language: Language) -> Iterator[str]:
    if not devices:
        return
    head = [label(name, language) for name in ("device", "state", "last", "age")]
    rows = [
        [
            device["id"],
            label(device["state"], language),
            plain(_reading(device["last_reading"] or "-", language)),
            duration(device["age_s"], language),
        ]
        for device in devices
    ]
    (name, state, *rest), *lines = columns([head, *rows])
    yield GAP.join((name, state, *rest))
    for device, (name, state, *rest) in zip(devices, lines, strict=True):
        yield GAP.join((name, paint(state, STATES.get(device["state"], "red")), *rest))


def _reading(text: str, language: Language) -> str:
    return reading_in_chinese(text) if language == "zh" else text


def _lane(lane: dict[str, Any], stopped: Sequence[dict[str, Any]], language: Language) -> Iterator[str]:
    """Who is there, and what stands of the last decision; of whom nobody stops, what is to be followed up."""
    kind, last = lane.get("kind"), lane["last"]
    passive = kind == "observation"
    who = label("person" if kind == "passenger" else "vehicle", language)
    here = label("passes_by", language) if passive else f"{who} {lane['passage'] or label('none', language)}"
    yield f"{label('lane', language)} {lane['id']}: {here}"
    if last is None:
        return
    what, colour, findings = _stands(last, stopped, language, passive=passive)
    gone = "" if passive or last["passage"] == lane["passage"] else f"{label('before', language)}: "
    weight = kilograms(last["kilograms"], language) if last["kilograms"] else "-"
    yield f"{GAP}{gone}{paint(what, colour, bold=True)}{GAP}{plain(last['plate'] or '-')}{GAP}{weight}"
    for finding in findings:
        told = finding.get("zh") if language == "zh" else ""
        yield plain(f"{GAP * 2}{finding['code']}: {told or finding['explanation']}")


def _stands(
    last: dict[str, Any], stopped: Sequence[dict[str, Any]], language: Language, *, passive: bool
) -> tuple[str, str, list[dict[str, Any]]]:
    """The last decision in words, its colour, and the findings that still matter."""
    action, findings = last["action"], last["findings"]
    if passive:
        clear = action == "release"
        return label("seen" if clear else "follow_up", language), "green" if clear else "yellow", findings
    kept = next((each for each in stopped if each["passage"] == last["passage"]), None)
    if kept is not None and kept["released"] and action != "release":
        return label("let_go_by_officer", language), "green", []
    if kept is not None and not kept["released"]:
        action = kept.get("action", action)
    return label(action, language), ACTIONS.get(action, "red"), findings


def _facts(shown: dict[str, Any], language: Language) -> Iterator[tuple[str, str]]:
    if (journal := shown["journal"]) is not None:
        yield from _journal(journal, language)
    if (uplink := shown["uplink"]) is not None:
        state = label("connected" if uplink["connected"] else "disconnected", language)
        yield label("collector", language), f"{state}{GAP}{uplink['address']}"
    if (certificate := shown["certificate"]) is not None:
        yield label("certificate", language), label("days", language).format(certificate["days_left"])
    if (clock := shown["clock"]) is not None:
        state = "synchronised" if clock["synchronised"] else "unsynchronised"
        yield label("clock", language), label(state, language)
    if (reference := shown["reference"]) is not None:
        age = _ago(reference["age_s"], language)
        yield label("reference", language), f"{reference['declarations']} ({age})"
        yield from _orders(reference.get("orders"), language)


def _orders(orders: dict[str, int] | None, language: Language) -> Iterator[tuple[str, str]]:
    """Control orders in force, and those that are not yet or do not hold; nothing of an agent that said nothing."""
    if orders is None:
        return
    standings = ["active", *(each for each in ("waiting", "refused") if orders[each])]
    counts = [_counted(orders[each], f"order-{each}", language) for each in standings]
    yield label("orders", language), ("，" if language == "zh" else ", ").join(counts)


def _journal(journal: dict[str, Any], language: Language) -> Iterator[tuple[str, str]]:
    names = ("captured", "acknowledged", "pending", "dead_lettered")
    counts = [_counted(journal[name], name, language) for name in names]
    yield label("journal", language), f"{counts[0]} = {' + '.join(counts[1:])}"
    oldest = journal["oldest_pending_age_s"]
    yield label("oldest", language), label("none", language) if oldest is None else duration(oldest, language)
    yield label("receipt", language), _ago(journal["last_receipt_age_s"], language)
    days = journal["days_of_disk_left"]
    percent = "?" if journal["disk_percent"] is None else journal["disk_percent"]
    free = label("free", language).format(journal["disk_free_bytes"] // GIGABYTE, percent)
    yield label("disk", language), f"{label('unknown', language) if days is None else days} ({free})"


def _counted(number: int, word: str, language: Language) -> str:
    """A number of what a label names, in the order of the language."""
    name = label(word, language)
    return f"{name} {number}" if language == "zh" else f"{number} {name}"


def _ago(seconds: int | None, language: Language) -> str:
    text = duration(seconds, language)
    return text if seconds is None else label("ago", language).format(text)
