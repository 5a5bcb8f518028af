"""`gatectl why`, `passages`, `lift`, `inspect`, `override`: who is stopped, and what officers do about it.

Showing reads the agent's status file alone. An act is signed here and handed to the agent; what that needs is imported
only then.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import click

from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.model.handed_act import ACT_SUFFIX, OFFICERS, SPOOL
from edge_agent.status.asked import Asked, lang_option
from edge_agent.status.chinese.telling import in_chinese
from edge_agent.status.clocks import clocks_now
from edge_agent.status.health import Found, Level, assess, since_written_s
from edge_agent.status.reading import Places
from edge_agent.status.screens.layout import plain
from edge_agent.status.screens.why import chosen, passage_lines, table_lines, why_lines
from edge_agent.status.snapshot import read_snapshot
from edge_agent.status.words import Language, duration, label

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from edge_agent.model.handed_act import Handed
    from edge_agent.status.acts.acting import Doing

EXIT_CODES: Final = {"done": 0, "known": 0, "recorded": 1, "spooled": 1, "refused": 2}
"""0: recorded, and it counts. 1: kept, and it does not count yet. 2: not recorded."""

PASSPHRASE_VARIABLE: Final = "TIDEGATE_OFFICER_PASSPHRASE"  # noqa: S105 - the name of a variable
"""As for `gate-collector`; without it a person is asked."""

FEWEST_CHARACTERS: Final = 4
"""Of a passage's name, where not all of it is typed."""

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def act_options(command: Callable[..., None]) -> Callable[..., None]:
    """What every act needs: about which passage, by whom, with which key."""
    for decorate in (
        lang_option,
        click.option("--authority", help="Whom the officer acts for; else as the list of officers says."),
        click.option(
            "--key",
            "key_file",
            type=click.Path(path_type=Path, dir_okay=False),
            required=True,
            help="The officer's Ed25519 key, PEM; a passphrase is asked for.",
        ),
        click.option("--as", "officer", required=True, help="The officer's id."),
        click.argument("passage"),
    ):
        command = decorate(command)
    return command


@click.command()
@click.argument("asked", required=False, metavar="[LANE|PASSAGE]")
@lang_option
@json_option
@click.pass_obj
def why(obj: Asked, asked: str | None, lang: Language | None, as_json: bool) -> None:
    """Why the vehicle or person in front is stopped, and what would release them."""
    where, language = obj.where, lang or obj.language
    snapshot = _snapshot(where)
    found = chosen(snapshot["stopped"], asked)
    lanes: dict[str, dict[str, Any]] = {lane["id"]: lane for lane in snapshot["lanes"]}
    lanes |= {each["lane"]: {} for each in found if each["lane"] not in lanes}
    if asked is not None and not found and asked not in lanes:
        raise EdgeAgentError(
            f"there is no lane or passage {asked!r} here", fix="see: gatectl passages, or: gatectl status"
        )
    down = _down_words(where, snapshot, language)
    if as_json:
        click.echo(json.dumps({"running": not down, "stopped": found}, ensure_ascii=False))
        return
    if down:
        click.echo(down)
    now = clocks_now().unix_ns
    if asked is not None and asked not in lanes:
        lines = [line for each in found for line in passage_lines(each, now, language)]
    else:
        shown = lanes if asked is None else {asked: lanes[asked]}
        lines = list(why_lines(shown, found, now, language))
    click.echo("\n".join(lines))


@click.command()
@lang_option
@json_option
@click.pass_obj
def passages(obj: Asked, lang: Language | None, as_json: bool) -> None:
    """Every passage that this gate keeps: stopped, or released lately."""
    where, language = obj.where, lang or obj.language
    snapshot = _snapshot(where)
    if as_json:
        running = not _down_words(where, snapshot, language)
        click.echo(json.dumps({"running": running, "passages": snapshot["stopped"]}, ensure_ascii=False))
        return
    if down := _down_words(where, snapshot, language):
        click.echo(down)
    click.echo("\n".join(table_lines(snapshot["stopped"], clocks_now().unix_ns, language)) or label("none", language))


@click.command()
@act_options
@click.option("--reason", required=True, help="Why, in words. No names of travellers.")
@click.option("--code", "codes", multiple=True, help="Only holds of this rule, e.g. D02; may be repeated.")
@click.pass_context
def lift(ctx: click.Context, /, reason: str, codes: tuple[str, ...], **common: Any) -> None:
    """Lift what the officer's authority holds."""

    def make(doing: Doing, key: Ed25519PrivateKey) -> Handed:
        from edge_agent.status.acts import acting  # noqa: PLC0415 - cryptography is slow to import

        return acting.lift(doing, tuple(code.upper() for code in codes), key)

    _act(ctx, make, reason, common)


@click.command()
@act_options
@click.option(
    "--result",
    type=click.Choice(["as-declared", "differs", "detained"]),
    required=True,
    help="As declared; not so and settled on the spot; not so and kept.",
)
@click.option("--text", required=True, help="What was found, in words. No names of travellers.")
@click.option("--reason", help="Why it was inspected; else the text stands for it.")
@click.option("--packages", type=click.IntRange(0, 4_294_967_295), help="Packages counted.")
@click.option("--seal", "seals", multiple=True, help="CONTAINER=NUMBER:whole, broken or absent; may be repeated.")
@click.option("--photo", "photos", multiple=True, type=click.Path(path_type=Path), help="JPEG or PNG; repeatable.")
@click.pass_context
def inspect(
    ctx: click.Context,
    /,
    result: str,
    text: str,
    reason: str | None,
    packages: int | None,
    seals: tuple[str, ...],
    photos: tuple[Path, ...],
    **common: Any,
) -> None:
    """Record what an inspection found."""

    def make(doing: Doing, key: Ed25519PrivateKey) -> Handed:
        from edge_agent.status.acts import acting  # noqa: PLC0415 - cryptography is slow to import

        return acting.inspect(doing, acting.Finding(result, text, packages, seals, photos), key)

    _act(ctx, make, reason or text, common)


