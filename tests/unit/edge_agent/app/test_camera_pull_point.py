"""A camera with a pull point, over real HTTP: it checks who asks by its own clock, forgets subscriptions, restarts."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

import pytest

from edge_agent.app.camera_pull_point import PullPoint
from edge_agent.clock import SystemClock
from edge_agent.config_camera import CameraTable
from edge_agent.drivers.plate.paths import Path as TreePath
from edge_agent.drivers.plate.paths import Place
from edge_agent.drivers.plate.tree import text_of
from edge_agent.drivers.plate.xml_tree import read_xml
from edge_agent.links.http_causes import PullError
from edge_agent.links.http_pull import HttpPull, PullTarget
from edge_agent.model.readings import DeviceState
from edge_agent.simulate.camera_server import CameraServer
from tests.unit.edge_agent.app.test_camera_pull import Bench, until

CAPTURES = Path(__file__).parents[3] / "captures" / "plate" / "onvif-profile-m-pullpoint"
SERVICE = "/onvif/event_service"
SLOW = timedelta(hours=7)
"""How far the camera's clock is behind: tokens are only good by it."""


class OnvifCamera:
    """What it was asked, and the subscription it knows. Each question but that for the time needs the password."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.password: str | None = "secret"
        self.subscription = "/onvif/sub_1"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"camera": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def now(self) -> datetime:
        return datetime.now(UTC) - SLOW

    def answer(self, path: str, question: bytes) -> bytes | None:
        """None for a refusal."""
        tree = read_xml(question)
        body: Any = tree["body"]
        kind = next(iter(body))
        self.asked.append((path, kind))
        if kind == "getsystemdateandtime":
            return f"<E><UTCDateTime>{self._told(self.now())}</UTCDateTime></E>".encode()
        if not self._knows(Place(tree)) or (
            kind in {"pullmessages", "renew", "unsubscribe"} and path != self.subscription
        ):
            return None
        if kind == "createpullpointsubscription":
            address = f"http://192.0.2.1:9999{self.subscription}"
            return f"<E><SubscriptionReference><Address>{address}</Address></SubscriptionReference></E>".encode()
        return (CAPTURES / "two_plates_and_motion.xml").read_bytes() if kind == "pullmessages" else b"<E/>"

    @staticmethod
    def _told(now: datetime) -> str:
        date = f"<Date><Year>{now.year}</Year><Month>{now.month}</Month><Day>{now.day}</Day></Date>"
        return f"{date}<Time><Hour>{now.hour}</Hour><Minute>{now.minute}</Minute><Second>{now.second}</Second></Time>"

    def _knows(self, place: Place) -> bool:
        if self.password is None:
            return True

        def said(path: str) -> str:
            return text_of(TreePath(f"//UsernameToken/{path}").first_text(place))

        created = said("Created")
        nonce = base64.b64decode(said("Nonce"))
        hidden = hashlib.sha1(nonce + created.encode() + self.password.encode(), usedforsecurity=False).digest()
        fresh = abs(self.now() - datetime.fromisoformat(created)) < timedelta(minutes=2)
        return fresh and said("Username") == "gate" and base64.b64decode(said("Password")) == hidden


class _Handler(BaseHTTPRequestHandler):
    camera: OnvifCamera
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.camera.answer(self.path, question)
        self.send_response(200 if answer else 400)
        self.send_header("Content-Length", str(len(answer or b"")))
        self.end_headers()
        self.wfile.write(answer or b"")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def point(camera: OnvifCamera, folder: Path, clock: Callable[..., Any] | None = None) -> Iterator[PullPoint]:
    password = folder / "password"
    password.write_text("secret\n", encoding="utf-8")
    table = CameraTable.model_validate(
        {
            "id": "plate-1",
            "profile": "plate/onvif-profile-m-pullpoint",
            "url": camera.url,
            "user": "gate",
            "password_file": password,
        }
    )
    pull = HttpPull(PullTarget(camera.url, method="POST", user="gate", password="secret"))
    try:
        yield PullPoint(pull, table, SERVICE, clock or SystemClock())
    finally:
        pull.close()


def test_events_are_asked_for_where_the_camera_says_with_a_token_of_its_own_clock(tmp_path: Path) -> None:
    with OnvifCamera() as camera, point(camera, tmp_path) as events:
        events.subscribe()
        answers = [events.messages(), events.messages()]

    assert all("琼A66666".encode() in answer for answer in answers)
    assert camera.asked == [
        ("/onvif/device_service", "getsystemdateandtime"),
        (SERVICE, "createpullpointsubscription"),
        ("/onvif/sub_1", "pullmessages"),
        ("/onvif/sub_1", "pullmessages"),
    ]


def test_a_subscription_is_renewed_before_the_camera_forgets_it(tmp_path: Path) -> None:
    clock = SystemClock()
    ahead = [0.0]

    def later() -> Any:
        now = clock()
        return type(now)(now.wall, type(now.mono)(now.mono + int(ahead[0] * 1e9)), now.boot_id, now.synchronised)

    with OnvifCamera() as camera, point(camera, tmp_path, later) as events:
        events.subscribe()
        ahead[0] = 25.0
        events.messages()

    assert ("/onvif/sub_1", "renew") in camera.asked


def test_a_camera_that_forgot_the_subscription_is_an_error_and_subscribed_to_anew(tmp_path: Path) -> None:
    with OnvifCamera() as camera, point(camera, tmp_path) as events:
        events.subscribe()
        camera.subscription = "/onvif/sub_2"
        with pytest.raises(PullError):
            events.messages()
        events.subscribe()
        assert events.messages()


def test_the_plates_of_a_camera_with_a_pull_point_reach_the_gate_once_each(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with OnvifCamera() as camera:
        camera.password = None
        with bench.asking(cast("CameraServer", camera), "onvif-profile-m-pullpoint"):
            until(lambda: [kind for _, kind in camera.asked].count("pullmessages") > 3)
            until(lambda: len(bench.plates) > 1)
        assert (camera.subscription, "unsubscribe") in camera.asked  # the gate stopped: the camera has few to give
    bench.close()

    assert sorted(set(bench.plates)) == ["琼A66666", "琼B12345"]
    assert DeviceState.OK in bench.states


def test_a_wrong_password_is_told_and_nothing_is_asked_after_it(tmp_path: Path) -> None:
    with OnvifCamera() as camera, point(camera, tmp_path) as events:
        camera.password = "another"
        began = time.monotonic()
        with pytest.raises(PullError):
            events.subscribe()
    assert time.monotonic() - began < 30
    assert [kind for _, kind in camera.asked][-1] == "createpullpointsubscription"
