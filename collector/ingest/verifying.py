"""The thread that verifies: one, because the interpreter runs one at a time; fair among agents."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from collector.ingest.fair import FairQueue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Work:
    call: Callable[[], Any]
    done: Future[Any]


class VerifyingThread:
    """Runs what would hold up the event loop. A stream has at most one piece of work here: that bounds what waits."""

    def __init__(self) -> None:
        self._waiting: FairQueue[_Work] = FairQueue()
        self._thread = threading.Thread(target=self._run, name="verify", daemon=True)
        self._thread.start()

    async def run(self, sender: object, size: int, call: Callable[[], T], *, urgent: bool = False) -> T:
        """What `call` returns or raises. `size` is its cost in bytes; what is urgent is done first."""
        work = _Work(call, Future())
        self._waiting.put(sender, size, work, urgent=urgent)
        done: T = await asyncio.wrap_future(work.done)
        return done

    def close(self) -> None:
        """End when what is being done is done; what waits is done too."""
        self._waiting.end()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            if not work.done.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            try:
                result = work.call()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                work.done.set_exception(error)
            else:
                work.done.set_result(result)
