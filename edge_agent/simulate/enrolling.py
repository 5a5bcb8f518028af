"""Enrolling a gate of the demo, as an installer does it."""

from __future__ import annotations

from pathlib import Path

from edge_agent.simulate.programs import run_command


def enrol(agent_id: str, site_id: str, directory: Path, collector_config: Path) -> None:
    """Invite at the collector, enrol here: the keys come into `directory`/state. ProgramError when either refuses."""
    invitation = directory / "invitation.json"
    run_command(
        "gate-collector",
        "agents",
        "invite",
        agent_id,
        "--site",
        site_id,
        "-o",
        invitation,
        "--config",
        collector_config,
    )
    run_command("edge-agent", "enrol", "--invite", invitation, "--state-dir", directory / "state")
