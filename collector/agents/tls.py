"""TLS for the collector's two ports, with a certificate that is renewed while the server runs."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc
import structlog

from collector.errors import CollectorError
from collector.keys import CollectorKeys

CHECK_EVERY_S = 3600.0

log = structlog.get_logger()


def server_credentials(
    load: Callable[[], CollectorKeys], *, mutual: bool, monotonic: Callable[[], float] = time.monotonic
) -> grpc.ServerCredentials:
    """Credentials for a gRPC port, aio or not.

    `load` reads the keys, renewing the server's certificate when it is due (CollectorKeys.load_or_create); it is
    called now and then at most once an hour, when somebody connects. A collector may run for years without a restart.
    `mutual` asks clients for a certificate of our authority and refuses, in TLS, those that have none.
    """
    keys = load()
    checked = monotonic()

    def configuration() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(keys.server_key_pem, keys.server_chain_pem)], root_certificates=keys.ca_pem if mutual else None
        )

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC at every handshake; None goes on with the certificate as it is."""
        nonlocal keys, checked
        if monotonic() - checked < CHECK_EVERY_S:
            return None
        checked = monotonic()
        try:
            fresh = load()
        except CollectorError as error:
            log.error("the server's certificate could not be renewed", reason=str(error))  # noqa: TRY400 - in words
            return None
        if fresh.server_chain_pem == keys.server_chain_pem:
            return None
        keys = fresh
        return configuration()

    return grpc.dynamic_ssl_server_credentials(
        configuration(),
        renewed,  # type: ignore[arg-type]  # the stubs do not know that None is allowed; grpc's documentation does
        require_client_authentication=mutual,
    )
