"""Where galleries survive a restart: encrypted, each beside its key, and gone with the key when the sailing is over.

`DIR/<name>.gallery` is the sealed gallery, `DIR/<name>.key` its key (mode 0600; DIR 0700); the name is a hash of the
sailing's. Destroying overwrites the key's file before it is unlinked, so what a disk keeps of the gallery cannot be
opened. On flash the old key's cells may outlive that: where it matters, give `keys` a directory in memory (/run), and a
restart of the machine forgets the galleries too.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.errors import EdgeAgentError
from edge_agent.model.moment import Moment
from edge_agent.vision.faces.gallery import Gallery, GalleryError, Recognised
from edge_agent.vision.faces.gallery_file import Header, open_gallery, read_header, seal_gallery
from edge_agent.vision.faces.sailing import KEY_BYTES, SailingKey

_GALLERY, _KEY, _PART = ".gallery", ".key", ".part"


@dataclass(slots=True)
class Loaded:
    """What a start found: galleries to go on with, and what was refused and why (kept until it is over)."""

    galleries: list[Gallery] = field(default_factory=list)
    refused: list[EdgeAgentError] = field(default_factory=list)


class GalleryStore:
    """The galleries' files.

    Args:
        directory: holds the sealed galleries; made when it is not there.
        keys: holds their keys; `directory` unless given.
    """

    def __init__(self, directory: Path, keys: Path | None = None) -> None:
        self._directory, self._keys = directory, keys or directory
        for place in {self._directory, self._keys}:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, gallery: Gallery) -> None:
        """Write the gallery, durably, in place of an older one of its sailing."""
        name = _name(gallery.sailing)
        # the key first: a gallery without its key is only noise, a key without its gallery is swept
        _write(self._keys / (name + _KEY), gallery.key.stored())
        _write(self._directory / (name + _GALLERY), seal_gallery(gallery))

    def load(self, recogniser: Recognised, now: Moment) -> Loaded:
        """The galleries whose sailing is not over; the others, and what cannot be read, are destroyed first."""
        self.sweep(now)
        loaded = Loaded()
        for path in sorted(self._directory.glob("*" + _GALLERY)):
            try:
                key = SailingKey((self._keys / (path.stem + _KEY)).read_bytes())
                loaded.galleries.append(open_gallery(path.read_bytes(), key, recogniser, now, kept=True))
            except (EdgeAgentError, OSError) as error:
                loaded.refused.append(_as_refusal(path, error))
        return loaded

    def contents(self) -> frozenset[tuple[str, int, int]]:
        """What lies here: changes when a gallery comes, goes or is replaced. Nothing is read."""
        found = []
        for path in self._directory.glob("*" + _GALLERY):
            try:
                stamp = path.stat()
            except FileNotFoundError:
                continue  # swept meanwhile
            found.append((path.name, stamp.st_ino, stamp.st_mtime_ns))
        return frozenset(found)

    def sailings(self) -> list[Header]:
        """What the galleries here say of themselves, by departure; those that say nothing are left out."""
        found = []
        for path in self._directory.glob("*" + _GALLERY):
            with suppress(GalleryError, OSError):
                found.append(read_header(path.read_bytes()))
        return sorted(found, key=lambda header: header.life.departure)

    def sweep(self, now: Moment) -> list[str]:
        """Destroy every gallery that is over or damaged and every key without a gallery; their names."""
        names = {path.name.split(".")[0] for path in (*self._directory.iterdir(), *self._keys.iterdir())}
        return [name for name in sorted(names) if self._swept(name, now)]

    def destroy(self, sailing: str) -> None:
        """The sailing's key overwritten and unlinked, then its gallery; nothing happens when there is none."""
        self._destroy(_name(sailing))

    def _swept(self, name: str, now: Moment) -> bool:
        try:
            over = read_header((self._directory / (name + _GALLERY)).read_bytes()).life.expired(now)
        except (GalleryError, OSError):
            over = True
        if over or not (self._keys / (name + _KEY)).exists():
            self._destroy(name)
            return True
        return False

    def _destroy(self, name: str) -> None:
        for path in (self._keys / (name + _KEY), self._keys / (name + _KEY + _PART)):
            _overwrite(path)
            path.unlink(missing_ok=True)
        for path in (self._directory / (name + _GALLERY), self._directory / (name + _GALLERY + _PART)):
            path.unlink(missing_ok=True)


def _name(sailing: str) -> str:
    return hashlib.sha256(sailing.encode()).hexdigest()[:32]


def _as_refusal(path: Path, error: EdgeAgentError | OSError) -> EdgeAgentError:
    if isinstance(error, EdgeAgentError):
        return error
    return GalleryError(f"the gallery in {path} cannot be read", cause=error.strerror or str(error))


def _overwrite(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.write(descriptor, bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes) -> None:
    """Replace a file by one of mode 0600, durably: written beside, synced, renamed."""
    beside = path.with_name(path.name + _PART)
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
