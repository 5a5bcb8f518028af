"""The page docs/devices/plate-cameras.md, made from the profiles (`python -m edge_agent.drivers.plate`). Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from edge_agent.drivers.plate.schema import PlateProfile, TimeFacts

WIDTH = 120

_HEAD = """# Plate cameras

Made from `firmware_configs/plate/*.toml` by `python -m edge_agent.drivers.plate > docs/devices/plate-cameras.md`:
change the profiles, not this page. How a camera is set up and connected, and what every table of a profile means, is
in [cameras.md](../cameras.md).

A field is looked for at its paths in their order; the first with text counts. `//` is anywhere in the event, `@` an
attribute, `[…]` a condition or a position. Upper and lower case are alike. What a camera does not send is empty, never
guessed.
"""

_SCALES = {
    "fraction": "0 to 1",
    "percent": "0 to 100",
    "byte": "0 to 255",
    "percent-or-fraction": "integers 0 to 100; with a decimal point 0 to 1, or to 100",
}
_MODES = {
    "push": "the camera posts to the gate",
    "stream": "the gate opens a stream that stays open",
    "poll": "the gate asks again and again",
    "pullpoint": "the gate subscribes to the camera's events and asks for them",
}


def page(profiles: Iterable[PlateProfile]) -> str:
    """The whole page, in Markdown."""
    chosen = sorted(profiles, key=lambda profile: profile.name)
    parts = [_HEAD, "\n".join(_overview(chosen)), *("\n".join(_section(profile)) for profile in chosen)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _overview(profiles: Iterable[PlateProfile]) -> Iterator[str]:
    yield "| profile | maker | connection | sign of life | confidence | several packets |"
    yield "|---|---|---|---|---|---|"
    for profile in profiles:
        anchor = profile.name.replace("/", "").lower()
        alive = ", ".join(sign.type for sign in profile.events.heartbeats) or "none"
        sure = " / ".join(dict.fromkeys(_SCALES[each.scale] for each in profile.confidence)) or "not sent"
        merged = "merged into one" if profile.track else "no"
        maker, mode = profile.device.maker, _MODES[profile.link.mode]
        yield f"| [`{profile.name}`](#{anchor}) | {maker} | {mode} | {alive} | {sure} | {merged} |"


def _section(profile: PlateProfile) -> Iterator[str]:
    device = profile.device
    yield f"## {profile.name}"
    yield ""
    yield from _wrapped(f"{device.maker}: {', '.join(device.models)}.")
    if device.notes:
        yield ""
        yield from _wrapped(device.notes)
    yield ""
    yield from _wrapped(_connection(profile))
    yield ""
    yield "| field | where | how |"
    yield "|---|---|---|"
    for name, where, how in _fields(profile):
        yield f"| {name} | {', '.join(f'`{path}`' for path in where)} | {how} |"
    yield ""
    yield from _wrapped(f"Source: {device.source}.")


def _connection(profile: PlateProfile) -> str:
    link = profile.link
    if link.mode == "push":
        return f"Connection: {_MODES[link.mode]}; `listen` and `allow` in the site file."
    body = f", with `{link.body}`" if link.body else ""
    every = f", every {link.interval_s:g} s" if link.mode == "poll" else ""
    silent = f" Silent after {link.silent_after_s:g} s without a byte." if link.silent_after_s else ""
    return (
        f"Connection: {_MODES[link.mode]}: `{link.method} {link.path}`{body}{every}; `url`, `user` and `password_file` "
        f"in the site file. The gate answers {' or '.join(link.auth)}.{silent}"
    )


def _fields(profile: PlateProfile) -> Iterator[tuple[str, tuple[str, ...], str]]:
    yield "plate", profile.plate.paths, ""
    for sure in profile.confidence:
        yield "confidence", sure.paths, _SCALES[sure.scale]
    if profile.direction:
        words = ", ".join(f"{code} is {word}" for code, word in profile.direction.words.items())
        yield "direction", profile.direction.paths, words
    if profile.lane:
        yield "lane", profile.lane.paths, "a number" if profile.lane.number else ""
    for time in profile.time:
        yield "time", (*time.paths, *time.clock), _time(time)
    if profile.names.event:
        yield "names the event", profile.names.event, ""
    if profile.track:
        yield (
            "names the vehicle",
            profile.track.id,
            f"its last packet says {' or '.join(profile.track.last) or 'nothing'}",
        )
    for picture in profile.picture:
        yield f"{picture.role} picture", (picture.path,), "in Base64"


def _time(time: TimeFacts) -> str:
    form = "a text" if time.form == "text" else f"counted since 1970 ({time.form.removeprefix('unix-')})"
    if time.clock:
        form = "a date and a time of day"
    return f"{form}, UTC" if time.zone == "utc" else form


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)
