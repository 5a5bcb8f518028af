"""gatectl on a machine whose agent does not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.gatectl_harness import ENGLISH, GATECTL

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("gatectl")]


def test_a_machine_whose_agent_never_ran_is_down_and_says_what_to_do(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[agent]\nstate_dir = "state"\nruntime_dir = "run"\n')
    ask = [GATECTL, "--config", str(site)]
    done = subprocess.run([*ask, "status"], capture_output=True, text=True, check=False, env={**os.environ, **ENGLISH})
    assert done.returncode == 2
    assert "systemctl start edge-agent" in done.stdout
    shown = json.loads(subprocess.run([*ask, "status", "--json"], capture_output=True, check=False).stdout)
    assert (shown["level"], shown["journal"], shown["devices"]) == ("down", None, [])
    done = subprocess.run([*ask, "tail"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gatectl: there is no journal in ")


def test_help_needs_no_site_file(tmp_path: Path) -> None:
    asked = [GATECTL, "--config", str(tmp_path / "x.toml"), "why", "--help"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.startswith("Usage: gatectl why")


def test_a_site_file_that_is_not_there_is_one_paragraph_and_exit_code_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [GATECTL, "--config", str(tmp_path / "x.toml"), "status"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    why = "No such file or directory. name it with --config FILE"
    assert done.stderr == f"gatectl: the site file {tmp_path}/x.toml cannot be read. {why}\n"


def test_gatectl_imports_nothing_that_is_slow(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[agent]\nstate_dir = "state"\nruntime_dir = "run"\n')
    program = (
        "import sys; from edge_agent.status.cli import main; sys.argv = ['gatectl', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    slow = {"pydantic", "grpc", "google", "rich", "structlog", "cryptography", "serial", "sqlite_utils", "asyncio"}
    for arguments in (["status"], ["status", "--json"], ["devices"], ["why"], ["passages"], ["lift", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", program, "--config", str(site), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        imported = set(done.stderr.split())
        assert "edge_agent" in imported, done.stderr
        assert not slow & imported
