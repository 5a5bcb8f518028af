"""The collector's Prometheus metrics. docs/metrics.md is made from METRICS.

What happens is counted as it happens; what is held is read from the database every few seconds in a thread of its own.
A scrape only shows those figures: it asks no database and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from collector.ledger.log import read_head
from collector.store import schema
from collector.store.alarms import count_alarms

_NS = 1_000_000_000

DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets of the histograms, seconds."""


class Family(NamedTuple):
    """One metric: name without the `_total` of counters, what it is, its labels, and what it says."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


_JOURNAL = ("agent", "site", "journal")

CALLS = Family("tidegate_collector_rpcs", "counter", ("method", "code"), "gRPC calls that have ended, by their status.")
STREAMS = Family("tidegate_collector_streams", "gauge", (), "Agents that are connected.")
RECEIVED_BYTES = Family(
    "tidegate_collector_batch_received_bytes", "counter", (), "Bytes of batches and live records that arrived."
)
EVIDENCE_BYTES = Family(
    "tidegate_collector_evidence_received_bytes", "counter", (), "Bytes of blobs (pictures, curves) that arrived."
)
EVIDENCE_SHED = Family(
    "tidegate_collector_evidence_shed", "counter", (),
    "Blobs that passages name and their gates had no room for, since the collector started; named in two revisions of "
    "a passage, one counts twice.",
)  # fmt: skip
REFUSALS = Family(
    "tidegate_collector_refusals", "counter", ("code",), "Streams that were ended with a refusal, by its code."
)
RECEIPTS = Family("tidegate_collector_receipts", "counter", (), "Receipts that were sent.")
INTAKE = Family(
    "tidegate_collector_intake_seconds", "histogram", ("kind",),
    "From the arrival of a batch or live records until they are verified and handed to the writer, or refused; the "
    "wait for room is part of it.",
)  # fmt: skip
STORE = Family(
    "tidegate_collector_store_seconds", "histogram", ("kind",),
    "From handing a batch, live records or a job to the writer until it is durable; the wait for its turn is part of "
    "it.",
)  # fmt: skip
JUDGE = Family(
    "tidegate_collector_judge_seconds", "histogram", (), "One turn of the reconciliation, those that found nothing too."
)
WINDOW = Family(
    "tidegate_collector_window_bytes", "gauge", (), "Bytes that are verified and wait for the disk, of all agents."
)
WAITING = Family("tidegate_collector_writer_waiting", "gauge", (), "Pieces of work that wait for the writer.")
OLDEST = Family(
    "tidegate_collector_writer_stuck_seconds", "gauge", (),
    "For how long work has waited for the writer while it finished nothing; 0 when nothing waits.",
)  # fmt: skip
FAILING = Family(
    "tidegate_collector_writer_failing", "gauge", (), "1 while the last commit failed: disk full, database locked."
)
LOOKED = Family(
    "tidegate_collector_stock_age_seconds", "gauge", (),
    "How old the figures below are that are read from the database; absent before they were read.",
)  # fmt: skip
IMBALANCED = Family(
    "tidegate_collector_imbalanced_journals", "gauge", (),
    "Journals whose batches or dead letters were counted and do not add up to what is told of them.",
)  # fmt: skip
JUDGE_QUEUE = Family("tidegate_collector_judge_queue", "gauge", (), "Passages that wait to be judged.")
OPEN_CASES = Family("tidegate_collector_open_cases", "gauge", (), "Cases that wait for a decision.")
OVERDUE_CASES = Family(
    "tidegate_collector_overdue_cases", "gauge", (), "Of them, those of which a deadline has gone by."
)
QUARANTINED = Family(
    "tidegate_collector_quarantined", "counter", (), "Batches and live records that were quarantined, ever."
)
ALARMS = Family(
    "tidegate_collector_alarms", "counter", (),
    "Alarms that were kept, ever; `gate-collector alarms` lists them. Readings of personal data are not counted.",
)  # fmt: skip
LEDGER = Family("tidegate_collector_ledger_entries", "counter", (), "Entries of the ledger.")
SEEN = Family(
    "tidegate_collector_agent_last_seen_timestamp_seconds", "gauge", _JOURNAL,
    "When the machine last said hello or sent something; absent when it never came.",
)  # fmt: skip
CONNECTED = Family(
    "tidegate_collector_agent_connected", "gauge", _JOURNAL,
    "1 while the machine has a stream open, also when it has nothing to say.",
)  # fmt: skip
STORED = Family("tidegate_collector_records_stored", "counter", _JOURNAL, "Records that are durable here.")
DEAD = Family(
    "tidegate_collector_records_dead_lettered", "counter", _JOURNAL,
    "Of them, those that were verified and not understood, or whose bytes the gate has lost.",
)  # fmt: skip

METRICS: tuple[Family, ...] = (
    CALLS, STREAMS, RECEIVED_BYTES, EVIDENCE_BYTES, EVIDENCE_SHED, REFUSALS, RECEIPTS, INTAKE, STORE, JUDGE, WINDOW,
    WAITING, OLDEST, FAILING, LOOKED, IMBALANCED, JUDGE_QUEUE, OPEN_CASES, OVERDUE_CASES, QUARANTINED, ALARMS,
    LEDGER, CONNECTED, SEEN, STORED, DEAD,
)  # fmt: skip
"""All of them, in the order of the manual."""

HELD: tuple[Family, ...] = (
    LOOKED, IMBALANCED, JUDGE_QUEUE, OPEN_CASES, OVERDUE_CASES, QUARANTINED, ALARMS, LEDGER, CONNECTED, SEEN, STORED,
    DEAD,
)  # fmt: skip
"""Those of them that are read from the database."""


class Metrics:
    """What is counted as it happens; safe to use from all threads."""

    def __init__(self) -> None:
        """In a registry of its own."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.calls = self._counter(CALLS)
        self.streams = Gauge(STREAMS.name, STREAMS.help, registry=self.registry)
        self.received_bytes = self._counter(RECEIVED_BYTES)
        self.evidence_bytes = self._counter(EVIDENCE_BYTES)
        self.evidence_shed = self._counter(EVIDENCE_SHED)
        self.refusals = self._counter(REFUSALS)
        self.receipts = self._counter(RECEIPTS)
        self.intake = self._histogram(INTAKE)
        self.store = self._histogram(STORE)
        self.judge = self._histogram(JUDGE)
        self.window_bytes = Gauge(WINDOW.name, WINDOW.help, registry=self.registry)
        self.connected: dict[str, int] = {}
        """Open streams by origin; written by the event loop alone."""

    def show(self, family: Family, value: Callable[[], float]) -> None:
        """A gauge without labels whose value is asked for at each scrape; it must answer at once."""
        Gauge(family.name, family.help, registry=self.registry).set_function(value)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.help, family.labels, registry=self.registry)

    def _histogram(self, family: Family) -> Histogram:
        return Histogram(family.name, family.help, family.labels, buckets=DURATIONS_S, registry=self.registry)


