"""`edge-agent vision gallery`: one sailing's travellers, made from document portraits or received sealed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_agent.clock import SystemClock
from edge_agent.commands._common import config_option
from edge_agent.commands.models._options import opened
from edge_agent.config import SiteFile, load_site
from edge_agent.config_video import GALLERIES, IMAGES
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.model.moment import SECOND, WallNs
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.models.directory import ModelDirectory, default_directory

if TYPE_CHECKING:
    from edge_agent.vision.faces.gallery import Gallery
    from edge_agent.vision.faces.gallery_store import GalleryStore

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group()
def gallery() -> None:
    """One sailing's travellers, whom a camera with reads = ["face"] looks for; gone within an hour of departure."""


@gallery.command()
@click.argument("portraits", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--sailing", required=True, help="Names the sailing, e.g. HK-2026-11-22-0930.")
@click.option("--departure", required=True, help="With its offset from UTC, e.g. 2026-11-22T09:30+08:00.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it sealed, for another gate; not into this one.",
)
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="With --out: where its key is written.")
@config_option
@_json
def make(
    portraits: Path, sailing: str, departure: str, out: Path | None, key: Path | None, config: Path, as_json: bool
) -> None:
    """Make a gallery from the document portraits in DIR: one picture a traveller, named by the document's number.

    Pictures that give no template are named by their place in the list, and left out. The portraits are left as they
    are: delete them. Exit code 1 when one was left out.
    """
    if (out is None) != (key is None):
        raise click.UsageError("--out and --key belong together")
    site = load_site(config)
    departs = _wall(departure)
    with importing_vision("Making galleries", "numpy"):
        from edge_agent.vision.faces.gallery_file import seal_gallery  # noqa: PLC0415 - loads numpy, of an extra
    made, left_out = _made(site, portraits, sailing, departs)
    if out is None or key is None:
        _store(site).keep(made)
    else:
        _write(key, made.key.stored())
        _write(out, seal_gallery(made))
    _tell({"sailing": sailing, "travellers": len(made), "left_out": left_out}, as_json=as_json)
    made.destroy()
    raise SystemExit(1 if left_out else 0)


@gallery.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its 32 bytes."
)
@config_option
@_json
def receive(file: Path, key: Path, config: Path, as_json: bool) -> None:
    """Take in a sealed gallery. Its key comes another way; delete both files afterwards."""
    site = load_site(config)
    with importing_vision("Receiving galleries", "numpy"):
        from edge_agent.vision.faces.gallery import Recognised  # noqa: PLC0415 - loads numpy, of an extra
        from edge_agent.vision.faces.gallery_file import MOST_BYTES, open_gallery  # noqa: PLC0415 - as above
        from edge_agent.vision.faces.sailing import KEY_BYTES, SailingKey  # noqa: PLC0415 - as above
    from edge_agent.vision.models.tasks import Task  # noqa: PLC0415 - as above

    model = _models(site).model(Task.FACE_RECOGNISER)
    sealed, material = _read(file, MOST_BYTES), _read(key, KEY_BYTES)
    made = open_gallery(sealed, SailingKey(material), Recognised(model.name, model.sha256), SystemClock()())
    _store(site).keep(made)
    _tell({"sailing": made.sailing, "travellers": len(made), "left_out": []}, as_json=as_json)
    made.destroy()


