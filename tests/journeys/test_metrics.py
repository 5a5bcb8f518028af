"""Metrics of both programs, beside what gatectl and stats say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge_agent.simulate.programs import ask, wait_until
from tests.journeys.watched_gate import DEADLINE_S, WatchedGate

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("health")]

PASSAGES = 5


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedGate]:
    made = WatchedGate(tmp_path_factory.mktemp("gate"))
    with made.open():
        made.start_agent()
        for number in range(PASSAGES):
            assert made.push(f"琼A1234{number}") == 200
        made.wait_for("they are decided", lambda status: status["lanes"][0]["decided"] == PASSAGES)
        made.drained()
        yield made


def test_the_agents_figures_are_those_of_gatectl(gate: WatchedGate) -> None:
    journal = gate.drained()

    def taken() -> bool:
        """The figures are taken twice a second."""
        samples = gate.scrape(gate.agent_port)
        names = ("captured", "acknowledged")
        return all(samples[f"tidegate_edge_records_{name}_total"] == journal[name] for name in names)

    wait_until("they are taken", taken, DEADLINE_S)
    samples = gate.scrape(gate.agent_port)
    assert samples["tidegate_edge_records_acknowledged_total"] == journal["acknowledged"]
    assert samples["tidegate_edge_records_pending"] == 0
    assert samples["tidegate_edge_records_dead_lettered_total"] == journal["dead_lettered"] == 0
    assert samples["tidegate_edge_uplink_up"] == 1
    assert samples["tidegate_edge_stalled_seconds"] == 0
    assert samples["tidegate_edge_status_age_seconds"] < DEADLINE_S
    decided = [value for name, value in samples.items() if name.startswith("tidegate_edge_passages_decided_total")]
    assert sum(decided) == PASSAGES
    assert samples['tidegate_edge_device_state{device="plate-1",kind="camera",state="ok"}'] == 1
    assert samples["process_resident_memory_bytes"] > 0


def test_the_collectors_figures_are_those_of_stats(gate: WatchedGate) -> None:
    journal = gate.drained()
    stats = ask("gate-collector", "stats", "--config", gate.config)
    (held,) = stats["by_journal"]
    labels = f'{{agent="gate-1",journal="{held["origin"]}",site="xiuying"}}'
    stored = f"tidegate_collector_records_stored_total{labels}"
    wait_until(
        "its stock is taken",
        lambda: gate.scrape(gate.collector_port).get(stored) == journal["captured"],
        DEADLINE_S,
    )
    wait_until(
        "all is judged", lambda: gate.scrape(gate.collector_port)["tidegate_collector_judge_queue"] == 0, DEADLINE_S
    )
    samples = gate.scrape(gate.collector_port)
    assert samples["tidegate_collector_ledger_entries_total"] >= stats["ledger"]
    assert samples["tidegate_collector_streams"] == 1
    assert samples[f"tidegate_collector_agent_connected{labels}"] == 1
    assert samples[f"tidegate_collector_agent_last_seen_timestamp_seconds{labels}"] > 0
    assert samples["tidegate_collector_imbalanced_journals"] == 0
    assert samples["tidegate_collector_receipts_total"] > 0
    handled = [
        samples.get(f'tidegate_collector_intake_seconds_count{{kind="{kind}"}}', 0) for kind in ("batch", "live")
    ]
    assert sum(handled) > 0
    assert samples['tidegate_collector_store_seconds_count{kind="batch"}'] > 0
    assert samples["tidegate_collector_window_bytes"] == 0
    assert samples["tidegate_collector_writer_stuck_seconds"] == 0
    assert samples['tidegate_collector_rpcs_total{code="OK",method="Enrol"}'] == 1


def test_an_agent_that_goes_away_is_seen_to_have_gone(gate: WatchedGate) -> None:
    def connected() -> list[float]:
        samples = gate.scrape(gate.collector_port)
        return [value for name, value in samples.items() if name.startswith("tidegate_collector_agent_connected")]

    wait_until("it is seen to be there", lambda: connected() == [1], DEADLINE_S)
    gate.agent.stop()
    try:
        wait_until("it is seen to have gone", lambda: connected() == [0], DEADLINE_S)
        wait_until(
            "its stream is over",
            lambda: gate.scrape(gate.collector_port)["tidegate_collector_streams"] == 0,
            DEADLINE_S,
        )
    finally:
        gate.start_agent()


def test_by_default_nobody_listens_for_scrapes(gate: WatchedGate) -> None:
    gate.agent.stop()
    whole = gate.site_file.read_text(encoding="utf-8")
    try:
        gate.site_file.write_text(whole.replace(f'[metrics]\nlisten = "127.0.0.1:{gate.agent_port}"\n', ""))
        gate.start_agent()
        with pytest.raises(OSError, match="refused"):
            gate.scrape(gate.agent_port)
    finally:
        gate.agent.stop()
        gate.site_file.write_text(whole, encoding="utf-8")
        gate.start_agent()
