"""A sealed gallery: what arrives from the check-in, and what a gate keeps on its disk.

    "TGG1", length of the header (4 bytes, big-endian), header, nonce (12), ciphertext, tag (16)

The header is JSON and readable: format, sailing, departure, made, recogniser (name and SHA-256), numbers a template and
templates. It is the associated data of AES-256-GCM: a change of any of it makes the whole unreadable. The ciphertext
holds the length of the subjects (4 bytes), the subjects (JSON), and the templates (float32, little-endian).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.vision.faces.gallery import MOST_TEMPLATES, Gallery, GalleryError, Recognised
from edge_agent.vision.faces.lifetime import Lifetime
from edge_agent.vision.faces.matching import LONGEST, SHORTEST
from edge_agent.vision.faces.sailing import SailingKey

MOST_BYTES = 256 * 1024 * 1024
_MAGIC = b"TGG1"
_LARGEST_HEADER = 64 * 1024
_NUMBER = np.dtype("<f4")


def seal_gallery(gallery: Gallery) -> bytes:
    """The whole gallery as bytes that only its sailing's key opens."""
    subjects, templates = gallery.rows()
    header = _header_bytes(gallery)
    names = json.dumps(subjects, ensure_ascii=False).encode()
    plain = len(names).to_bytes(4, "big") + names + templates.astype(_NUMBER).tobytes()
    return _MAGIC + len(header).to_bytes(4, "big") + header + gallery.key.seal(plain, header)


@dataclass(frozen=True, slots=True)
class Header:
    """What a sealed gallery says of itself without its key."""

    sailing: str
    recogniser: Recognised
    life: Lifetime
    numbers: int
    templates: int


def read_header(data: bytes) -> Header:
    """Of a sealed gallery; believed only once the gallery was opened. GalleryError when it is none."""
    return _parsed(_split(data)[0])


def open_gallery(data: bytes, key: SailingKey, recogniser: Recognised, now: Moment, *, kept: bool = False) -> Gallery:
    """A sealed gallery in memory again.

    Args:
        data: as `seal_gallery` made it, here or at the check-in.
        key: the sailing's; the gallery owns it from then on.
        recogniser: the one in use.
        now: the present.
        kept: this machine kept it itself: its life goes on. Else it has just arrived and its life begins now.

    Raises:
        GalleryError: it is none, its sailing is over, or its templates are of another recogniser, which is named.
        LifetimeError: it has arrived too late or too early.
        SealedError: the key or a byte is another.
    """
    raw, sealed = _split(data)
    header = _parsed(raw)
    if header.recogniser.sha256 != recogniser.sha256:
        raise GalleryError(
            f"the gallery of {header.sailing} cannot be used",
            cause=f"its templates are of {header.recogniser.name} (SHA-256 {header.recogniser.sha256[:12]}), "
            f"and {recogniser.name} (SHA-256 {recogniser.sha256[:12]}) is in use",
            fix="Make the gallery again with the recogniser in use, from the document portraits",
        )
    if kept and header.life.expired(now):
        raise GalleryError(f"the gallery of {header.sailing} is over", cause="its sailing departed an hour ago or more")
    plain = key.open(sealed, raw)
    life = header.life if kept else Lifetime.beginning(header.life.departure, now)
    return _filled(Gallery(header.sailing, key, header.recogniser, life), header, plain)


def _filled(gallery: Gallery, header: Header, plain: bytes) -> Gallery:
    end = 4 + int.from_bytes(plain[:4], "big")
    numbers = np.frombuffer(plain[end:], _NUMBER)
    try:
        names = json.loads(plain[4:end])
        rows: npt.NDArray[np.float32] = numbers.reshape(header.templates, header.numbers).astype(np.float32)
    except ValueError as error:
        raise _damaged("its templates are not what its header says") from error
    if not isinstance(names, list) or len(set(names)) != header.templates or not all(isinstance(n, str) for n in names):
        raise _damaged("its subjects are not what its header says")
    for name, row in zip(names, rows, strict=True):
        gallery.add(name, row)
    rows.fill(0)
    return gallery


def _header_bytes(gallery: Gallery) -> bytes:
    made = gallery.life.made
    said = {
        "format": 1,
        "sailing": gallery.sailing,
        "departure": gallery.life.departure,
        "made": {
            "wall": made.wall,
            "mono": made.mono,
            "boot_id": made.boot_id.hex(),
            "synchronised": made.synchronised,
        },
        "recogniser": {"name": gallery.recogniser.name, "sha256": gallery.recogniser.sha256},
        "numbers": int(gallery.rows()[1].shape[1]),
        "templates": len(gallery),
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Header and sealed part."""
    if len(data) > MOST_BYTES or data[:4] != _MAGIC:
        raise _damaged("it does not begin as one does, or is too large")
    size = int.from_bytes(data[4:8], "big")
    if size > min(_LARGEST_HEADER, len(data) - 8):
        raise _damaged("its header is cut short")
    return data[8 : 8 + size], data[8 + size :]


def _parsed(raw: bytes) -> Header:
    try:
        said = json.loads(raw)
        made, recogniser = said["made"], said["recogniser"]
        moment = Moment(
            WallNs(int(made["wall"])),
            MonoNs(int(made["mono"])),
            bytes.fromhex(made["boot_id"]),
            synchronised=made["synchronised"] is True,
        )
        header = Header(
            str(said["sailing"]),
            Recognised(str(recogniser["name"]), str(recogniser["sha256"])),
            Lifetime(WallNs(int(said["departure"])), moment),
            int(said["numbers"]),
            int(said["templates"]),
        )
        known = said["format"] == 1
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged("its header is no header") from error
    if not known:
        raise _damaged("it is of a newer format")
    empty = header.templates == 0 and header.numbers == 0
    if not empty and not (1 <= header.templates <= MOST_TEMPLATES and SHORTEST <= header.numbers <= LONGEST):
        raise _damaged("its header asks for too much")
    return header


def _damaged(cause: str) -> GalleryError:
    return GalleryError("this is no gallery that can be read", cause=cause, fix="Send the gallery again")
