"""The master key of the key store: a file beside it. Whoever lacks it has no key of anybody.

It is not among the keys that others trust (collector.keys): a backup of those is kept for ever, and an old backup of
the key store with an old backup of its master key would bring back what was destroyed.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collector.errors import CollectorError
from gate_contract.personal import KEY_BYTES, new_key

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """What is derived from the master key (HKDF-SHA-256, RFC 5869): one key for each use.

    Attributes:
        wrapping: encrypts keys in the store.
        index: makes fingerprints of documents.
        check: tells this master key from another; it is no secret.
    """

    wrapping: bytes
    index: bytes
    check: bytes

    @classmethod
    def of(cls, master: bytes) -> MasterKeys:
        """Of a master key, 32 bytes."""
        return cls(*(_derived(master, use) for use in ("wrapping", "index", "check")))


def load_master(path: Path, *, may_make: bool) -> MasterKeys:
    """The master key in a file; made there when there is none and `may_make`, which is while the store has no keys.

    Raises CollectorError when it is missing, damaged or readable by others.
    """
    try:
        if not path.exists() and may_make:
            _make(path)
        mode = path.stat().st_mode
        master = path.read_bytes()
    except FileNotFoundError:
        raise CollectorError(
            f"{path} is missing",
            cause="without this master key no personal data can be read, and none be sealed",
            fix=f"restore {path.name} from the backup that belongs to the key store; when there is none, move the key "
            "store away: what was sealed under it stays unreadable for ever",
        ) from None
    except OSError as error:
        raise CollectorError(
            f"the master key {path} cannot be used",
            cause=str(error.strerror),
            fix="run as the user that owns the collector's state, and check that its disk has room",
        ) from error
    if mode & _OTHERS:
        raise CollectorError(
            f"{path} can be read or changed by others (mode {stat.S_IMODE(mode):04o})",
            cause="whoever read it can read personal data with a copy of the key store",
            fix=f"find out who could, then: chmod go= {path}",
        )
    if len(master) != KEY_BYTES:
        raise CollectorError(
            f"{path} is damaged", cause=f"it has {len(master)} bytes, not {KEY_BYTES}", fix="restore it from a backup"
        )
    return MasterKeys.of(master)


def own_like_parent(path: Path) -> None:
    """When an administrator runs a command as root, the file still belongs to the service's user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _make(path: Path) -> None:
    """Durable before it is used; of two programs that make it at the same time the first one's counts."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(new_key())
        file.flush()
        os.fsync(file.fileno())
    own_like_parent(Path(beside))
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        pass
    finally:
        Path(beside).unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _derived(master: bytes, use: str) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"tidegate/personal-keys/{use}/v1".encode()).derive(master)
