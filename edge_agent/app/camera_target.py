"""How a camera that is asked is reached: from its site file's table and its profile's link."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.app.camera_keep import password_of
from edge_agent.config_camera import CameraTable
from edge_agent.drivers.plate.schema import LinkFacts
from edge_agent.links.http_pull import PullTarget


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: path, body, and the body's media type."""

    path: str
    body: bytes
    body_type: str


def target_of(table: CameraTable, link: LinkFacts) -> PullTarget:
    """With the password as it is in its file now; ConfigError when that cannot be read."""
    return PullTarget(
        url=table.url,
        method=link.method,
        user=table.user,
        password=password_of(table),
        allow_basic="basic" in link.auth,
        ca_file=table.ca_file,
        fingerprint=table.fingerprint,
    )


def request_of(table: CameraTable, link: LinkFacts, cursor: str = "") -> Request:
    """The profile's request, or the site file's path in its place; `cursor` names the last event that is known."""
    path = (table.path or link.path).replace("{channel}", str(table.channel)).replace("{cursor}", cursor)
    return Request(path, link.body.replace("{cursor}", cursor).encode(), link.body_type)


def order_of(cursor: str) -> tuple[int, str]:
    """What sorts cursors: they are digits, longer than a number holds exactly."""
    return len(cursor), cursor
