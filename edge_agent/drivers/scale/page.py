"""The page docs/devices/scales.md, made from the profiles. Pure; `python -m edge_agent.drivers.scale` writes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from edge_agent.drivers.asking import Command
from edge_agent.drivers.framing import Variant
from edge_agent.drivers.schema import Profile
from edge_agent.drivers.sources import Default

WIDTH = 120

_HEAD = """# Scales

Made from `firmware_configs/scale/*.toml` by `python -m edge_agent.drivers.scale > docs/devices/scales.md`: change the
profiles, not this page. What a profile may say, and how to make one, is in [profiles.md](../profiles.md).

A scale that is *asked* gets only the commands that read, and of those by itself only the one with an interval.
"Stability: inferred" means that the device does not say whether it rests: equal weights over a time window do.
"""


def page(profiles: Iterable[Profile]) -> str:
    """The whole page, in Markdown."""
    chosen = sorted(profiles, key=lambda profile: profile.name)
    parts = [_HEAD, "\n".join(_overview(chosen))]
    parts += ["\n".join(_section(profile)) for profile in chosen]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _overview(profiles: Iterable[Profile]) -> Iterator[str]:
    yield "| profile | maker | line as delivered | checksum | unit | stability |"
    yield "|---|---|---|---|---|---|"
    for profile in profiles:
        link = profile.link
        mode = "asked" if link.mode == "poll" else "sends by itself"
        yield (
            f"| [`{profile.name}`](#{_anchor(profile)}) | {profile.device.maker} | {link.baud} {link.format}, {mode} | "
            f"{_checksum(profile)} | {_unit(profile)} | {_stability(profile)} |"
        )


def _anchor(profile: Profile) -> str:
    return profile.name.replace("/", "").lower()


def _readings(profile: Profile) -> list[Variant]:
    return [variant for variant in profile.frame.variant if variant.state is None]


def _checksum(profile: Profile) -> str:
    checked = [variant.checksum is not None for variant in _readings(profile)]
    return "always" if all(checked) else "in some variants" if any(checked) else "none"


def _unit(profile: Profile) -> str:
    source = profile.field.unit
    if isinstance(source, Default):
        return f"not sent: {source.default} unless the site file says otherwise"
    absent = [shape for shape in _readings(profile) if source.group is not None and source.group not in shape.groups]
    return "not sent in some variants" if absent else "sent"


def _stability(profile: Profile) -> str:
    always = all(variant.says.stable is not None for variant in _readings(profile))
    return "only weights at rest are sent" if always else "sent" if profile.field.stable else "inferred"


def _section(profile: Profile) -> Iterator[str]:
    device = profile.device
    yield f"## {profile.name}"
    yield ""
    yield from _wrapped(f"{device.maker}: {', '.join(device.models)}.")
    yield ""
    yield from _wrapped(" ".join(device.notes.split()))
    yield ""
    shapes = [variant for variant in profile.frame.variant if variant.state is None]
    yield "| variant | bytes | counts when |"
    yield "|---|---|---|"
    for variant in shapes:
        yield f"| `{variant.name}` | {variant.length or f'to {_code(variant.end)}'} | {_counts(variant)} |"
    if states := [variant for variant in profile.frame.variant if variant.state]:
        yield ""
        yield from _wrapped(
            "Frames without a weight: " + ", ".join(f"`{variant.name}` ({variant.state})" for variant in states) + "."
        )
    if profile.link.command:
        yield ""
        yield "| command | bytes | |"
        yield "|---|---|---|"
        yield from (f"| `{command.name}` | `{command.bytes}` | {_does(command)} |" for command in profile.link.command)
    yield ""
    yield from _wrapped(f"Source: {device.source}.")


def _code(pattern: str | None) -> str:
    return f"`{pattern}`".replace("|", "\\|")


def _counts(variant: Variant) -> str:
    if variant.checksum:
        return f"its checksum ({variant.checksum.algorithm}) is right"
    if variant.next == "start":
        return "the next frame, or silence, follows"
    return "another of its kind follows" if variant.next == "same" else "its form is right"


def _does(command: Command) -> str:
    if not command.reads:
        return f"changes the device ({command.changes}): only when a person asks for it"
    return f"reads; sent every {command.interval} s" if command.interval else "reads"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
