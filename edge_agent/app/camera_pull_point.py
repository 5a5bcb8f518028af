"""A camera's ONVIF pull point, as HttpPull asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

from edge_agent.app.camera_keep import password_of
from edge_agent.config_camera import CameraTable
from edge_agent.drivers.plate import pull_point as soap
from edge_agent.links.http_causes import PullError
from edge_agent.links.http_pull import HttpPull, PullLimits, PullTarget
from edge_agent.model.moment import Moment

WAIT_S = 5
"""How long the camera may keep a question: an empty answer then shows that it lives. Less than PullLimits.head_s."""

LIVES_S = 60
RENEW_S = 20.0
MOST_MESSAGES = 50
NONCE_BYTES = 16
LAST_WORD = PullLimits(connect_s=1, head_s=1, answer_s=1)


class PullPoint:
    """One subscription, from `subscribe` to `unsubscribe`. A camera forgets it after LIVES_S without a question."""

    def __init__(self, pull: HttpPull, table: CameraTable, path: str, clock: Callable[[], Moment]) -> None:
        """`path` is that of the camera's event service. ConfigError when the password cannot be read."""
        self._pull, self._service, self._clock = pull, path, clock
        self._login = soap.Login(table.user, password_of(table))
        self._ahead = timedelta()
        self._point = soap.PullAddress("", "")
        self._renewed = clock()

    def subscribe(self) -> None:
        """PullError when the camera refuses, cannot be reached or has no pull points."""
        told = soap.camera_time(self._asked(soap.DEVICE_SERVICE, soap.time_question()))
        self._ahead = timedelta() if told is None else told - self._now()
        answer = self._asked(self._service, soap.create_question(self._header(), LIVES_S))
        try:
            self._point = soap.pull_address(answer)
        except soap.NoPullPointError as error:
            fix = "Switch on ONVIF in the camera, with a user of its own; `path` names its event service"
            raise PullError(f"The camera at {self._service}", cause=str(error), fix=fix) from error
        self._renewed = self._clock()

    def messages(self) -> bytes:
        """The camera's next answer, perhaps without events. PullError as above, also when it forgot us."""
        if self._clock().seconds_since(self._renewed) >= RENEW_S:
            self._renewed = self._clock()
            with suppress(PullError):  # some cameras count each question as a renewal and know no other
                self._asked(self._point.path, soap.renew_question(self._header(), self._point, LIVES_S))
        question = soap.pull_question(self._header(), self._point, WAIT_S, MOST_MESSAGES)
        answer = self._asked(self._point.path, question)
        if b"PullMessagesResponse" not in answer:
            raise PullError("The camera answers with no events", cause="it has forgotten the subscription, or restarts")
        return answer

    def unsubscribe(self, target: PullTarget) -> None:
        """Let the camera forget us now: it has few subscriptions to give. PullError when it does not answer at once.

        It is asked over a connection of its own, because the other has been closed to stop what waited there.
        """
        with closing(HttpPull(target, LAST_WORD)) as pull:
            pull.ask(self._point.path, soap.unsubscribe_question(self._header(), self._point), soap.MEDIA_TYPE)

    def _asked(self, path: str, question: bytes) -> bytes:
        return self._pull.ask(path, question, soap.MEDIA_TYPE)

    def _header(self) -> str:
        return self._login.header(self._now() + self._ahead, secrets.token_bytes(NONCE_BYTES))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock().wall / 1e9, UTC)