@click.command()
@act_options
@click.option(
    "--action",
    type=click.Choice(["release", "review", "inspect", "hold"]),
    required=True,
    help="What to do instead.",
)
@click.option("--reason", required=True, help="Why, in words. No names of travellers.")
@click.option("--photo", "photos", multiple=True, type=click.Path(path_type=Path), help="JPEG or PNG; repeatable.")
@click.pass_context
def override(ctx: click.Context, /, action: str, reason: str, photos: tuple[Path, ...], **common: Any) -> None:
    """Put another action in the place of the rule book's. What other authorities hold stays held."""

    def make(doing: Doing, key: Ed25519PrivateKey) -> Handed:
        from edge_agent.status.acts import acting  # noqa: PLC0415 - cryptography is slow to import

        return acting.override(doing, action, photos, key)

    _act(ctx, make, reason, common)


COMMANDS: Final = (why, passages, lift, inspect, override)
"""They are added to gatectl's own."""


def _act(
    ctx: click.Context, make: Callable[[Doing, Ed25519PrivateKey], Handed], reason: str, common: dict[str, Any]
) -> None:
    """Sign, hand over, tell."""
    from edge_agent.status.acts import acting  # noqa: PLC0415 - cryptography is slow to import
    from edge_agent.status.acts.handing import hand_over  # noqa: PLC0415 - only acts need it

    asked: Asked = ctx.obj
    where, language = asked.where, common["lang"] or asked.language
    if not reason.strip():
        raise EdgeAgentError("an act without a reason is none", fix="say why: --reason")
    now = clocks_now()
    doing = acting.Doing(
        act_id=uuid4().hex,
        site_id=_site(asked.config),
        passage_id=_named(where, common["passage"]),
        officer_id=common["officer"],
        authority=common["authority"] or _authority(where, common["officer"]),
        at_unix_ns=now.unix_ns,
        reason=reason.strip(),
        deployment=_deployment(where),
    )
    answer = hand_over(where, make(doing, _key(common["key_file"])), doing.act_id)
    told = in_chinese(answer["zh"]) if language == "zh" else answer["en"]
    click.echo(plain(told), err=answer["outcome"] == "refused")
    if answer.get("passage") is not None:
        click.echo("\n".join(passage_lines(answer["passage"], now.unix_ns, language)))
    sys.exit(EXIT_CODES.get(answer["outcome"], 2))


def _key(path: Path) -> Ed25519PrivateKey:
    from edge_agent.status.acts.acting import LockedKeyError, load_key  # noqa: PLC0415 - cryptography is slow to import

    try:
        return load_key(path, None)
    except LockedKeyError:
        given = os.environ.get(PASSPHRASE_VARIABLE)
        return load_key(path, given or click.prompt("Passphrase / 口令", hide_input=True, err=True))


def _snapshot(where: Places) -> dict[str, Any]:
    snapshot = read_snapshot(where.runtime_dir)
    if snapshot is None:
        raise EdgeAgentError(
            "the agent has not run since this machine was switched on", fix="start it: systemctl start edge-agent"
        )
    return {"stopped": [], **snapshot}


def _down_words(where: Places, snapshot: dict[str, Any], language: Language) -> str:
    """That the agent does not run, since when nothing new is known, and how many acts wait; "" while it runs."""
    now = clocks_now()
    if assess(Found(snapshot, None), now).level is not Level.DOWN:
        return ""
    words = label("agent_down", language).format(duration(since_written_s(snapshot, now), language))
    kept = sum(1 for _ in (where.state_dir / SPOOL).glob(f"*{ACT_SUFFIX}"))
    return f"{words}\n{label('acts_kept', language).format(kept)}" if kept else words


def _site(config: Path) -> str:
    """The site's name; the site file has been read before, as TOML."""
    site = tomllib.loads(config.read_text(encoding="utf-8")).get("site")
    if not isinstance(site, str) or not site:
        raise ConfigError(f"{config}: site is missing", fix=f"run: edge-agent check-config --config {config}")
    return site


def _deployment(where: Places) -> str:
    """Whose gate this is, as its journal is named; "" where the agent has not run since the machine was switched on."""
    deployment, agent, _ = str((read_snapshot(where.runtime_dir) or {}).get("origin", "")).partition("/agent/")
    return deployment if agent else ""


def _named(where: Places, typed: str) -> str:
    """The passage that is meant. Where the agent has not run, so that nobody knows, it is taken as it is typed."""
    snapshot = read_snapshot(where.runtime_dir)
    known = [each["passage"] for each in (snapshot or {}).get("stopped", [])]
    found = [each for each in known if each == typed] or [each for each in known if each.startswith(typed)]
    if len(found) == 1 and (found[0] == typed or len(typed) >= FEWEST_CHARACTERS):
        return str(found[0])
    if len(found) > 1:
        raise EdgeAgentError(f"{typed!r} may be several passages", fix="type more of its name: gatectl passages")
    if snapshot is None or _down_words(where, snapshot, "en"):
        return typed
    raise EdgeAgentError(f"this gate keeps no passage {typed!r}", fix="see: gatectl passages")


def _authority(where: Places, officer: str) -> str:
    path = where.runtime_dir / OFFICERS
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and isinstance(known.get(officer), str):
        return str(known[officer])
    raise EdgeAgentError(
        f"this gate does not know officer {officer!r}",
        fix="correct --as; or, if the list of officers has not come yet, say for whom they act: --authority customs",
    )
