"""An emulated Hikvision plate camera: posts its events over HTTP and repeats them until they are answered with 200."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.anpr import (
    BOUNDARY,
    CameraDetails,
    PlateColour,
    PlateEvent,
    event_body,
    heartbeat_xml,
    plate_event,
)

CHINA = timezone(timedelta(hours=8))
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
XML = 'application/xml; charset="UTF-8"'
MOST_WAITING = 64  # events a camera keeps; what is seen while they are all taken is lost, and says so


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one event.

    Attributes:
        posts: how often it was posted.
        accepted: whether it was answered with 200 as often as it was meant to be.
        last_answer: status of the last post, or why there was none.
    """

    event: PlateEvent
    posts: int
    accepted: bool
    last_answer: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: PlateEvent
    times: int
    outcome: Future[Delivery]


class HikvisionCamera:
    """A plate camera in push mode.

    Events are posted one after another by a thread of its own, in the order seen, so that a gate that is down delays
    them and loses none. Between them it sends heartbeats, which are not repeated.

    Args:
        url: where to post, e.g. "http://127.0.0.1:8081/plate-1".
        details: what the camera says about itself.
        retry_every_s: pause before an event that was not answered with 200 is posted again.
        give_up_after_s: when an event is given up.
        answer_within_s: how long an answer may take.
        heartbeat_every_s: pause between heartbeats.
    """

    def __init__(
        self,
        url: str,
        details: CameraDetails,
        *,
        retry_every_s: float = 0.5,
        give_up_after_s: float = 60.0,
        answer_within_s: float = 5.0,
        heartbeat_every_s: float = 10.0,
    ) -> None:
        self._host, self._port, self._path = _split(url)
        self._details = details
        self._retry_every_s, self._give_up_after_s = retry_every_s, give_up_after_s
        self._answer_within_s, self._heartbeat_every_s = answer_within_s, heartbeat_every_s
        self._seen = 0
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MOST_WAITING)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._post_for_ever, name=f"camera {url}", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to post."""
        self._thread.start()

    def stop(self) -> None:
        """Stop posting; events that still wait are not delivered. Returns when the post under way has ended."""
        self._stopped.set()
        with contextlib.suppress(queue.Full):  # a full queue wakes the thread by itself
            self._waiting.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join()
        while not self._waiting.empty():
            if (left := self._waiting.get_nowait()) is not None:
                left.outcome.set_result(Delivery(left.event, 0, accepted=False, last_answer="the camera was stopped"))

    def see(self, plate: str, colour: PlateColour, *, confidence: int = 96, times: int = 1) -> Future[Delivery]:
        """See a vehicle now; its event is posted as soon as those before it are through.

        Args:
            plate: as read; "" for a plate that could not be read.
            colour: of the plate.
            confidence: 0 to 100.
            times: how often the event is to be accepted; 2 for a camera that repeats itself without need.

        Returns:
            A future of the delivery; also one that failed is a result.
        """
        self._seen += 1
        now = datetime.now(CHINA)
        event = plate_event(self._details, self._seen, now, plate, colour, confidence=confidence)
        outcome: Future[Delivery] = Future()
        try:
            self._waiting.put_nowait(_Waiting(event, times, outcome))
        except queue.Full:
            outcome.set_result(Delivery(event, 0, accepted=False, last_answer=f"{MOST_WAITING} events wait already"))
        return outcome

    def heartbeat(self) -> bool:
        """Post a heartbeat now, once, and say whether it was answered with 200."""
        return self._post(heartbeat_xml(self._details, datetime.now(CHINA)), XML) == str(HTTPStatus.OK.value)

    def _post_for_ever(self) -> None:
        next_heartbeat = time.monotonic()
        while not self._stopped.is_set():
            try:
                waiting = self._waiting.get(timeout=max(0.0, next_heartbeat - time.monotonic()))
            except queue.Empty:
                self.heartbeat()
                next_heartbeat = time.monotonic() + self._heartbeat_every_s
            else:
                if waiting is not None:
                    waiting.outcome.set_result(self._deliver(waiting.event, waiting.times))

    def _deliver(self, event: PlateEvent, times: int) -> Delivery:
        """Post until accepted `times` times, given up or stopped."""
        give_up_at = time.monotonic() + self._give_up_after_s
        posts = accepted = 0
        while True:
            posts += 1
            answer = self._post(event_body(self._details, event, posts), MULTIPART)
            accepted += answer == str(HTTPStatus.OK.value)
            if accepted == times:
                return Delivery(event, posts, accepted=True, last_answer=answer)
            pause = 0.0 if answer == str(HTTPStatus.OK.value) else self._retry_every_s
            if self._stopped.wait(pause) or time.monotonic() >= give_up_at:
                return Delivery(event, posts, accepted=False, last_answer=answer)

    def _post(self, body: bytes, media_type: str) -> str:
        """One POST on a connection of its own, as these cameras do it: the status, or what went wrong."""
        connection = HTTPConnection(self._host, self._port, timeout=self._answer_within_s)
        try:
            connection.request("POST", self._path, body, {"Content-Type": media_type, "Connection": "close"})
            return str(connection.getresponse().status)
        except (OSError, HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()


def _split(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise EdgeAgentError(
            f"The camera cannot post to {url!r}",
            cause="it speaks plain HTTP to a host and port",
            fix="Give a URL such as http://127.0.0.1:8081/plate-1",
        )
    return parts.hostname, parts.port or 80, parts.path or "/"
