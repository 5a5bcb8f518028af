"""How this agent reaches its collector: address, credentials, renewal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import grpc
import structlog

from edge_agent.enrol import explain_tls, renew
from edge_agent.keys import AgentKeys
from edge_agent.model.moment import Moment

DEAD = ("ping timeout", "keepalive")
"""What gRPC says of a connection on which pings are not answered."""

LOG = structlog.get_logger()

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CollectorConnector:
    """Holds the keys in force; replaces them when they are renewed."""

    def __init__(self, keys: AgentKeys, clock: Callable[[], Moment]) -> None:
        """`keys` as loaded at the start."""
        self.keys, self._clock = keys, clock

    @property
    def address(self) -> str:
        """host:port of the uplink."""
        return self.keys.identity.uplink_address

    def credentials(self) -> grpc.ChannelCredentials:
        """The agent's certificate and key, the collector's CA."""
        return grpc.ssl_channel_credentials(self.keys.ca_pem, self.keys.tls_key_pem, self.keys.certificate_pem)

    def renew_if_due(self) -> bool:
        """Fetch a fresh certificate when the present one is in its last third or over; whether it did.

        EdgeAgentError when it fails.
        """
        if not self.keys.renewal_due(self._now()):
            return False
        self.keys = renew(self.keys)
        LOG.info("certificate.renewed", days=self.keys.certificate_days_left(self._now()))
        return True

    def certificate_days_left(self) -> int:
        """Whole days until the certificate ends; negative when it has."""
        return self.keys.certificate_days_left(self._now())

    def explain(self, error_text: str, *, was_up: bool) -> str:
        """A failure to connect, or to stay connected, in words a person can act on."""
        if any(mark in error_text.lower() for mark in DEAD):
            return "the line is dead: the collector's machine does not answer. Check the network in between"
        if was_up:
            return f"the connection to the collector was cut: {error_text}"
        return explain_tls(error_text, self.keys.certificate_pem, self.keys.ca_pem, self._now())

    def _now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._clock().wall // 1000)
