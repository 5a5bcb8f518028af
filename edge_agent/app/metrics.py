"""The agent's status as Prometheus metrics. docs/metrics.md is made from METRICS.

A scrape looks at the last snapshot of the status thread and at nothing else: it opens no file, asks no database, takes
no lock that capture needs, and costs the same whatever the journal holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SECOND = 1_000_000_000

Value = int | float | bool | None
Sample = tuple[tuple[str, ...], Value]


class Family(NamedTuple):
    """One metric: name without the `_total` of counters, what it is, its labels, and what it says."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    help: str
    samples: Callable[[dict[str, Any]], Iterator[Sample]]


def _one(*path: str, scale: float = 1) -> Callable[[dict[str, Any]], Iterator[Sample]]:
    """The value at a place in the snapshot, if it is known."""

    def samples(snapshot: dict[str, Any]) -> Iterator[Sample]:
        value: Any = snapshot
        for key in path:
            value = value[key]
        if value is not None:
            yield (), value if scale == 1 else value / scale

    return samples


def _info(snapshot: dict[str, Any]) -> Iterator[Sample]:
    yield (snapshot["version"], snapshot["site"], snapshot["origin"]), 1


def _device_states(snapshot: dict[str, Any]) -> Iterator[Sample]:
    for device in snapshot["devices"]:
        for state in snapshot["device_states"]:
            yield (device["id"], device["kind"], state), device["state"] == state


def _device_ages(snapshot: dict[str, Any]) -> Iterator[Sample]:
    for device in snapshot["devices"]:
        if device["age_s"] is not None:
            yield (device["id"], device["kind"]), device["age_s"]


def _decided(snapshot: dict[str, Any]) -> Iterator[Sample]:
    for lane in snapshot["lanes"]:
        for action, count in lane["decided_by_action"].items():
            yield (lane["id"], action), count


def _sent(snapshot: dict[str, Any]) -> Iterator[Sample]:
    for kind, count in snapshot["uplink"]["sent_bytes"].items():
        yield (kind,), count


def _reasons(snapshot: dict[str, Any]) -> Iterator[Sample]:
    for reason in dict.fromkeys(snapshot["reasons"]):
        yield (reason,), 1


