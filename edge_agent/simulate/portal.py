"""An emulated radiation portal with the ASCII line output of TSA and Rapiscan portals.

Lines are two letters and four fields of six characters, CR LF. Sources: the message handler of osh-oakridge-modules
(MPL-2.0) and the RPMSimulator of sandialabs/SRLS (MIT). The portal judges its own counts: GA and NA are its alarms.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path

from edge_agent.simulate.serial_line import SerialLine

BACKGROUND_EVERY_S = 5.0
"""Of both kinds, while nobody is in the portal."""

SAMPLES_A_SECOND = 5
"""Of gamma; of neutrons one."""

GAMMA_BACKGROUND = (386, 391, 423, 419)
"""Counts of the four detectors."""


def counts(code: str, values: tuple[int, ...]) -> bytes:
    """A line of counts, one for each detector: `GB,000386,000391,000423,000419`."""
    return f"{code},{','.join(f'{value:06d}' for value in values)}\r\n".encode()


def speed(seconds: float) -> bytes:
    """The line of the two light beams, a foot apart: seconds between them, miles and kilometres an hour."""
    mph = 3600 / 5280 / seconds
    return f"SP,{seconds:06.4f},{mph:06.3f},{mph * 1.609344:06.2f},000000\r\n".encode()


def occupancy_end(number: int, neutron_background: float) -> bytes:
    """The line that ends an occupancy: its number, and the background of neutrons in thousandths."""
    return counts("GX", (number, round(neutron_background * 1000), 0, 0))


class RadiationPortal:
    """One portal, on a serial line of its own. `enter` and `leave` are called by whoever drives through it."""

    def __init__(self, link: Path) -> None:
        """Plugged in, and nobody in it; background is told from `start` on."""
        self._line = SerialLine(link)
        self._chance = random.Random(str(link))  # noqa: S311 - counts of nothing
        self._guard = threading.Lock()
        self._inside = False
        self._occupancies = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tell_background, name=f"portal {link.name}", daemon=True)

    def start(self) -> None:
        """Begin to tell the background."""
        self._thread.start()

    def stop(self) -> None:
        """Unplug it."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        self._line.close()

    def enter(self) -> None:
        """A vehicle drives in: its speed, and counts below the background, for its steel shields the detectors."""
        with self._guard:
            self._inside = True
            self._line.send(speed(0.2) + b"".join(self._second(alarm=False)))

    def leave(self, *, gamma_alarm: bool = False) -> None:
        """Its last second, and the end."""
        with self._guard:
            self._occupancies += 1
            self._line.send(b"".join(self._second(alarm=gamma_alarm)) + occupancy_end(self._occupancies, 0.25))
            self._inside = False

    def _second(self, *, alarm: bool) -> list[bytes]:
        """What is told of one second."""
        share = 6.0 if alarm else 0.9
        samples = [
            counts("GA" if alarm else "GS", tuple(round(each / SAMPLES_A_SECOND * share) for each in GAMMA_BACKGROUND))
            for _ in range(SAMPLES_A_SECOND)
        ]
        return [*samples, counts("NS", tuple(self._chance.randint(0, 1) for _ in GAMMA_BACKGROUND))]

    def _tell_background(self) -> None:
        while not self._stopped.wait(BACKGROUND_EVERY_S):
            with self._guard:
                if not self._inside:
                    self._line.send(counts("NB", (0, 1, 0, 0)) + counts("GB", GAMMA_BACKGROUND))
