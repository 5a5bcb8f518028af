"""The independent counter: a plate camera that writes down, synced, what it was told is captured.

A process of its own that shares nothing with the programs under test but the bytes it posts. Each line of its log is
`offered NUMBER PLATE` (before the first post of an event) or `told NUMBER PLATE` (after a 200). An event is posted
until it is answered with 200; only then comes the next one, so the order of the log is the order of the events.

    python -m tests.torture.counter --url http://127.0.0.1:8081/push/plate-1 --log told.txt --seed 7
"""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import UTC, datetime
from hashlib import shake_256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import click

from edge_agent.simulate.anpr import BOUNDARY, CameraDetails, event_body, plate_event

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
REPEATS = 0.1
"""Share of the events that are posted once more after they were answered, as cameras do that lost the answer."""

ANSWER_WITHIN_S = 10.0
RETRY_S = 0.1


def plate_of(seed: str, number: int) -> str:
    """The plate of an event: no two of one counter are alike, let alone equal (34^6 of them)."""
    digits = shake_256(f"{seed}/{number}".encode()).digest(6)
    return "粤" + "".join(LETTERS[digit % len(LETTERS)] for digit in digits)


class Log:
    """Lines that are on disk when `write` has returned."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def write(self, line: str) -> None:
        """Append a line, synced."""
        self._file.write(line + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class Counter:
    """The camera."""

    def __init__(self, url: str, log: Log, seed: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._log, self._seed = log, seed
        self._random = random.Random(seed)
        self._details = CameraDetails(serial_number=seed)
        self.stopping = False

    def run(self, every_s: float) -> None:
        """Post events, with pauses of `every_s` seconds in the mean, until told to stop; the last one is told, too."""
        number = 0
        while not self.stopping:
            number += 1
            self._event(number)
            time.sleep(self._random.expovariate(1 / every_s))

    def _event(self, number: int) -> None:
        plate = plate_of(self._seed, number)
        event = plate_event(self._details, number, datetime.now(UTC), plate, "blue")
        self._log.write(f"offered {number} {plate}")
        posts = 1
        while not self._post(event_body(self._details, event, posts)):
            posts += 1
            time.sleep(RETRY_S)
        self._log.write(f"told {number} {plate}")
        if self._random.random() < REPEATS:
            self._post(event_body(self._details, event, posts + 1))

    def _post(self, body: bytes) -> bool:
        connection = HTTPConnection(self._host, self._port, timeout=ANSWER_WITHIN_S)
        try:
            headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Connection": "close"}
            connection.request("POST", self._path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            return False
        else:
            return answer.status == 200
        finally:
            connection.close()


@click.command()
@click.option("--url", required=True)
@click.option("--log", "log_file", type=click.Path(path_type=Path), required=True)
@click.option("--seed", required=True)
@click.option("--every", "every_s", default=0.1, show_default=True, help="Mean pause between two events, seconds.")
def main(url: str, log_file: Path, seed: str, every_s: float) -> None:
    """Post plate events and write down which were answered with 200; SIGTERM ends it after the event in hand."""
    counter = Counter(url, Log(log_file), seed)

    def stop(_number: int, _frame: FrameType | None) -> None:
        counter.stopping = True

    signal.signal(signal.SIGTERM, stop)
    counter.run(every_s)


if __name__ == "__main__":
    main()
