"""Live before backlog: from the capture of a new passage to the collector's verdict, while a backlog drains.

    python -m benchmarks.live [--waiting 1000000] [--limit 2000] [--passages 300] [--every 0.1]

An agent was cut off and has records waiting, every twentieth a passage. It comes back with its uplink limited, and goes
on capturing passages, each in a commit of its own. Capture is the moment before the append; the verdict counts when
another process can read it from the collector's database. Then, without a limit, how fast a backlog of records without
meaning drains: what the two ends and the line take, without the judging.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc

from benchmarks.end_to_end import collector_in, enrolled_agent
from benchmarks.load import GROUP, RECORD_BYTES, records
from benchmarks.report import ms, table
from edge_agent.app.connector import CollectorConnector
from edge_agent.clock import SystemClock
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.model.wire import stamp_of
from edge_agent.simulate.programs import ask, run_command, running, wait_until
from edge_agent.uplink.stream import RecordStream
from edge_agent.uplink.supervisor import CHANNEL_OPTIONS
from gate_contract.v1.passage_pb2 import WEIGHT_KIND_GROSS, Passage, PlateRead, Weighing
from gate_contract.v1.record_pb2 import Record

WAITING = 1_000_000
LIMIT = 2000
PASSAGES = 300
EVERY_S = 0.1
PASSAGE_EVERY = 20
"""One record in so many of the backlog is a passage: the collector has those to judge, too."""

PATIENCE_S = 60.0


def passage(passage_id: str) -> bytes:
    """A passage's record."""
    now = stamp_of(SystemClock()())
    body = Passage(
        passage_id=passage_id,
        revision=1,
        lane_id="bench-1",
        opened=now,
        decided=now,
        plates=[PlateRead(device_id="plate-1", text="粤B00077", confidence=0.9)],
        weighings=[Weighing(device_id="scale-1", kilograms="20000", kind=WEIGHT_KIND_GROSS)],
    )
    return Record(format=1, captured=now, site_id="bench", passage=body).SerializeToString()


def agent(state_dir: Path, waiting: int, limit: int, passages: int, every_s: float, others: int) -> None:
    """The agent's part, in a process of its own. Prints one JSON line.

    `limit` 0 is none, and no passage is in the backlog; `passages` 0 waits until the backlog has drained. `others`
    records without meaning are captured with each passage.
    """
    keys, clock = AgentKeys.load(state_dir), SystemClock()
    journal = Journal(state_dir / "journal", keys.signer)
    probes = records(GROUP)
    while journal.size < waiting:
        first = journal.size
        for offset in range(0, GROUP if limit else 0, PASSAGE_EVERY):
            probes[offset] = passage(f"old-{first + offset}")
        journal.append(probes)
    answered: list[tuple[float, int]] = []
    done = threading.Event()

    def on_receipt(size: int) -> None:
        answered.append((time.monotonic(), size))
        if size >= waiting:
            done.set()

    stream = RecordStream(
        journal, keys.collector_receipts, "bench", lambda: clock().wall, on_receipt, max_records_per_s=limit or None
    )
    connector = CollectorConnector(keys, clock)
    up = threading.Event()

    def send() -> None:
        with grpc.secure_channel(connector.address, connector.credentials(), options=CHANNEL_OPTIONS) as channel:
            stream.run(channel, on_welcome=up.set)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    if not up.wait(30):
        raise SystemExit("no welcome from the collector")
    begun = time.monotonic()
    captured = capture(journal, stream, begun, (passages, every_s, others))
    if not passages and not done.wait(600):
        raise SystemExit("the backlog has not drained")
    elapsed = time.monotonic() - begun
    drained = answered[-1][1] if answered else 0
    print(json.dumps({"captured": captured, "drained": drained, "seconds": elapsed}), flush=True)
    sys.stdin.readline()
    stream.end()
    sender.join(10)
    journal.close()


def capture(journal: Journal, stream: RecordStream, begun: float, load: tuple[int, float, int]) -> dict[str, float]:
    """Capture passages, one each so many seconds, with so many other records each; when each was due."""
    passages, every_s, others = load
    probes = records(GROUP)
    captured: dict[str, float] = {}
    while len(captured) < passages:
        # A passage is captured when it is due, whether or not the disk is done with those before: what is due then
        # shares a commit.
        due = min(passages, int((time.monotonic() - begun) / every_s) + 1)
        numbers = range(len(captured), due)
        if not numbers:
            time.sleep(every_s / 4)
            continue
        captured |= {f"new-{number}": begun + number * every_s for number in numbers}
        stream.live(journal.append([passage(f"new-{number}") for number in numbers]), len(numbers))
        if others:
            journal.append(probes[: others * len(numbers)])
            stream.wake()
    return captured