@gallery.command("list")
@config_option
@_json
def list_galleries(config: Path, as_json: bool) -> None:
    """Show the galleries on this machine; whom they hold is not shown. Those that are over are destroyed first."""
    store, now = _store(load_site(config)), SystemClock()()
    store.sweep(now)
    rows = [
        {
            "sailing": header.sailing,
            "departure": _text(header.life.departure),
            "ends": _text(header.life.ends),
            "travellers": header.templates,
            "recogniser": header.recogniser.name,
        }
        for header in store.sailings()
    ]
    if as_json:
        click.echo(json.dumps({"galleries": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['sailing']}: {row['travellers']} travellers, departs {row['departure']}, ends {row['ends']}")
    if not rows:
        click.echo("no sailing's gallery is open")


@gallery.command()
@click.argument("sailing")
@config_option
def destroy(sailing: str, config: Path) -> None:
    """Destroy the gallery of SAILING now, and its key; nothing happens when there is none."""
    _store(load_site(config)).destroy(sailing)
    click.echo(f"{sailing}: there is no gallery of it any more; a running agent forgets it within 10 seconds")


def _made(site: SiteFile, portraits: Path, sailing: str, departs: WallNs) -> tuple[Gallery, list[dict[str, Any]]]:
    """The gallery, and which pictures were left out: by number, because the file's name is the document's number."""
    from edge_agent.vision.faces.gallery import Gallery, Recognised  # noqa: PLC0415 - loads numpy, of an extra
    from edge_agent.vision.faces.lane import portrait_template  # noqa: PLC0415 - as above
    from edge_agent.vision.faces.lifetime import Lifetime  # noqa: PLC0415 - as above
    from edge_agent.vision.faces.reader import FaceReader  # noqa: PLC0415 - as above
    from edge_agent.vision.faces.sailing import SailingKey  # noqa: PLC0415 - as above
    from edge_agent.vision.image import load_image  # noqa: PLC0415 - as above

    life = Lifetime.beginning(departs, SystemClock()())
    files = sorted(path for path in portraits.iterdir() if path.suffix.lower() in IMAGES)
    if not files:
        raise ConfigError(
            f"{portraits} holds no portraits", fix="Put one picture a traveller there: <document number>.jpg"
        )
    reader = FaceReader(_models(site), site.vision.threads)
    made = Gallery(sailing, SailingKey.generate(), Recognised(reader.model_name, reader.model_sha256), life)
    left_out = []
    for number, path in enumerate(files, 1):
        whose = f"portrait {number}"
        try:
            made.add(path.stem, portrait_template(reader, load_image(path, name=whose), whose))
        except EdgeAgentError as error:
            left_out.append({"number": number, "problem": str(error)})
    return made, left_out


def _models(site: SiteFile) -> ModelDirectory:
    return opened(site.vision.models or default_directory())


def _store(site: SiteFile) -> GalleryStore:
    """This machine's; ConfigError for a user whose files the agent could not read or destroy."""
    with importing_vision("Keeping galleries", "numpy"):
        from edge_agent.vision.faces.gallery_store import GalleryStore  # noqa: PLC0415 - loads numpy, of an extra
    state_dir = site.agent.state_dir
    if not state_dir.is_dir():
        raise ConfigError(
            f"the state directory {state_dir} is not there", fix="Enrol this machine first: edge-agent enrol"
        )
    if (owner := state_dir.stat().st_uid) != os.geteuid():
        raise ConfigError(
            "the agent could not use what this user writes",
            cause=f"{state_dir} belongs to the user with number {owner}",
            fix=f"Run it as that user: sudo -u '#{owner}' edge-agent vision gallery …",
        )
    return GalleryStore(state_dir / GALLERIES)


def _wall(departure: str) -> WallNs:
    try:
        moment = datetime.fromisoformat(departure)
    except ValueError as error:
        raise click.BadParameter(f"{departure!r} is no moment: {error}", param_hint="--departure") from error
    if moment.tzinfo is None:
        raise click.BadParameter(f"{departure!r} has no offset; add +08:00", param_hint="--departure")
    return WallNs(round(moment.timestamp()) * SECOND)


def _text(moment: WallNs) -> str:
    return datetime.fromtimestamp(moment // SECOND, UTC).isoformat()


def _read(path: Path, most: int) -> bytes:
    with _reading(path):
        if not path.is_file() or path.stat().st_size > most:
            raise EdgeAgentError(f"{path} cannot be used", cause=f"it is no file of at most {most} bytes")
        return path.read_bytes()


def _write(path: Path, data: bytes) -> None:
    """A new file of mode 0600; one that is there already is not written over."""
    with _reading(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgeAgentError(f"{path} cannot be used", cause=error.strerror or str(error)) from error


def _tell(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    for each in row["left_out"]:
        click.echo(f"left out: {each['problem']}", err=True)
    click.echo(f"{row['sailing']}: {row['travellers']} travellers")
