"""Stores that are careless on purpose, and one that is not: a power cut must catch the ones and spare the other."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from tests.torture.powercut import PowerCuts, cuts, record, sampled, without_syncs
from tests.torture.recording import Recording
from tests.torture.scenario import Promise, Scenario, Teller

NUMBERS = range(5)
MOMENTS = 150


def _nothing(_state: Path) -> None:
    """The stores make their own files."""


def _rows(synchronous: str) -> Callable[[Path, Teller], None]:
    def act(state: Path, teller: Teller) -> None:
        with closing(sqlite3.connect(state / "store.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY)")
            for number in NUMBERS:
                connection.execute("INSERT INTO rows VALUES (?)", (number,))
                teller.promised("kept", number)

    return act


def _check_rows(state: Path, promises: Sequence[Promise]) -> list[str]:
    with closing(sqlite3.connect(state / "store.db")) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'rows'").fetchone()[0]
        have = {number for (number,) in connection.execute("SELECT number FROM rows")} if tables else set()
    return [f"{number} is gone" for _, number in promises if number not in have]


def _files(*, content: bool, names: bool, beside: bool) -> Callable[[Path, Teller], None]:
    def act(state: Path, teller: Teller) -> None:
        for number in NUMBERS:
            path = state / f"{number}"
            written = path.with_suffix(".part") if beside else path
            with written.open("wb") as file:
                file.write(b"%d" % number * 2000)
                file.flush()
                if content:
                    os.fsync(file.fileno())
            if beside:
                written.rename(path)
            if names:
                directory = os.open(state, os.O_RDONLY)
                os.fsync(directory)
                os.close(directory)
            teller.promised("kept", number)

    return act


def _check_files(state: Path, promises: Sequence[Promise]) -> list[str]:
    return [
        f"{number} is gone"
        for _, number in promises
        if not (path := state / f"{number}").exists() or path.read_bytes() != b"%d" % number * 2000
    ]


CAREFUL = (
    Scenario("rows-synced", _nothing, _rows("FULL"), _check_rows),
    Scenario("files-synced", _nothing, _files(content=True, names=True, beside=True), _check_files),
)
CARELESS = (
    Scenario("rows-not-synced", _nothing, _rows("OFF"), _check_rows),
    Scenario("rows-synced-now-and-then", _nothing, _rows("NORMAL"), _check_rows),
    Scenario("files-without-content", _nothing, _files(content=False, names=True, beside=True), _check_files),
    Scenario("files-without-names", _nothing, _files(content=True, names=False, beside=True), _check_files),
    Scenario("files-in-place", _nothing, _files(content=False, names=True, beside=False), _check_files),
)


def what_is_caught(directory: Path, real: Sequence[Scenario]) -> list[tuple[str, bool, bool]]:
    """(name, whether it should be caught, whether it was): careless stores, and the real scenarios without syncs."""
    found = [
        (scenario.name, scenario in CARELESS, _is_caught(scenario, record(scenario, directory)))
        for scenario in (*CAREFUL, *CARELESS)
    ]
    for scenario in real:
        recording = record(scenario, directory)
        for words, directories_only in (("nothing", False), ("no directory", True)):
            careless = without_syncs(recording, directories_only=directories_only)
            found.append((f"{scenario.name}, {words} synced", True, _is_caught(scenario, careless)))
    return found


def _is_caught(scenario: Scenario, recording: Recording) -> bool:
    power = PowerCuts(scenario, recording)
    return any(power.try_cut(cut) for cut in sampled(list(cuts(scenario.name, recording, 0, 1)), MOMENTS))
