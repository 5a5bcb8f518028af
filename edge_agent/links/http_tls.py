"""TLS towards a camera: by the system's authorities, by one CA, or by the camera's own certificate and no other."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from pathlib import Path

from edge_agent.errors import ConfigError

OTHER_FINGERPRINT = -1
"""The verify_code of a certificate that is not the pinned one; OpenSSL's own are not negative."""


def tls_context(ca_file: Path | None, fingerprint: str) -> ssl.SSLContext:
    """The context for a camera's connections.

    Args:
        ca_file: PEM of who signed its certificate; None: the system's authorities.
        fingerprint: SHA-256 of the camera's certificate, 64 hexadecimal digits; then neither its name nor its dates
            count, because cameras sign for themselves and are known by address.

    Raises:
        ConfigError: the CA file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The CA file {ca_file} cannot be used", cause=str(error), fix="Write the path of a PEM file in ca_file"
        ) from error
    if fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # in its place the handshake ends with the comparison below
        context.sslsocket_class = _pinned_to(bytes.fromhex(fingerprint))
    return context


def _pinned_to(digest: bytes) -> type[ssl.SSLSocket]:
    """A socket whose handshake fails, before anything is sent, when the certificate is another one."""

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            certificate = self.getpeercert(binary_form=True) or b""
            found = hashlib.sha256(certificate).digest()
            if not hmac.compare_digest(found, digest):
                said = f"its certificate has the fingerprint {found.hex()}"
                error = ssl.SSLCertVerificationError(said)
                error.verify_message, error.verify_code = said, OTHER_FINGERPRINT
                raise error

    return PinnedSocket
