"""The watch over a camera: is it stale, frozen, or is what it sends no picture? Pure: time is an argument."""

from __future__ import annotations

from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

SPOILED_AFTER_S = 3.0
"""So long nothing but spoiled pictures: a broken one now and then is no fault of a camera."""

PAUSED_S = 5.0
"""Between two ticks so far apart the machine was suspended, or this program did not run: nothing was watched."""

_STALE = (
    "No picture has come for {:g} s though the connection is open. Restart the camera; if that helps only for a while, "
    "look at its power supply and network cable"
)
_FROZEN = (
    "The picture has not changed in a single dot for {:g} s. The camera hangs and repeats itself, or it is covered or "
    "in complete darkness. Wave a hand before it; if nothing moves, restart it. It is being connected again"
)
_SPOILED = "What comes is no picture. {}"


class FrameWatch:
    """Turns what was seen of one camera into changes of its state. Not thread-safe.

    Every method that can change the state returns the DeviceEvent to publish, or None when there is nothing new.
    """

    def __init__(self, device_id: str, *, stale_after_s: float, frozen_after_s: float) -> None:
        """Watch a camera; 0 for either time: that is never told."""
        self._device_id = device_id
        self._stale_after_s, self._frozen_after_s = stale_after_s, frozen_after_s
        self._state, self._text = DeviceState.STARTING, ""
        self._seen_at: Moment | None = None  # of the last picture, at first of the opening; None while it is closed
        self._same: tuple[int, Moment] | None = None  # of the last picture: its fingerprint, and since when it is so
        self._spoiled_since: Moment | None = None
        self._ticked: Moment | None = None
        self._opened_at: Moment | None = None

    @property
    def state(self) -> DeviceState:
        """What is known of the camera now."""
        return self._state

    @property
    def text(self) -> str:
        """Why it is not well, and what to do; "" while it is."""
        return self._text

    def opened(self, now: Moment, attempts: int) -> DeviceEvent | None:
        """The source is open; nothing has been seen yet. `attempts` is how many it took."""
        self._seen_at = self._opened_at = now
        self._spoiled_since = None
        if self._state is not DeviceState.UNPLUGGED:
            return None  # a camera that is frozen or sends rubbish does so until it does better
        return self._become(
            DeviceState.STARTING, "The camera is open again; waiting for its pictures", now, attempts=attempts
        )

    def closed(self) -> None:
        """The source was closed by us: nothing comes, and that is no fault."""
        self._seen_at = self._opened_at = None

    def failed(self, state: DeviceState, text: str, now: Moment, attempts: int) -> DeviceEvent | None:
        """The source cannot be opened or read."""
        self.closed()
        if self._is_frozen(now) and state is DeviceState.SILENT:
            return None  # we cut it off ourselves
        return self._become(state, text, now, attempts=attempts)

    def picture(self, fingerprint: int, now: Moment) -> DeviceEvent | None:
        """A picture came; equal pictures have equal fingerprints."""
        self._seen_at, self._spoiled_since = now, None
        if self._same is None or self._same[0] != fingerprint:
            self._same = fingerprint, now
        if self._is_frozen(now):
            return self._become(DeviceState.UNREADABLE, _FROZEN.format(self._frozen_after_s), now)
        return self._become(DeviceState.OK, "", now)

    def skipped(self, now: Moment) -> None:
        """A picture came and was not looked at."""
        self._seen_at = now

    def spoiled(self, reason: str, now: Moment) -> DeviceEvent | None:
        """Something came that is no picture."""
        self._spoiled_since = self._spoiled_since or now
        if now.seconds_since(self._spoiled_since) < SPOILED_AFTER_S:
            return None
        self._seen_at = now  # something comes: what is wrong is not silence
        return self._become(DeviceState.UNREADABLE, _SPOILED.format(reason), now)

    def tick(self, now: Moment) -> tuple[DeviceEvent | None, bool]:
        """Time has passed: what to publish, and whether the source should be opened anew."""
        paused = self._ticked is not None and now.seconds_since(self._ticked) >= PAUSED_S
        self._ticked = now
        if self._seen_at is None or self._opened_at is None:
            return None, False
        if paused:
            self._seen_at = self._opened_at = now
            self._same = None
            return None, False
        if self._stale_after_s and now.seconds_since(self._seen_at) >= self._stale_after_s:
            self.closed()
            return self._become(DeviceState.SILENT, _STALE.format(self._stale_after_s), now), True
        return None, self._is_frozen(now) and now.seconds_since(self._opened_at) >= self._frozen_after_s

    def _is_frozen(self, now: Moment) -> bool:
        same_for = now.seconds_since(self._same[1]) if self._same is not None else 0.0
        return bool(self._frozen_after_s) and same_for >= self._frozen_after_s

    def _become(self, state: DeviceState, text: str, now: Moment, *, attempts: int = 1) -> DeviceEvent | None:
        same_cause = text == self._text or state not in (DeviceState.UNPLUGGED, DeviceState.UNREADABLE)
        if state is self._state and same_cause:
            return None
        self._state, self._text = state, text
        return DeviceEvent(self._device_id, now, state, text, attempts)
