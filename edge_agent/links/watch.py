"""The device watch: is a device that is plugged in silent, babbling or unreadable? Pure: time is an argument.

The order is the one in which a technician finds out: no bytes (cable, power, port), bytes but no frames (speed, format,
profile), frames but no reading (dialect).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

STRAY_BYTES = 8
"""So many bytes after a frame are line ends and padding: a device that prints on demand may leave them unframed."""

PRINT_APART_S = 1.0
"""What comes after so long a pause is another print: no device rests so long inside one."""

PRINTS_IN_A_ROW = 2
"""Prints without a frame that are babble: one alone may be a document laid askew, and is kept as garbled."""

PAUSED_S = 5.0
"""Between two ticks so far apart the machine was suspended, or this program did not run: nothing was watched."""

_SILENT = (
    "The port is open but no byte came for {:g} s. Check that the device is on and its display lives, then the cable "
    "(TX and RX may be swapped), then that its continuous output is switched on and this is the port it is wired to"
)
_NO_ANSWER = (
    "The port is open and the device was asked, but nothing came back for {:g} s. Check that the device is on and set "
    "to answer commands, then its address, baud rate and format against its own menu, then the wires (RS-485: A and B "
    "may be swapped; RS-232: TX and RX)"
)
_BABBLING = (
    "{} bytes came in {:.0f} s and no frame. Baud rate, data format or profile do not match the device. Compare `baud` "
    "and `data_format` with the device's own menu, then the profile's name with the indicator's model"
)
_SILENT_BY_NETWORK = (
    "The connection is open but no byte came for {:g} s. Check that the device is on and set to send to this machine, "
    "that no other program holds its connection, and that address and port are its own; behind a serial converter, "
    "check the cable between the two (TX and RX may be swapped)"
)
_NO_ANSWER_BY_NETWORK = (
    "The connection is open and the device was asked, but nothing came back for {:g} s. Check that the device is on "
    "and set to answer commands, and its address on the line; behind a serial converter, compare the converter's baud "
    "rate and format with the device's menu, then check the wires (RS-485: A and B may be swapped; RS-232: TX and RX)"
)
_BABBLING_BY_NETWORK = (
    "{} bytes came in {:.0f} s and no frame. The profile does not match the device, or something else answers at this "
    "address and port. Compare the profile's name with the device's model, then address and port with its settings; "
    "behind a serial converter, compare the converter's baud rate and format with the device's menu"
)
_UNREADABLE = (
    "Frames came for {:.0f} s but none holds a reading. The device speaks another dialect of its protocol than the "
    "profile describes. Look at what it sends with `edge-agent decode`, then choose its variant or correct its fields"
)


@dataclass(slots=True)
class _Seen:
    """What was seen since the link was opened; nothing of an earlier connection counts for the next.

    `bytes_at`: of the last bytes, at first of the opening; None while the link is down. `unframed_since`: of the first
    bytes no frame was found in since, with their number. `print_since`: of the last print's first bytes, with their
    number; `prints`: how many in a row had no frame. `unread_since`: of the first frame no reading was found in.
    """

    bytes_at: Moment | None = None
    unframed_since: Moment | None = None
    unframed: int = 0
    print_since: Moment | None = None
    printed: int = 0
    prints: int = 0
    unread_since: Moment | None = None


class DeviceWatch:
    """Turns what was seen of one listened-to device into changes of its state.

    Not thread-safe: call it from one thread. `tick` must be called at least once a second, so
    that a fault is told within 5 s.

    Every method that can change the state returns the DeviceEvent to publish, or None when there is nothing new. A new
    cause of the same fault (UNPLUGGED: "does not exist" becomes "permission denied") is told too: same state, other
    text, same incident.
    """

    def __init__(
        self,
        device_id: str,
        *,
        continuous: bool = True,
        polled: bool = False,
        by_network: bool = False,
        silent_after_s: float = 3.0,
        babble_after_s: float = 3.0,
        unreadable_after_s: float = 3.0,
    ) -> None:
        """Watch a device.

        `continuous=False` when it prints on demand and is silent by nature (it is never SILENT); `polled` when it is
        asked all the time and answers; `by_network` when it is reached by TCP: baud rate and format, if it has any, are
        a converter's then.
        """
        if by_network:
            self._silence_text = _NO_ANSWER_BY_NETWORK if polled else _SILENT_BY_NETWORK
        else:
            self._silence_text = _NO_ANSWER if polled else _SILENT
        self._babble_text = _BABBLING_BY_NETWORK if by_network else _BABBLING
        self._device_id = device_id
        self._continuous = continuous
        self._silent_after_s = silent_after_s
        self._babble_after_s = babble_after_s
        self._unreadable_after_s = unreadable_after_s
        self._state = DeviceState.STARTING
        self._text = ""
        self._seen = _Seen()
        self._ticked: Moment | None = None

    @property
    def state(self) -> DeviceState:
        """What is known of the device now; STARTING until something is."""
        return self._state

    def link_down(self, text: str, now: Moment, attempts: int = 1) -> DeviceEvent | None:
        """The link cannot be read; `text` and `attempts` are those of the link's own event."""
        self._seen = _Seen()
        return self._become(DeviceState.UNPLUGGED, text, now, attempts)

    def link_up(self, now: Moment, attempts: int = 1) -> DeviceEvent | None:
        """The link is open; nothing is known of the device behind it yet. `attempts` is how many it took."""
        self._seen = _Seen(bytes_at=now)
        if self._state is DeviceState.STARTING:
            return None
        return self._become(
            DeviceState.STARTING, "The port is open again; waiting for the device's bytes", now, attempts
        )

    def bytes_seen(self, n: int, now: Moment) -> None:
        """The link delivered `n` bytes. Tell this first, then the frames found in them."""
        seen, pause = self._seen, _seconds(self._seen.bytes_at, now)
        if self._continuous and pause >= self._silent_after_s:
            seen.unframed_since, seen.unframed = None, 0  # what came before the pause is another story
        if seen.print_since is None or pause >= PRINT_APART_S:
            seen.print_since, seen.printed = now, 0
        seen.prints += seen.printed <= STRAY_BYTES < seen.printed + n
        seen.printed += n
        seen.bytes_at = now
        seen.unframed += n
        seen.unframed_since = seen.unframed_since or now

    def frame_seen(self, now: Moment) -> None:
        """The parser found a good frame, whatever it means."""
        self._seen.unframed_since, self._seen.unframed = None, 0
        self._seen.print_since, self._seen.prints = None, 0
        self._seen.unread_since = self._seen.unread_since or now

    def reading_seen(self, now: Moment) -> DeviceEvent | None:
        """A frame was understood. A scale that says "overload" is understood too."""
        self._seen.unread_since = None
        return self._become(DeviceState.OK, "Readings come", now)

    def tick(self, now: Moment) -> DeviceEvent | None:
        """Time has passed."""
        paused = _seconds(self._ticked, now) >= PAUSED_S
        self._ticked = now
        if self._seen.bytes_at is None:
            return None  # the link is not open
        if paused:
            self._seen = _Seen(bytes_at=now)  # what the device did meanwhile nobody saw: it is watched from here on
        finding = self._silence(now) or self._babble(now) or self._dialect(now)
        return self._become(*finding, now) if finding else None

    def _silence(self, now: Moment) -> tuple[DeviceState, str] | None:
        if not self._continuous or _seconds(self._seen.bytes_at, now) < self._silent_after_s:
            return None
        return DeviceState.SILENT, self._silence_text.format(self._silent_after_s)

    def _babble(self, now: Moment) -> tuple[DeviceState, str] | None:
        """Bytes without a frame that go on: on demand that is one print after the other, or one that does not end."""
        seen = self._seen
        since = seen.unframed_since if self._continuous else seen.print_since
        goes_on = _seconds(since, seen.bytes_at) >= self._babble_after_s
        if not self._continuous:
            over = _seconds(seen.bytes_at, now) >= self._babble_after_s  # no frame will be found in it any more
            goes_on = goes_on or (over and seen.prints >= PRINTS_IN_A_ROW)
        if seen.unframed_since is None or not goes_on:
            return None
        return DeviceState.BABBLING, self._babble_text.format(
            seen.unframed, _seconds(seen.unframed_since, seen.bytes_at)
        )

    def _dialect(self, now: Moment) -> tuple[DeviceState, str] | None:
        seconds = _seconds(self._seen.unread_since, now)
        if self._seen.unread_since is None or seconds < self._unreadable_after_s:
            return None
        return DeviceState.UNREADABLE, _UNREADABLE.format(seconds)

    def _become(self, state: DeviceState, text: str, now: Moment, attempts: int = 1) -> DeviceEvent | None:
        same_cause = state is not DeviceState.UNPLUGGED or text == self._text
        if state is self._state and same_cause:
            return None
        self._state, self._text = state, text
        return DeviceEvent(self._device_id, now, state, text, attempts)


def _seconds(since: Moment | None, until: Moment | None) -> float:
    """0 when there is no such moment."""
    return until.seconds_since(since) if since is not None and until is not None else 0.0