class JournalStock(NamedTuple):
    """What is held of one journal; `last_seen_ns` is Unix nanoseconds, None when its machine never came."""

    agent_id: str
    site_id: str
    origin: str
    size: int
    dead_lettered: int
    last_seen_ns: int | None


@dataclass(frozen=True, slots=True)
class Stock:
    """What is held, from one moment, and when that was on a clock that nobody sets, seconds."""

    judge_queue: int
    open_cases: int
    overdue_cases: int
    quarantined: int
    alarms: int
    ledger: int
    imbalanced: int
    journals: Sequence[JournalStock]
    looked_s: float


def take_stock(connection: Connection, imbalanced: int, now_s: float) -> Stock:
    """Look in the caller's read transaction. What is counted row by row is small: queues, and what was refused."""
    table = schema.journals.c
    columns = (table.agent_id, table.site_id, table.origin, table.size, table.dead_lettered, table.last_seen_ns)
    waiting = select(func.count()).select_from(schema.to_judge)
    quarantined = select(func.count()).select_from(schema.quarantine)
    is_open = schema.cases.c.state == "open"
    cases = select(func.count(), func.count().filter(schema.cases.c.level > 0)).where(is_open)
    open_cases, overdue_cases = connection.execute(cases).one()
    return Stock(
        judge_queue=connection.scalars(waiting).one(),
        open_cases=open_cases,
        overdue_cases=overdue_cases,
        quarantined=connection.scalars(quarantined).one(),
        alarms=count_alarms(connection),
        ledger=read_head(connection).frontier.size,
        imbalanced=imbalanced,
        journals=[JournalStock(*row) for row in connection.execute(select(*columns).where(table.revoked_ns.is_(None)))],
        looked_s=now_s,
    )


class StockCollector(Collector):
    """Shows the last Stock."""

    def __init__(self, now_s: Callable[[], float], connected: Mapping[str, int]) -> None:
        """`now_s` is the clock of Stock.looked_s, `connected` are open streams by origin."""
        self._now_s, self._connected = now_s, connected
        self.stock: Stock | None = None

    def describe(self) -> list[Metric]:
        """What may come: so that registering asks for nothing."""
        return [_metric(each) for each in HELD]

    def collect(self) -> Iterator[Metric]:
        """The figures; none before the first look."""
        stock = self.stock
        if stock is None:
            return
        yield _metric(LOOKED, self._now_s() - stock.looked_s)
        yield _metric(IMBALANCED, stock.imbalanced)
        yield _metric(JUDGE_QUEUE, stock.judge_queue)
        yield _metric(OPEN_CASES, stock.open_cases)
        yield _metric(OVERDUE_CASES, stock.overdue_cases)
        yield _metric(QUARANTINED, stock.quarantined)
        yield _metric(ALARMS, stock.alarms)
        yield _metric(LEDGER, stock.ledger)
        connected, seen, stored, dead = _metric(CONNECTED), _metric(SEEN), _metric(STORED), _metric(DEAD)
        for journal in stock.journals:
            labels = (journal.agent_id, journal.site_id, journal.origin)
            connected.add_metric(labels, float(journal.origin in self._connected))
            if journal.last_seen_ns is not None:
                seen.add_metric(labels, journal.last_seen_ns / _NS)
            stored.add_metric(labels, journal.size)
            dead.add_metric(labels, journal.dead_lettered)
        yield from (connected, seen, stored, dead)


def _metric(family: Family, value: float | None = None) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    if value is not None:
        metric.add_metric((), value)
    return metric
