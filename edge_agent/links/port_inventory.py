"""Which serial ports this machine has, and which process holds one. Read from sysfs and procfs (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

BY_ID = Path("/dev/serial/by-id")
SYSFS_TTYS = Path("/sys/class/tty")


def serial_ports_here() -> list[str]:
    """Serial ports of this machine, by their stable names where udev gave one."""
    names = {link.resolve(): f"{link} ({link.resolve().name})" for link in BY_ID.glob("*")}
    for device in SYSFS_TTYS.glob("*/device"):
        tty = device.parent
        node = Path("/dev", tty.name)
        if node.exists() and not _is_empty_slot(tty):
            names.setdefault(node, str(node))
    return sorted(names.values())


def holder_of(path: str) -> str:
    """The process that has `path` locked or open, as "process 812 (minicom)"; "" when it cannot be found out.

    A lock's owner is visible to everyone (/proc/locks), another user's open files only to root (/proc/PID/fd).
    """
    for pid in (*_lock_owners(path), *_openers(path)):
        try:
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # ended meanwhile
        return f"process {pid} ({name})"
    return ""


def _is_empty_slot(tty: Path) -> bool:
    """Whether this is one of the built-in ports a PC's firmware promises and lacks: UART type 0, PORT_UNKNOWN."""
    try:
        return (tty / "type").read_text(encoding="ascii").strip() == "0"
    except OSError:
        return False  # an USB adapter has no UART type


def _lock_owners(path: str) -> list[int]:
    """From lines like `1: FLOCK  ADVISORY  WRITE 812 00:18:5 0 EOF` (proc_locks(5): device and inode of the node)."""
    try:
        node = Path(path).stat()
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    inode = f"{os.major(node.st_dev):02x}:{os.minor(node.st_dev):02x}:{node.st_ino}"
    owners = [fields[-4] for line in lines if (fields := line.split())[-3] == inode]
    return [int(pid) for pid in owners if int(pid) > 0]  # -1 and 0: a process this one may not see


def _openers(path: str) -> Iterator[int]:
    target = str(Path(path).resolve())
    for process in Path("/proc").glob("[0-9]*"):
        if target in _open_files(process / "fd"):
            yield int(process.name)


def _open_files(descriptors: Path) -> Iterator[str]:
    try:
        numbers = [entry.name for entry in descriptors.iterdir()]
    except OSError:
        return  # ended meanwhile, or another user's
    for number in numbers:
        try:
            yield str((descriptors / number).readlink())
        except OSError:
            continue  # closed meanwhile
