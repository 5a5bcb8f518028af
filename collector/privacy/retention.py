"""Retention: once an hour the service destroys what is personal and over its term, by a clock that may be believed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, select

from collector.config_retention import RetentionConfig
from collector.errors import CollectorError
from collector.ledger.log import Ledger
from collector.privacy.forgetting import enter_owed, forget
from collector.privacy.keystore import KeyEntry, KeyStore
from collector.privacy.pictures import PICTURE, FacePictures
from collector.privacy.steady_clock import Instant, Steadiness, look
from collector.store import schema
from collector.store.engine import Store

EVERY_S: Final = 3600.0
"""How often the service looks for terms that are over."""

ACTOR: Final = "retention"
"""In the ledger, for a key that no person destroyed."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""Names the machine's start; the service's unit must leave it visible."""

_REASON: Final = "its term is over"
_DECIDED: Final = "decided"  # cases.state
_HOUR_NS: Final = 3600 * 10**9

_log = structlog.get_logger()


class Retention:
    """The hourly step. It opens the key store when it is called, and never keeps it open."""

    def __init__(self, config: RetentionConfig, key_store: Path, store: Store, ledger: Ledger) -> None:
        """`key_store` is the file of the keys; `store` and `ledger` get the entries."""
        self._config, self._key_store = config, key_store
        self._store, self._ledger = store, ledger

    def step(self) -> None:
        """Destroy what is due now, if the clock may be believed; what fails is logged and tried again in an hour."""
        try:
            self.step_at(this_instant())
        except (CollectorError, OSError) as error:  # OSError: a /proc that tells nothing
            _log.error("personal data whose term is over could not be destroyed", cause=str(error))

    def step_at(self, now: Instant) -> list[KeyEntry]:
        """Destroy what is due at `now`; returns the entries of the keys and pictures that are gone."""
        with KeyStore(self._key_store) as keys:
            enter_owed(self._store, self._ledger, keys, now.wall_ns)
            pictures = FacePictures(self._store, keys, self._config)
            pictures.note()
            before = keys.clock()
            clock = look(before, now)
            keys.set_clock(clock)
            due = self._due(keys, now.wall_ns) + pictures.due(now.wall_ns)
            if not clock.believed:
                if due:
                    _tell_disbelief(clock, len(due))
                return []
            forget(self._store, self._ledger, keys, due, actor=ACTOR, reason=_REASON, now_ns=now.wall_ns)
        if due:
            gone = sum(each.kind == PICTURE for each in due)
            _log.info("personal data destroyed whose term was over", keys=len(due) - gone, pictures=gone)
        return due

    def _due(self, keys: KeyStore, now_ns: int) -> list[KeyEntry]:
        others = [each for each in keys.due(now_ns) if each.kind != "case"]
        with self._store.read() as connection:
            return others + [each for each in keys.entries("case") if self._case_is_over(connection, each, now_ns)]

    def _case_is_over(self, connection: Connection, entry: KeyEntry, now_ns: int) -> bool:
        """An open case keeps its text; a decided one as long as configured. `expires_ns` does not matter here."""
        table = schema.cases.c
        query = select(table.decided_ns).where(table.case_id == entry.name, table.state == _DECIDED)
        decided_ns = connection.scalars(query).one_or_none()
        return decided_ns is not None and self._config.cases_until(decided_ns) <= now_ns


def this_instant() -> Instant:
    """Both clocks of this machine, now."""
    boot_id = BOOT_ID.read_text(encoding="ascii").strip()
    return Instant(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), boot_id)


def _tell_disbelief(clock: Steadiness, due: int) -> None:
    _log.warning(
        "personal data is kept beyond its term: the clock jumped, or has not been watched long enough",
        keys=due,
        believed_in_hours=-(-clock.left_ns // _HOUR_NS),
        next_step="set the clock right (timedatectl) and keep it; nothing else is needed",
    )