METRICS: tuple[Family, ...] = (
    Family("tidegate_edge_info", "gauge", ("version", "site", "origin"), "1, with what this agent is.", _info),
    Family(
        "tidegate_edge_started_timestamp_seconds", "gauge", (),
        "When the agent started, by its wall clock.", _one("started_unix_ns", scale=SECOND),
    ),
    Family(
        "tidegate_edge_health_level", "gauge", (),
        "0 healthy, 1 degraded, as gatectl says. An agent that is down answers no scrape.", _one("level"),
    ),
    Family("tidegate_edge_health_red", "gauge", (), "1 when gatectl is red (docs/status.md).", _one("red")),
    Family(
        "tidegate_edge_health_reason", "gauge", ("code",),
        "1 for each reason of docs/status.md that holds now.", _reasons,
    ),
    Family(
        "tidegate_edge_records_captured", "counter", (),
        "Records captured since the journal was made.", _one("journal", "captured"),
    ),
    Family(
        "tidegate_edge_records_acknowledged", "counter", (),
        "Records durable at the collector and understood there, by its receipts.", _one("journal", "acknowledged"),
    ),
    Family(
        "tidegate_edge_records_dead_lettered", "counter", (),
        "Records durable at the collector and not understood there, or lost at this gate.",
        _one("journal", "dead_lettered"),
    ),
    Family(
        "tidegate_edge_records_pending", "gauge", (),
        "Records that no receipt covers yet.", _one("journal", "pending"),
    ),
    Family(
        "tidegate_edge_journal_imbalanced", "gauge", (),
        "1 when captured = acknowledged + pending + dead-lettered was found broken, or what is there is not what was "
        "captured (docs/status.md). It stays until the agent restarts.", _one("journal", "imbalanced"),
    ),
    Family(
        "tidegate_edge_oldest_pending_age_seconds", "gauge", (),
        "How long the oldest pending record waits; absent when none does.", _one("journal", "oldest_pending_age_s"),
    ),
    Family(
        "tidegate_edge_last_receipt_age_seconds", "gauge", (),
        "Since the newest receipt came; absent until one came to this agent since its start.",
        _one("journal", "last_receipt_age_s"),
    ),
    Family(
        "tidegate_edge_stalled_seconds", "gauge", (),
        "For how long records have waited without a receipt, suspension not counted; 0 when one has just come or "
        "nothing waits.", _one("uplink", "stalled_s"),
    ),
    Family(
        "tidegate_edge_uplink_up", "gauge", (),
        "1 while the collector takes records from this agent.", _one("uplink", "connected"),
    ),
    Family(
        "tidegate_edge_uplink_records_per_second", "gauge", (),
        "Records acknowledged a second, the mean of the last ten seconds.", _one("uplink", "records_per_s"),
    ),
    Family(
        "tidegate_edge_uplink_sent_bytes", "counter", ("kind",),
        "Bytes that went up since the agent started, by what they are (batches, live, evidence); what is sent again "
        "counts again, what TLS and gRPC add does not.", _sent,
    ),
    Family(
        "tidegate_edge_live_waiting", "gauge", (),
        "Passages that go ahead of a backlog and are not known to be at the collector.",
        _one("uplink", "live_waiting"),
    ),
    Family(
        "tidegate_edge_collector_behind", "gauge", (),
        "Records that the collector gave a receipt for and lost since: it was restored from an old backup, and gets "
        "them again.", _one("uplink", "collector_behind"),
    ),
    Family(
        "tidegate_edge_evidence_waiting", "gauge", (),
        "Blobs (pictures, curves) that are to be delivered; 1000 also stands for more.", _one("evidence", "waiting"),
    ),
    Family(
        "tidegate_edge_evidence_kept_bytes", "counter", (),
        "Bytes of blobs kept since the agent started.", _one("evidence", "kept_bytes"),
    ),
    Family(
        "tidegate_edge_evidence_shed", "counter", (),
        "Blobs that were given up because the disk was full, since the agent started. Their records keep the hash and "
        "say why.", _one("evidence", "shed"),
    ),
    Family(
        "tidegate_edge_disk_used_bytes", "gauge", (),
        "Used on the journal's disk, by everything and with the reserve.", _one("disk", "used_bytes"),
    ),
    Family(
        "tidegate_edge_disk_free_bytes", "gauge", (),
        "Free for the agent on the journal's disk, without the reserve.", _one("disk", "free_bytes"),
    ),
    Family(
        "tidegate_edge_disk_reserve_bytes", "gauge", (),
        "Held back for the journal for when the disk is full.", _one("disk", "reserve_bytes"),
    ),
    Family(
        "tidegate_edge_disk_level_percent", "gauge", (),
        "The highest level reached: 0, 80 (will be full), 95 (pictures are given up), 100 (nothing can be captured).",
        _one("disk", "level"),
    ),
    Family(
        "tidegate_edge_device_state", "gauge", ("device", "kind", "state"),
        "1 for the state that the device is in, 0 for the others.", _device_states,
    ),
    Family(
        "tidegate_edge_device_last_reading_age_seconds", "gauge", ("device", "kind"),
        "Since the device's last reading; absent until there was one.", _device_ages,
    ),
    Family(
        "tidegate_edge_passages_decided", "counter", ("lane", "action"),
        "Decisions recorded since the agent started, each revision counted.", _decided,
    ),
    Family(
        "tidegate_edge_incidents_open", "gauge", (),
        "Incidents that have begun and not ended.", _one("incidents_open"),
    ),
    Family(
        "tidegate_edge_clock_synchronised", "gauge", (),
        "1 when the kernel says that its clock is disciplined.", _one("clock", "synchronised"),
    ),
    Family(
        "tidegate_edge_clock_error_bound_seconds", "gauge", (),
        "Bound on the wall clock's error; absent when not synchronised.",
        _one("clock", "error_bound_ns", scale=SECOND),
    ),
    Family(
        "tidegate_edge_clock_wrong", "gauge", (),
        "1 when the wall clock is before this machine's certificate begins.", _one("clock", "before_certificate"),
    ),
    Family(
        "tidegate_edge_certificate_ends_timestamp_seconds", "gauge", (),
        "When the client certificate ends.", _one("certificate", "ends_unix_ns", scale=SECOND),
    ),
    Family(
        "tidegate_edge_reference_declarations", "gauge", (),
        "Declarations known at this gate.", _one("reference", "declarations"),
    ),
    Family(
        "tidegate_edge_reference_age_seconds", "gauge", (),
        "Since they were last known to be complete; absent when they never were.", _one("reference", "age_s"),
    ),
)  # fmt: skip
"""All of them but AGE, in the order of the manual."""

AGE = Family(
    "tidegate_edge_status_age_seconds", "gauge", (),
    "How old all these figures are. They are taken twice a second: more than a few seconds mean that the agent hangs.",
    lambda _: iter(()),
)  # fmt: skip


class SnapshotCollector(Collector):
    """Turns the last snapshot into metrics."""

    def __init__(self, age_s: Callable[[int], float]) -> None:
        """`age_s` gives the seconds since a `written_awake_ns`."""
        self._age_s = age_s
        self._snapshot: dict[str, Any] | None = None

    def show(self, snapshot: dict[str, Any]) -> None:
        """From now on this is what a scrape gets; it must not be changed afterwards."""
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        """What may come: so that registering asks for nothing."""
        return [_empty(family) for family in (*METRICS, AGE)]

    def collect(self) -> Iterator[Metric]:
        """The metrics; none before the first snapshot."""
        snapshot = self._snapshot
        if snapshot is None:
            return
        for family in METRICS:
            metric = _empty(family)
            for labels, value in family.samples(snapshot):
                metric.add_metric(labels, float(value or 0))
            yield metric
        age = _empty(AGE)
        age.add_metric((), self._age_s(snapshot["written_awake_ns"]))
        yield age


def _empty(family: Family) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return kind(family.name, family.help, labels=family.labels)
