"""Makes docs/metrics.md from the metrics as they are in the code: python -m tests.metrics_manual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from collector.metrics import DURATIONS_S
from collector.metrics import METRICS as COLLECTOR
from edge_agent.app.metrics import AGE
from edge_agent.app.metrics import METRICS as AGENT

MANUAL = Path(__file__).parents[1] / "docs" / "metrics.md"

INTRODUCTION = """\
# Metrics

Made from the code by `python -m tests.metrics_manual`; change the text there.

Both programs answer a Prometheus server over HTTP, at `/metrics`, where their configuration says so; by default
neither does. At a gate in the site file, at the collector in `collector.toml`:

```toml
[metrics]
listen = "127.0.0.1:9464"
```

There is neither encryption nor a password: listen on an address that only the Prometheus server reaches. One scrape
is answered at a time, 5 more wait, and a scraper that takes longer than 10 s is dropped.

A scrape costs the same whatever is held, and disturbs nobody: an agent shows the figures that its status thread took
last (twice a second), the collector counts what happens as it happens and reads what it holds from its database every
5 s. How old such figures are is a metric, too: figures that stand still are no good news.

Gauges and counters that are not known are absent, not 0. Counters of records go on from where the journal is; they
begin again only with a new journal. Both programs show the process' own metrics as well
(`process_resident_memory_bytes`, `process_cpu_seconds_total`, `process_open_fds` …).

Alerts: [alerts/tidegate.rules.yml](alerts/tidegate.rules.yml), tested with `promtool test rules`. In
`prometheus.yml`:

```yaml
rule_files: [/etc/prometheus/tidegate.rules.yml]
scrape_configs:
  - job_name: tidegate-edge
    static_configs: [{targets: ["gate-1:9464", "gate-2:9464"]}]
  - job_name: tidegate-collector
    static_configs: [{targets: ["localhost:9465"]}]
```

A gate that cannot be reached from the Prometheus server is watched at the collector:
`tidegate_collector_agent_last_seen_timestamp_seconds`.
"""

AGENT_HEAD = """\
## The agent

What the figures are taken from is described in [status.md](status.md).
"""

COLLECTOR_HEAD = """\
## The collector

Labels of a journal: `agent` and `site` as they were enrolled, `journal` is its origin. Journals whose key was revoked
are not shown. `code` of a call is the gRPC status, `kind` is `batch`, `live` or `job`. Buckets of the histograms,
seconds: {buckets}.

`tidegate_collector_imbalanced_journals` other than 0 is an alarm: each batch of each journal, and each dead letter,
is counted again after the start of the collector and then as it comes, and the sum is held against what the journal's
head and its receipts say. The log names the journal, and the service `""` of gRPC's health service is `NOT_SERVING`
until the collector restarts; `gate-collector audit` then finds what it is.

gRPC's health service says `NOT_SERVING` of all services while the last commit failed, and when the writer has work
and finished nothing for 45 s. In that case the collector also stops telling systemd's watchdog that it lives, and is
started again.
"""


class Described(Protocol):
    """What the tables show of a metric."""

    @property
    def name(self) -> str:
        """Without the `_total` of counters."""

    @property
    def kind(self) -> str:
        """Counter, gauge or histogram."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of its labels."""

    @property
    def help(self) -> str:
        """What it says."""


def manual() -> str:
    """The whole page."""
    buckets = ", ".join(f"{each:g}" for each in DURATIONS_S)
    head = COLLECTOR_HEAD.format(buckets=buckets)
    return "\n".join((INTRODUCTION, AGENT_HEAD, *_table((*AGENT, AGE)), "", head, *_table(COLLECTOR), ""))


def _table(metrics: Iterable[Described]) -> Iterator[str]:
    yield "| metric | kind | labels | meaning |"
    yield "|---|---|---|---|"
    for metric in metrics:
        name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{name}` | {metric.kind} | {labels} | {metric.help} |"


if __name__ == "__main__":
    MANUAL.write_text(manual(), encoding="utf-8")
