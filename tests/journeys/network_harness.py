"""A collector and gates with one camera each, all real programs, with any network between them."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, wait_until
from gate_contract.v1.record_pb2 import Probe, Record
from tests.journeys.gate_program import EVENT, CollectorProgram, numbers

DEADLINE_S = 60.0

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"
{collector}
[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]
late = "0 s"
"""

BOUNDARY = b"tidegate-test"


class Collector(CollectorProgram):
    """`gate-collector serve`; may be stopped and started again."""

    def __init__(self, directory: Path, host: str = "127.0.0.1", within: tuple[str, ...] = ()) -> None:
        """`host` is where it listens for agents; `within` is a command that the program is started by."""
        super().__init__(directory, host)
        self.program._command[:0] = within

    def stats(self) -> dict[str, Any]:
        """`gate-collector stats`."""
        answer: dict[str, Any] = ask("gate-collector", "stats", "--config", self.config)
        return answer

    def judged(self, origin: str) -> set[str]:
        """Plates of this journal's passages that have a verdict."""
        query = (
            "SELECT DISTINCT p.plate FROM passages p JOIN verdicts v USING (passage_id) "
            "JOIN journals j ON j.journal_id = p.journal_id WHERE j.origin = ?"
        )
        with closing(sqlite3.connect(f"file:{self.directory}/collector/collector.db?mode=ro", uri=True)) as database:
            return {plate for (plate,) in database.execute(query, (origin,))}

    def held(self, origin: str) -> int:
        """Records of this journal that are durable."""
        with closing(sqlite3.connect(f"file:{self.directory}/collector/collector.db?mode=ro", uri=True)) as database:
            row = database.execute("SELECT size FROM journals WHERE origin = ?", (origin,)).fetchone()
        return 0 if row is None else int(row[0])

    def audit(self) -> None:
        """Everything stored holds, or this fails."""
        run_command("gate-collector", "audit", "--config", self.config)


class Gate:
    """An enrolled gate that reaches its collector over `address`."""

    def __init__(
        self,
        directory: Path,
        collector: Collector,
        address: str,
        *,
        max_records_per_s: int | None = None,
    ) -> None:
        directory.mkdir(parents=True)
        (self._http,) = free_ports(1)
        self.directory, self.collector = directory, collector
        self.site_file = directory / "site.toml"
        self.limit(max_records_per_s)
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)
        name, invitation = f"gate-{next(numbers)}", directory / "invitation.json"
        invite = ("gate-collector", "agents", "invite", name, "--site", "xiuying", "--config", collector.config)
        run_command(*invite, "-o", invitation)
        run_command("edge-agent", "enrol", "--invite", invitation, "--config", self.site_file)
        identity = directory / "state" / "keys" / "identity.json"
        identity.write_text(json.dumps(json.loads(identity.read_text()) | {"uplink_address": address}))
        self.keys = AgentKeys.load(directory / "state")
        self.origin = self.keys.identity.origin

    def limit(self, max_records_per_s: int | None) -> None:
        """Write the site file so; before `start`."""
        limit = "" if max_records_per_s is None else f"\n[collector]\nmax_records_per_s = {max_records_per_s}\n"
        self.site_file.write_text(SITE_FILE.format(http=self._http, collector=limit), encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it listens for its camera."""
        self.agent.start()
        wait_until("the agent listens", self._answers)

    def fill(self, records: int, commit: int = 200) -> None:
        """As if it had captured so many records, of 300 bytes, while it was cut off; before `start`."""
        journal = Journal(self.directory / "state" / "journal", self.keys.signer)
        try:
            for _ in range(0, records, commit):
                probes = [
                    Record(format=1, site_id="xiuying", probe=Probe(payload=os.urandom(280))) for _ in range(commit)
                ]
                journal.append([probe.SerializeToString() for probe in probes])
        finally:
            journal.close()

    def push(self, plate: str, photo: bytes = b"") -> None:
        """A vehicle with this plate comes by; returns when the camera was told that it is captured."""
        event = EVENT.format(plate=plate, number=next(numbers)).encode()
        body, kind = event, "application/xml"
        if photo:
            parts = ((b"anpr.xml", b"application/xml", event), (b"picture.jpg", b"image/jpeg", photo))
            body = b"".join(
                b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n'
                b"Content-Length: %d\r\n\r\n%s\r\n" % (BOUNDARY, name, name, part_kind, len(data), data)
                for name, part_kind, data in parts
            )
            body += b"--%s--\r\n" % BOUNDARY
            kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
        url = f"http://127.0.0.1:{self._http}/push/plate-1"
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method="POST")
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            assert answer.status == 200

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""
        answer: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return answer

    def judged_after(self, plate: str, photo: bytes = b"") -> float:
        """Seconds from a vehicle's coming by to its verdict at the collector."""
        begun = time.monotonic()
        self.push(plate, photo)
        until(f"{plate} is judged", lambda: plate in self.collector.judged(self.origin))
        return time.monotonic() - begun

    def settle(self) -> None:
        """Wait until the collector has everything, and has it once."""

        def settled() -> bool:
            # All from one answer: the agent may write a record of its own at any moment.
            journal = self.status()["journal"]
            taken = journal["acknowledged"] + journal["dead_lettered"]
            return bool(journal["pending"] == 0 and self.collector.held(self.origin) == journal["captured"] == taken)

        until("everything is acknowledged, and is there once", settled, 0.3)

    def resident_mb(self) -> float:
        """Memory of its agent now."""
        pages = int(Path(f"/proc/{self.agent.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http}/", timeout=1):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False


def _probe() -> bytes:
    return Record(format=1, site_id="xiuying", probe=Probe(payload=os.urandom(280))).SerializeToString()


def picture(size: int) -> bytes:
    """What a camera takes, as far as anybody looks; none is like another."""
    return b"\xff\xd8\xff\xe0" + os.urandom(size - 6) + b"\xff\xd9"


def plate(number: int) -> str:
    """Plates that no camera takes for one another."""
    return "琼" + "ABCDEFGHJK"[number % 10] + sha256(b"%d" % number).hexdigest()[:5].upper()


def until(what: str, true: Callable[[], bool], every_s: float = 0.02) -> None:
    """Ask until it is true; fails after DEADLINE_S."""
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(every_s)
