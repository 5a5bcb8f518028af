"""One loaded agent as a process: captures records as fast as it can and sends them, until all are acknowledged.

Run by `benchmarks.end_to_end`. Prints one JSON line with what it measured.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import grpc

from edge_agent.app.connector import CollectorConnector
from edge_agent.clock import SystemClock
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.model.wire import stamp_of
from edge_agent.uplink.stream import RecordStream
from edge_agent.uplink.supervisor import CHANNEL_OPTIONS
from gate_contract.v1.record_pb2 import Probe, Record

RECORD_BYTES = 300
GROUP = 512
"""Records in one commit: what gathers in a few milliseconds at these rates."""


def records(count: int) -> list[bytes]:
    """Different serialised records of RECORD_BYTES bytes each."""
    stamp = stamp_of(SystemClock()())
    made = []
    for _ in range(count):
        record = Record(format=1, captured=stamp, site_id="bench", probe=Probe(payload=b""))
        record.probe.payload = os.urandom(RECORD_BYTES - record.ByteSize() - 3)
        made.append(record.SerializeToString())
    return made


def main(state_dir: Path, count: int) -> None:
    """Capture and send `count` records; half of them at most are ahead of the collector."""
    keys = AgentKeys.load(state_dir)
    clock = SystemClock()
    journal = Journal(state_dir / "journal", keys.signer)
    done = threading.Event()

    def on_receipt(size: int) -> None:
        if size >= count:
            done.set()

    stream = RecordStream(journal, keys.collector_receipts, "bench", lambda: clock().wall, on_receipt)
    connector = CollectorConnector(keys, clock)
    up = threading.Event()
    batch = records(GROUP)

    def send() -> None:
        with grpc.secure_channel(connector.address, connector.credentials(), options=CHANNEL_OPTIONS) as channel:
            stream.run(channel, on_welcome=up.set)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    if not up.wait(30):
        raise SystemExit("no welcome from the collector")
    cpu, begun = time.process_time(), time.perf_counter()
    for _ in range(0, count, GROUP):
        journal.append(batch)
        stream.wake()
    captured = time.perf_counter() - begun
    if not done.wait(300):
        raise SystemExit("not everything was acknowledged")
    elapsed = time.perf_counter() - begun
    stream.end()
    sender.join(10)
    counts = journal.counts()
    print(
        json.dumps(
            {
                "records": counts.captured,
                "acknowledged": counts.acknowledged,
                "seconds": elapsed,
                "captured_seconds": captured,
                "agent_cpu_seconds": time.process_time() - cpu,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )
    )
    journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
