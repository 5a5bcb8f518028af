"""A gate that was off for months: its certificate has ended, and nobody comes to renew it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from collector.agents.authority import Authority
from collector.config import load_config
from collector.keys import CollectorKeys
from edge_agent.keys import AgentKeys, tls_pem
from edge_agent.simulate.programs import running, wait_until
from tests.journeys.enrolment_harness import request_for
from tests.journeys.world import World, plan_of

pytestmark = pytest.mark.timeout(120)


def test_an_ended_certificate_is_renewed_unattended_and_the_backlog_delivered(tmp_path: Path) -> None:
    world = World(tmp_path, plan_of(1))
    # An authority issues nothing that begins before itself: this one is two months old.
    authority = _authority(world, datetime.now(UTC) - timedelta(days=60))
    with running(world.collector, world.gate.agent):
        world.start_collector()
        world.gate.enrol(world.config)
        keys = AgentKeys.load(world.gate.state_dir)
        _end_certificate(keys, authority)
        assert AgentKeys.load(world.gate.state_dir).certificate_days_left(datetime.now(UTC)) < 0

        world.collector.stop()
        world.start_agent()  # captures with an ended certificate and nobody to renew it
        wait_until("the start is in the journal", lambda: world.journal()["captured"] >= 1)
        world.start_collector()
        wait_until("everything is delivered", lambda: world.journal()["pending"] == 0)

        wait_until("the certificate is shown", lambda: world.gate.status()["certificate"]["days_left"] >= 88)
        renewed = AgentKeys.load(world.gate.state_dir)
        assert renewed.signer.name == keys.signer.name, "the journal keeps its key"
        world.assert_nothing_missing_or_double()


def _authority(world: World, made: datetime) -> Authority:
    config = load_config(world.config)
    return CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, made).authority


def _end_certificate(keys: AgentKeys, authority: Authority) -> None:
    """Put a certificate in place that the collector issued a month ago, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.issue_client(
        request_for(key), keys.identity.agent_id, keys.identity.origin, 1, datetime.now(UTC) - timedelta(days=30)
    )
    keys.with_certificate(tls_pem(key, issued.chain_pem))
