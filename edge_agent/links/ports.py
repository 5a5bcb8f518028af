"""What an installer must know of each port of this machine: stable names, USB identity, a udev rule. From pyserial."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from edge_agent.links.port_inventory import holder_of

STABLE = (Path("/dev/serial/by-id"), Path("/dev/serial/by-path"))


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One serial port.

    Attributes:
        device: the kernel's name, which may be another after a reboot.
        names: stable names by udev, the best first; none for a built-in port, whose own name is stable.
        usb: "1a86:7523", vendor and product; "" when it is not on USB.
        serial_number: the adapter's; "" when it has none, and then two of its kind cannot be told apart but by place.
        place: where it is plugged in, e.g. "1-1.3:1.0"; "" when not on USB.
        what: maker and product as the adapter says.
        held_by: the process that has it open, e.g. "process 812 (minicom)"; "" when none or not to be seen.
    """

    device: str
    names: tuple[str, ...]
    usb: str
    serial_number: str
    place: str
    what: str
    held_by: str

    @property
    def best_name(self) -> str:
        """What a site file should say."""
        return self.names[0] if self.names else self.device

    @property
    def udev_rule(self) -> str:
        """A rule that gives it a name of its own, whatever is plugged in first; "" when it needs none.

        By serial number where there is one, else by the socket it is plugged into.
        """
        if not self.usb:
            return ""
        vendor, product = self.usb.split(":")
        by = f'ATTRS{{serial}}=="{self.serial_number}"' if self.serial_number else f'KERNELS=="{self.place}"'
        return (
            f'SUBSYSTEM=="tty", {by}, ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}", '
            'SYMLINK+="tidegate/NAME"'
        )


def ports_here() -> list[PortInfo]:
    """The serial ports of this machine."""
    return [_info(port) for port in sorted(list_ports.comports(), key=lambda port: port.device)]


def _info(port: ListPortInfo) -> PortInfo:
    usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else ""
    return PortInfo(
        device=port.device,
        names=tuple(_stable_names(Path(port.device))),
        usb=usb,
        serial_number=port.serial_number or "",
        place=port.location or "",
        what=" ".join(part for part in (port.manufacturer, port.product) if part),
        held_by=holder_of(port.device),
    )


def _stable_names(device: Path) -> list[str]:
    target = device.resolve()
    return [str(link) for directory in STABLE for link in sorted(directory.glob("*")) if link.resolve() == target]
