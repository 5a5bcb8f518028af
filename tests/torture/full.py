"""A full disk, at every level of it: records are captured to the last, pictures are given up first and it says so.

The agent's state is on a small tmpfs of its own; a file beside it fills it, level by level, while the collector is
down. With nothing free any more the collector comes back: what it acknowledges must make room. Then the filler goes,
and all must be well again by itself.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_agent.journal.reserve import default_size
from edge_agent.simulate.anpr import BOUNDARY, CameraDetails, event_body, plate_event
from edge_agent.simulate.programs import ask
from edge_agent.status.disk import RESERVE
from edge_agent.status.snapshot import read_snapshot
from gate_contract.v1.passage_pb2 import PlateRead
from gate_contract.v1.record_pb2 import Record
from tests.torture import verdict
from tests.torture.counter import Log, plate_of
from tests.torture.ends import CollectorEnd, EndError, GateEnd, quiet_ports
from tests.torture.reader import appearances
from tests.torture.stage import drain

DISK_BYTES = 24 << 20
ROOMY_BYTES = 1 << 20
"""With so much free beyond the reserve, pictures are kept."""

ALARM_AT = {80: "disk-80", 95: "disk-95"}
FULL_ALARM = "disk-full"
DISK_ALARMS = frozenset({*ALARM_AT.values(), FULL_ALARM})
LEAST_CAPTURED = 100
"""Events that the reserve must hold with nothing free beside it."""

MOST_EVENTS = 20_000
"""Far more than a disk of this size can hold."""

AT_LEVEL = 3
SOON_S = 60.0
ANSWER_S = 30.0


@dataclass(slots=True)
class FullOutcome:
    """What was captured at which level (percent -> events), in the reserve, and what is wrong."""

    captured: dict[int, int] = field(default_factory=dict)
    in_reserve: int = 0
    problems: list[str] = field(default_factory=list)


def no_mounts() -> str:
    """Why no tmpfs can be mounted here; "" when one can."""
    tried = subprocess.run(
        [*unshare(), "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"no tmpfs can be mounted here: {tried.stderr.strip()}"


def unshare() -> list[str]:
    """The command that gives a program mounts of its own; they go when it ends."""
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


class FullRun:
    """A gate on a small disk in `directory`; needs mounts of its own."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._seed, self._number, self._room = seed, 0, dict[str, int]()
        ports = quiet_ports(3, random.Random(seed))
        self._collector = CollectorEnd(directory, ports[:2])
        self._gate = GateEnd(directory / "gate", "gate-0", ports[2], None)
        self._disk = directory / "disk"
        self._disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(self._disk)], check=True)
        (self._disk / "state").mkdir(mode=0o700)
        self._gate.state_dir.symlink_to(self._disk / "state")
        self._log = Log(self._gate.counted)
        self._outcome = FullOutcome()

    def run(self, levels: Sequence[int], progress: Callable[[int], None]) -> FullOutcome:
        """Fill to each level in turn (percent), then wholly, then drain, then make room."""
        with ExitStack() as stack:
            stack.callback(subprocess.run, ["umount", "--lazy", str(self._disk)], check=False)
            for end in (self._collector, self._gate):
                stack.callback(end.end_anyhow)
            try:
                self._start()
                for done, level in enumerate(levels):
                    self._at_level(level)
                    progress(done)
                self._full()
                self._drain_while_full()
                self._make_room()
                progress(len(levels))
                for end in (self._gate, self._collector):
                    end.stop()
            except EndError as error:
                self._outcome.problems.append(str(error))
                return self._outcome
            self._outcome.problems += drain(self._collector, [self._gate], [])
        self._outcome.problems += self._judge_pictures()
        return self._outcome

    # --- the story -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._collector.start()
        self._collector.wait_ready()
        self._gate.enrol(self._collector)
        self._collector.stop()
        self._gate.start()
        self._gate.wait_ready()

    def _at_level(self, level: int) -> None:
        """Everything is captured, and the health says how full it is."""
        self._fill(level)
        alarm = next((name for percent, name in sorted(ALARM_AT.items(), reverse=True) if level >= percent), "")
        self._wait(f"the health says {alarm or 'nothing'} at {level} %", lambda: alarm in (*self._alarms(), ""))
        answers = [self._push() for _ in range(AT_LEVEL)]
        self._outcome.captured[level] = answers.count(200)
        if answers != [200] * AT_LEVEL:
            self._outcome.problems.append(f"at {level} % pushes were answered with {answers}")

    def _full(self) -> None:
        """Nothing is free: the reserve takes what comes, until it is used up; nothing ends, and the health says so."""
        self._fill(100)
        answer = 200
        while answer == 200 and self._outcome.in_reserve < MOST_EVENTS:
            answer = self._push()
            self._outcome.in_reserve += answer == 200
            if not self._outcome.in_reserve % 100:
                self._fill(100)  # what was freed meanwhile is somebody else's, too
        if self._outcome.in_reserve < LEAST_CAPTURED:
            self._outcome.problems.append(f"only {self._outcome.in_reserve} events were captured with nothing free")
        if answer != 503:
            self._outcome.problems.append(f"with the reserve used up a push was answered with {answer}, not with 503")
        self._wait(f"the health says {FULL_ALARM}", lambda: FULL_ALARM in self._alarms())

    def _drain_while_full(self) -> None:
        """What the collector has makes room, although nothing is free."""
        self._collector.start()
        self._collector.wait_ready()
        self._wait("nothing is pending", lambda: verdict.journal_of(self._gate).get("pending") == 0)
        self._wait("capture goes on", lambda: self._push() == 200)

    def _make_room(self) -> None:
        """The filler goes: no alarm of the disk, pictures are kept again."""
        self._filler.unlink()
        self._wait("the health says nothing of the disk", lambda: not self._alarms() & DISK_ALARMS)
        self._wait(
            "the reserve is held again", lambda: self._free_beyond_reserve() > ROOMY_BYTES and self._reserve.exists()
        )
        if self._push() != 200:
            self._outcome.problems.append("with room again a push was refused")

    # --- means ---------------------------------------------------------------------------------------------------

    @property
    def _filler(self) -> Path:
        return self._disk / "filler"

    def _fill(self, percent: int) -> None:
        """Let the disk be so full, by making the filler larger; 100 takes every last block."""
        disk = os.statvfs(self._disk)
        used = disk.f_blocks - disk.f_bfree
        more = max(0, disk.f_blocks * percent // 100 - used) * disk.f_frsize
        with self._filler.open("ab") as filler:
            try:
                while more > 0:
                    more -= os.write(filler.fileno(), bytes(min(more, 1 << 16)))
                while percent == 100 and os.write(filler.fileno(), bytes(4096)):
                    pass
            except OSError:
                return  # full: that was the aim

    @property
    def _reserve(self) -> Path:
        return self._gate.state_dir / RESERVE

    def _free_beyond_reserve(self) -> int:
        """Bytes that are free beside the reserve, less what the reserve would hold when whole."""
        disk = os.statvfs(self._disk)
        return disk.f_bavail * disk.f_frsize - default_size(self._gate.state_dir)

    def _push(self) -> int:
        """Push a new event; the answer's status, 0 when there was none. What is told is written down."""
        self._number += 1
        plate = plate_of(f"full/{self._seed}", self._number)
        self._room[plate] = self._free_beyond_reserve()
        details = CameraDetails(serial_number=f"full/{self._seed}")
        body = event_body(details, plate_event(details, self._number, datetime.now(UTC), plate, "blue"), 1)
        self._log.write(f"offered {self._number} {plate}")
        status = _post(self._gate.camera_url, body)
        if status == 200:
            self._log.write(f"told {self._number} {plate}")
        return status

    def _alarms(self) -> set[str]:
        """What `gatectl status` complains about."""
        status: dict[str, Any] = ask("gatectl", "--config", self._gate.site_file, "status")
        return {reason["code"] for reason in status["reasons"]}

    def _wait(self, what: str, true: Callable[[], bool]) -> None:
        end = time.monotonic() + SOON_S
        while not true():
            if self._gate.wait(0):
                raise EndError(f"the agent ended by itself, waiting for: {what}\n{self._gate.log_tail()}")
            if time.monotonic() > end:
                snapshot = read_snapshot(self._gate.directory / "run") or {}
                raise EndError(f"not within {SOON_S:g} s: {what}\n{snapshot.get('disk')}\n{self._gate.log_tail()}")
            time.sleep(0.2)

    def _judge_pictures(self) -> list[str]:
        """Pictures of what came while there was room are kept; of what came without, the record says why not."""
        held = verdict.held_of(self._gate, self._collector)
        if held is None:
            return ["the collector has no journal of the gate"]
        reads = {plate: places[0].read for plate, places in appearances(held).items()}
        told = [plate for plate in verdict.counted(self._gate, "told") if plate in reads]
        problems = [problem for plate in told for problem in _pictures(reads[plate], self._room[plate])]
        codes = {Record.FromString(body).incident.code for body in held.records}
        if not any("disk" in code or "evidence" in code for code in codes):
            problems.append(f"no incident says that pictures were given up: {sorted(filter(None, codes))}")
        return problems


def _pictures(read: PlateRead, room: int) -> list[str]:
    """What is wrong with a plate's pictures; `room` bytes were free beyond the reserve when it came."""
    which = f"{read.text}, captured with {room} bytes free beyond the reserve,"
    if not read.pictures:
        return [f"{which} has no pictures, not even by name"]
    not_kept = [picture.not_kept for picture in read.pictures if picture.not_kept]
    if room > ROOMY_BYTES and not_kept:
        return [f"{which} has lost pictures: {not_kept}"]
    if room < -ROOMY_BYTES and not not_kept:
        return [f"{which} has kept its pictures"]
    return []


def _post(url: str, body: bytes) -> int:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_S)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Connection": "close"}
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()
