"""The thread that has arrived passages judged against the declarations, and what goes on beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from collector.errors import StoreError

EVERY_S = 1.0
"""Declarations and times come without a call, so it looks by itself this often, seconds."""

_log = structlog.get_logger()


class Judge:
    """Calls `run_once` whenever it is woken and at least every second, and after it each of `beside`, in order."""

    def __init__(
        self, run_once: Callable[[int], int], clock: Callable[[], int], beside: Sequence[Callable[[int], int]] = ()
    ) -> None:
        """Each takes Unix nanoseconds and returns how much it did; 0: there is nothing more to do.

        One that fails holds up none of the others.
        """
        self._steps = (run_once, *beside)
        self._clock = clock
        self._woken = threading.Event()
        self._stopping = threading.Event()
        # Daemon: what it writes is a transaction, so it may be left behind when a stop must not wait any longer.
        self._thread = threading.Thread(target=self._run, name="judge", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There are passages to judge. Callable from any thread."""
        self._woken.set()

    def stop(self, timeout_s: float) -> None:
        """Finish what is going on, or leave it behind after `timeout_s`."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            if not sum([self._take(step) for step in self._steps]):
                self._woken.wait(EVERY_S)

    def _take(self, step: Callable[[int], int]) -> int:
        try:
            return step(self._clock())
        except StoreError as error:
            _log.error("passages could not be judged", cause=str(error))
        except Exception:  # noqa: BLE001 - supervisor of this thread: a fault must not end the judging for good
            _log.exception("the reconciliation met a fault")
        return 0
