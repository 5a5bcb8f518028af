"""The manual of the metrics, and the alerts on them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from collector.metrics import METRICS as COLLECTOR
from edge_agent.app.metrics import AGE
from edge_agent.app.metrics import METRICS as AGENT
from tests.metrics_manual import MANUAL, manual

ALERTS = Path(__file__).parents[3] / "docs" / "alerts"
RULES = ALERTS / "tidegate.rules.yml"
TRIAL = ALERTS / "tidegate.rules.test.yml"


def test_the_manual_is_what_is_made_from_the_code() -> None:
    assert MANUAL.read_text(encoding="utf-8") == manual(), "run: python -m tests.metrics_manual"


def test_alerts_ask_for_metrics_that_there_are() -> None:
    kinds = [*((each.name, each.kind) for each in (*AGENT, AGE)), *((each.name, each.kind) for each in COLLECTOR)]
    known = {f"{name}_total" if kind == "counter" else name for name, kind in kinds}
    asked = set(re.findall(r"tidegate_(?:edge|collector)_[a-z_]+", RULES.read_text(encoding="utf-8")))
    assert asked
    assert asked <= known


def test_every_alert_is_tried_silent_and_firing() -> None:
    rules, trial = RULES.read_text(encoding="utf-8"), TRIAL.read_text(encoding="utf-8")
    for alert in re.findall(r"- alert: (\w+)", rules):
        assert re.search(rf"alertname: {alert}\}}", trial), f"{alert} is never seen to keep quiet"
        assert re.search(rf"alertname: {alert}\n\s+exp_alerts:\n\s+- exp_labels", trial), (
            f"{alert} is never seen to fire"
        )


@pytest.mark.parametrize(
    ("command", "file"), [(("check", "rules"), RULES), (("test", "rules"), TRIAL)], ids=["check", "test"]
)
def test_promtool_accepts_the_alerts_and_they_fire_when_they_should(command: tuple[str, ...], file: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [promtool, *command, file.name], cwd=ALERTS, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
