"""The serial link: reads one serial port, here or across the network, and opens it again by itself for ever.

Ports are what pyserial opens: a device path, `socket://HOST:PORT` (a converter in TCP server mode), `rfc2217://HOST:PORT`
(with pyserial's options, e.g. `?ign_set_control`) and `loop://` (nothing behind it). For RTS and DTR see `serial_port`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event, Thread

from edge_agent.links.serial_causes import PORT_ERRORS, explain, explain_no_answer
from edge_agent.links.serial_port import PortSettings, SerialPort
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 1.0
"""Pause between two attempts to open, doubled up to the longest: a device is read again soon after its return."""

STEADY_S = 5.0
"""A connection that stood so long is tried again at once; one that breaks sooner is not hammered."""

NODE_CHECK_S = 1.0
"""How often the path is compared with what is open."""

ANSWER_WITHIN_S = 4.0
"""A peer across the network that takes longer to open is reported, though the attempt goes on.

More than pyserial gives the negotiation of RFC 2217 (3 s): a server that does not know it is told by its own cause.
"""

LONGEST_READ_S = 0.5
"""`stop` is noticed between two reads."""

PARITY_NOTE = "its driver keeps 8 bits without parity, so parity bits stay in the bytes"

OnBytes = Callable[[bytes, Moment], None]
OnEvent = Callable[[DeviceEvent], None]


class SerialLink:
    """Delivers what one device sends, and says what is wrong while it cannot.

    Args:
        device_id: as in the site file; names the device in events.
        port: device path or URL, see the module.
        baud: bits a second; `socket://` and `loop://` have no speed or format of their own and ignore them.
        data_format: data bits, parity and stop bits, e.g. "8N1" or "7E1".
        clock: what the time is; asked once for each read.
        read_timeout: seconds a read waits for the first byte; LONGEST_READ_S at most.
        ask: what to send to the device now, None for nothing; asked before each read. None for devices that send by
            themselves.

    Raises:
        LinkError: a port, speed or format that can never work.
    """

    def __init__(
        self,
        device_id: str,
        port: str,
        baud: int,
        data_format: str,
        clock: Callable[[], Moment],
        *,
        read_timeout: float = 0.2,
        ask: Callable[[Moment], bytes | None] | None = None,
    ) -> None:
        self._device_id = device_id
        self._settings = PortSettings.read(port, baud, data_format)
        self._clock = clock
        self._read_timeout = min(read_timeout, LONGEST_READ_S)
        self._ask = ask
        self._failures = 0
        self._told = ""

    @property
    def failures(self) -> int:
        """How often the port was lost or could not be opened since it was last open; 0 while it is."""
        return self._failures

    def run(self, on_bytes: OnBytes, on_event: OnEvent, stop: Event) -> None:
        """Open, read, and open again until `stop`; returns within 1 s of it. Give it a thread of its own.

        `on_bytes` gets 1 to READ_AT_MOST bytes as they come, with the moment after the read. It must not block: what it
        does not take waits in the kernel's buffer, but for `rfc2217://` in pyserial's, which has no bound.

        `on_event` gets UNPLUGGED when the port is lost or cannot be opened, and again when the cause changes, with the
        failures so far as `attempts`; and STARTING when the port is open, with the failures before that (1 if none).
        Other states are not the link's to know. An exception of either function ends the run, with the port closed.
        """
        pause = SHORTEST_PAUSE_S
        while not stop.is_set():
            port = self._open(on_event, stop)
            if port is not None:
                opened = self._clock()
                try:
                    self._tell_open(port, on_event)
                    self._read_until_lost(port, on_bytes, on_event, stop)
                finally:
                    port.close()
                if self._clock().seconds_since(opened) >= STEADY_S:
                    pause = SHORTEST_PAUSE_S
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _open(self, on_event: OnEvent, stop: Event) -> SerialPort | None:
        """The port; None when it does not open (that has been told) or `stop` came first."""
        try:
            if self._settings.scheme:
                return self._open_remote(on_event, stop)
            return SerialPort(self._settings, self._read_timeout)
        except PORT_ERRORS as error:
            self._fail(explain(self._settings.port, self._settings.line, error), on_event)
            return None

    def _open_remote(self, on_event: OnEvent, stop: Event) -> SerialPort | None:
        """In a thread of its own, for this may take many seconds and cannot be interrupted.

        One attempt at a time, bounded by pyserial's own limits. If `stop` comes first, the thread closes what it opens.
        """
        opened: Future[SerialPort] = Future()

        def attempt() -> None:
            try:
                opened.set_result(SerialPort(self._settings, self._read_timeout))
            except BaseException as error:  # noqa: BLE001 - handed whole to the thread that waits, which raises it
                opened.set_exception(error)

        Thread(target=attempt, name=f"open {self._settings.port}", daemon=True).start()
        began = self._clock()
        while not wait([opened], timeout=0.1).done:
            if stop.is_set():
                opened.add_done_callback(_close_unused)
                return None
            if self._clock().seconds_since(began) >= ANSWER_WITHIN_S:
                self._tell_down(explain_no_answer(self._settings.port), on_event)
        return opened.result()

    def _read_until_lost(self, port: SerialPort, on_bytes: OnBytes, on_event: OnEvent, stop: Event) -> None:
        """Returns when the port was lost (that has been told) or `stop` came."""
        quiet = True
        checked = self._clock()
        while not stop.is_set():
            try:
                if self._ask is not None and (question := self._ask(self._clock())) is not None:
                    port.write(question)
                chunk = port.read()
            except PORT_ERRORS as error:
                self._fail(explain(self._settings.port, self._settings.line, error), on_event)
                return
            now = self._clock()
            if chunk:
                quiet = False
                on_bytes(chunk, now)
            if now.seconds_since(checked) >= NODE_CHECK_S:
                moved = port.moved(quiet=quiet)
                if moved:
                    self._fail(moved, on_event)
                    return
                checked, quiet = now, True

    def _tell_open(self, port: SerialPort, on_event: OnEvent) -> None:
        note = f" ({PARITY_NOTE})" if port.drops_parity else ""
        text = f"{self._settings.port} is open at {self._settings.line}{note}; waiting for the first bytes"
        attempts = max(self._failures, 1)
        self._failures, self._told = 0, ""
        on_event(DeviceEvent(self._device_id, self._clock(), DeviceState.STARTING, text, attempts))

    def _fail(self, text: str, on_event: OnEvent) -> None:
        self._failures += 1
        self._tell_down(text, on_event)

    def _tell_down(self, text: str, on_event: OnEvent) -> None:
        """Each cause once: attempts go on every second, perhaps for weeks."""
        if text != self._told:
            self._told = text
            on_event(DeviceEvent(self._device_id, self._clock(), DeviceState.UNPLUGGED, text, max(self._failures, 1)))


def _close_unused(opened: Future[SerialPort]) -> None:
    if opened.exception() is None:
        opened.result().close()
