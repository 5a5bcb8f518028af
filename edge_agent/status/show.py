"""gatectl's screens, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge_agent.status.layout import GAP, columns, paint, plain
from edge_agent.status.words import Language, duration, label, sentence

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
    for lane in shown["lanes"]:
        yield from _lane(lane, language)
    if waiting := sum(not each["released"] for each in shown.get("stopped", ())):
        yield paint(label("stopped_now", language).format(waiting), "red")
    for name, value in columns(list(_facts(shown, language))):
        yield f"{name}{GAP}{plain(value)}"


def devices_lines(shown: dict[str, Any], language: Language) -> Iterator[str]:
    """Devices alone, with what to do."""
    yield from _devices(shown["devices"], language)
    for device in shown["devices"]:
        if device["text"]:
            yield plain(f"{device['id']}: {device['text']}")


def _devices(devices: list[dict[str, Any]], language: Language) -> Iterator[str]:
    if not devices:
        return
    head = [label(name, language) for name in ("device", "state", "last", "age")]
    rows = [
        [
            device["id"],
            label(device["state"], language),
            plain(device["last_reading"] or "-"),
            duration(device["age_s"], language),
        ]
        for device in devices
    ]
    (name, state, *rest), *lines = columns([head, *rows])
    yield GAP.join((name, state, *rest))
    for device, (name, state, *rest) in zip(devices, lines, strict=True):
        yield GAP.join((name, paint(state, STATES.get(device["state"], "red")), *rest))


def _lane(lane: dict[str, Any], language: Language) -> Iterator[str]:
    here = lane["passage"] or label("none", language)
    yield f"{label('lane', language)} {lane['id']}: {label('vehicle', language)} {here}"
    last = lane["last"]
    if last is None:
        return
    action = paint(label(last["action"], language), ACTIONS.get(last["action"], "red"), bold=True)
    weight = f"{last['kilograms']} kg" if last["kilograms"] else "-"
    yield f"{GAP}{action}{GAP}{plain(last['plate'] or '-')}{GAP}{weight}"
    for finding in last["findings"]:
        yield plain(f"{GAP * 2}{finding['code']}: {finding['explanation']}")


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
    counts = [f"{orders[each]} {label(f'order-{each}', language)}" for each in standings]
    yield label("orders", language), ", ".join(counts)


def _journal(journal: dict[str, Any], language: Language) -> Iterator[tuple[str, str]]:
    counts = [
        f"{journal[name]} {label(name, language)}" for name in ("captured", "acknowledged", "pending", "dead_lettered")
    ]
    yield label("journal", language), f"{counts[0]} = {' + '.join(counts[1:])}"
    oldest = journal["oldest_pending_age_s"]
    yield label("oldest", language), label("none", language) if oldest is None else duration(oldest, language)
    yield label("receipt", language), _ago(journal["last_receipt_age_s"], language)
    days = journal["days_of_disk_left"]
    percent = "?" if journal["disk_percent"] is None else journal["disk_percent"]
    free = label("free", language).format(journal["disk_free_bytes"] // GIGABYTE, percent)
    yield label("disk", language), f"{label('unknown', language) if days is None else days} ({free})"


def _ago(seconds: int | None, language: Language) -> str:
    text = duration(seconds, language)
    return text if seconds is None else label("ago", language).format(text)
