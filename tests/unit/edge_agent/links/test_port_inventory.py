"""Who holds a port, and which ports there are."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.links import port_inventory
from edge_agent.links.port_inventory import holder_of, serial_ports_here


@pytest.fixture
def pty() -> Iterator[str]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield name
    os.close(master)


def test_the_process_that_locked_a_port_is_named(pty: str) -> None:
    descriptor = os.open(pty, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        own_name = Path("/proc/self/comm").read_text().strip()
        assert holder_of(pty) == f"process {os.getpid()} ({own_name})"
    finally:
        os.close(descriptor)


def test_the_process_that_merely_opened_a_port_is_named_also_through_a_stable_name(pty: str, tmp_path: Path) -> None:
    descriptor = os.open(pty, os.O_RDWR | os.O_NOCTTY)
    by_id = tmp_path / "usb-scale"
    by_id.symlink_to(pty)
    try:
        assert holder_of(str(by_id)).startswith(f"process {os.getpid()} (")
    finally:
        os.close(descriptor)


def test_a_port_that_nobody_holds_has_no_holder(pty: str) -> None:
    assert holder_of(pty) == ""


def test_a_port_that_does_not_exist_has_no_holder(tmp_path: Path) -> None:
    assert holder_of(str(tmp_path / "ttyUSB9")) == ""


def test_a_port_is_listed_by_its_stable_name_with_its_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_id, sysfs = tmp_path / "by-id", tmp_path / "tty"
    by_id.mkdir()
    (by_id / "usb-FTDI_A1").symlink_to("/dev/null")
    for tty in ("null", "zero"):
        (sysfs / tty / "device").mkdir(parents=True)
    monkeypatch.setattr(port_inventory, "BY_ID", by_id)
    monkeypatch.setattr(port_inventory, "SYSFS_TTYS", sysfs)
    assert serial_ports_here() == ["/dev/zero", f"{by_id}/usb-FTDI_A1 (null)"]


def test_built_in_ports_that_do_not_exist_and_consoles_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "null" / "device").mkdir(parents=True)
    (tmp_path / "null" / "type").write_text("0\n")
    (tmp_path / "zero").mkdir()  # a console: no device behind it
    monkeypatch.setattr(port_inventory, "BY_ID", tmp_path / "none")
    monkeypatch.setattr(port_inventory, "SYSFS_TTYS", tmp_path)
    assert serial_ports_here() == []