def verdicts(database: Path, wanted: int, until: float) -> dict[str, float]:
    """When each new passage's verdict could be read, by CLOCK_MONOTONIC."""
    seen: dict[str, float] = {}
    last = 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        while len(seen) < wanted and time.monotonic() < until:
            rows = connection.execute("SELECT rowid, passage_id FROM verdicts WHERE rowid > ?", (last,)).fetchall()
            now = time.monotonic()
            for row, passage_id in rows:
                last = row
                if passage_id.startswith("new-"):
                    seen.setdefault(passage_id, now)
            time.sleep(0.005)
    return seen


def measure(
    waiting: int = WAITING, limit: int = LIMIT, passages: int = PASSAGES, every_s: float = EVERY_S, others: int = 0
) -> dict[str, Any]:
    """One run; latencies in seconds, rates in records a second."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as temporary:
        directory = Path(temporary)
        collector, config = collector_in(directory)
        with running(collector):
            collector.start()
            wait_until("the collector serves", lambda: "serving" in collector.log_tail())
            state = enrolled_agent(directory, config)
            numbers = [str(each) for each in (waiting, limit, passages, every_s, others)]
            command = [sys.executable, "-m", "benchmarks.live", "--agent", str(state), *numbers]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
                # Filling the journal takes some 15 µs a record; the passages are looked for from the first one on.
                until = time.monotonic() + waiting * 100e-6 + passages * every_s + PATIENCE_S
                seen = verdicts(directory / "collector" / "collector.db", passages, until)
                told, _ = child.communicate("\n")
            if child.returncode:
                raise SystemExit(f"the agent failed\n{collector.log_tail()}")
            stats = ask("gate-collector", "stats", "--config", config)
            if stats["quarantined"]:
                raise SystemExit(f"something was refused: {stats}\n{collector.log_tail()}")
            if not passages:
                run_command("gate-collector", "audit", "--config", config)
    story = json.loads(told)
    result: dict[str, Any] = {"drained": story["drained"], "seconds": story["seconds"]}
    result["records_per_second"] = story["drained"] / story["seconds"]
    if passages:
        latencies = sorted(seen.get(name, float("inf")) - at for name, at in story["captured"].items())
        result |= {f"p{share}": latencies[len(latencies) * share // 100] for share in (50, 95, 99)}
    return result


def main() -> None:
    """Both runs; prints tables."""
    if sys.argv[1:2] == ["--agent"]:
        waiting, limit, passages = (int(each) for each in sys.argv[3:6])
        agent(Path(sys.argv[2]), waiting, limit, passages, float(sys.argv[6]), int(sys.argv[7]))
        return
    parser = argparse.ArgumentParser(description="from capture to verdict while a backlog drains")
    parser.add_argument("--waiting", type=int, default=WAITING, help="records that wait at the start")
    parser.add_argument("--limit", type=int, default=LIMIT, help="records a second of the uplink")
    parser.add_argument("--passages", type=int, default=PASSAGES, help="new passages")
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between them")
    asked = parser.parse_args()
    limited = measure(asked.waiting, asked.limit, asked.passages, asked.every)
    free = measure(asked.waiting, 0, 0)
    print(f"{asked.waiting:,} records of {RECORD_BYTES} bytes wait at the gate, one in {PASSAGE_EVERY} a passage. With")
    print(f"the uplink limited, {asked.passages} new passages come, one every {asked.every:g} s, and go ahead of them.")
    print("Without a limit and without passages the two ends and the line say how fast it drains.\n")
    latencies = (ms(limited[f"p{share}"]) for share in (50, 95, 99))
    print(
        table(
            ("uplink", "drained, records a second", "capture to verdict p50, ms", "p95, ms", "p99, ms"),
            (
                (f"{asked.limit:,} records a second", f"{limited['records_per_second']:,.0f}", *latencies),
                ("not limited", f"{free['records_per_second']:,.0f}", "", "", ""),
            ),
        )
    )


if __name__ == "__main__":
    main()
