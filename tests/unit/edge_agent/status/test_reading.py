from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import ConfigError, JournalError
from edge_agent.journal.journal import Journal
from edge_agent.status.reading import Places, captured_unix_ns, journal_balance, journal_size, places, records
from gate_contract.checkpoint import Receipt, Signer, open_checkpoint
from gate_contract.envelope import encode_records
from gate_contract.v1.record_pb2 import Record

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "test.example/agent/gate-1/0000"
SEGMENT = Path("journal", f"{0:020}.db")

DIES_IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_agent.journal.journal import Journal
from gate_contract.checkpoint import Signer
key = Ed25519PrivateKey.from_private_bytes(bytes(32))
journal = Journal(Path(sys.argv[1]), Signer(sys.argv[2], key))
journal.append([bytes.fromhex(record) for record in sys.argv[3:]])
os.kill(os.getpid(), signal.SIGKILL)
"""


def record(seconds: int) -> bytes:
    message = Record(format=1, site_id="xiuying")
    message.captured.wall_unix_ns = seconds * 1_000_000_000
    return message.SerializeToString()


def open_journal(directory: Path) -> Journal:
    return Journal(directory / "journal", Signer(ORIGIN, KEY))


def kill_an_agent_after(directory: Path, *bodies: bytes) -> None:
    """Leaves what a killed agent leaves: records that are in the write-ahead log only."""
    arguments = [str(directory / "journal"), ORIGIN, *(body.hex() for body in bodies)]
    done = subprocess.run([sys.executable, "-c", DIES_IN_THE_MIDDLE, *arguments], check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    assert (directory / SEGMENT).with_name(f"{SEGMENT.name}-wal").stat().st_size > 0


def acknowledge(journal: Journal, size: int, dead_lettered: int, received_ns: int) -> None:
    """As when the collector's receipt has come and was verified."""
    stretch = journal.stretch(0, size, 1 << 20)
    assert stretch is not None
    checkpoint = open_checkpoint(stretch.note, Signer(ORIGIN, KEY).verifier)
    assert checkpoint.size == size
    journal.acknowledge(Receipt(checkpoint, 1), b"note", dead_lettered, received_ns)


# --- where things are ---------------------------------------------------------------------------------------------


def test_places_are_those_of_the_site_file_relative_to_it(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[agent]\nstate_dir = "state"\nruntime_dir = "/run/other"\n')
    assert places(site) == Places(tmp_path / "state", Path("/run/other"))


def test_places_are_the_services_where_the_site_file_says_nothing(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('site = "xiuying"\n')
    assert places(site) == Places(Path("/var/lib/tidegate-edge"), Path("/run/tidegate-edge"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"site = xiuying", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"agent = 3", "agent is no table"),
        (b"[agent]\nstate_dir = 3", "state_dir and runtime_dir in \\[agent\\] are texts"),
    ],
)
def test_a_site_file_that_says_no_place_is_an_error_that_names_it(tmp_path: Path, content: bytes, words: str) -> None:
    site = tmp_path / "site.toml"
    site.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        places(site)
    assert str(site) in str(caught.value)
    assert "check-config" in caught.value.fix


def test_a_site_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"site\.toml cannot be read\. No such file"):
        places(tmp_path / "site.toml")


# --- the journal --------------------------------------------------------------------------------------------------


def test_the_balance_of_a_journal_in_use(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append([record(100), record(200)])
        acknowledge(journal, 2, dead_lettered=1, received_ns=250)
        journal.append([record(300), record(400), record(500)])
        balance = journal_balance(tmp_path)
    assert balance is not None
    assert balance.pop("disk_free_bytes") > 0
    assert balance == {
        "captured": 5,
        "acknowledged": 1,
        "pending": 3,
        "dead_lettered": 1,
        "oldest_pending_unix_ns": 300 * 10**9,
        "last_receipt_unix_ns": 250,
    }


def test_an_empty_journal_balances_and_nothing_of_it_is_old(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    balance = journal_balance(tmp_path)
    assert balance is not None
    assert (balance["captured"], balance["pending"]) == (0, 0)
    assert balance["oldest_pending_unix_ns"] is balance["last_receipt_unix_ns"] is None
    assert journal_size(tmp_path) == 0
    assert records(tmp_path, 0, 10) == []


def test_a_journal_whose_agent_was_killed_is_read_to_its_last_record(tmp_path: Path) -> None:
    kill_an_agent_after(tmp_path, record(100), record(200))
    balance = journal_balance(tmp_path)
    assert balance is not None
    assert (balance["captured"], balance["pending"], balance["oldest_pending_unix_ns"]) == (2, 2, 100 * 10**9)
    assert records(tmp_path, 0, 10) == [(0, record(100)), (1, record(200))]
    with closing(open_journal(tmp_path)) as journal:  # and the agent finds it as it was
        assert journal.size == 2


def test_reading_a_journal_that_nobody_uses_leaves_nothing_beside_it(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append([record(100)])
    before = {path.name: path.read_bytes() for path in (tmp_path / "journal").iterdir()}
    assert sorted(before) == [SEGMENT.name, SEGMENT.with_suffix(".leaves").name, "newest"]
    assert journal_size(tmp_path) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "journal").iterdir()} == before


def test_a_directory_with_any_name_can_be_read(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    kill_an_agent_after(plain, record(100))
    assert journal_size(plain.rename(tmp_path / "50% done? #1 日志")) == 1


def test_without_a_journal_there_is_no_balance_and_no_records(tmp_path: Path) -> None:
    assert journal_balance(tmp_path) is None
    assert journal_balance(tmp_path / "not-there") is None
    for ask in (lambda: journal_size(tmp_path), lambda: records(tmp_path, 0, 1)):
        with pytest.raises(JournalError, match="there is no journal"):
            ask()


@pytest.mark.parametrize("content", [b"no database at all, and long enough to be taken for one" * 20, b""])
def test_a_file_that_is_no_journal_is_an_error_with_its_cause(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / SEGMENT).write_bytes(content)
    with pytest.raises(JournalError, match=r"cannot be read\. (file is not a database|no such table)"):
        journal_balance(tmp_path)


def test_a_journal_that_another_program_holds_is_an_error_soon(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append([record(100)])
    with closing(sqlite3.connect(tmp_path / SEGMENT, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM seen")
        with pytest.raises(JournalError, match="locked"):
            journal_balance(tmp_path)


def test_a_journal_that_this_user_may_not_read_is_an_error_with_the_next_step(
    tmp_path: Path, somebody_else: Callable[[Path], AbstractContextManager[None]]
) -> None:
    open_journal(tmp_path).close()
    with somebody_else(tmp_path), pytest.raises(JournalError, match=r"Permission denied.*sudo -u tidegate-edge"):
        journal_balance(tmp_path)


def test_records_come_in_order_from_an_index_on_and_not_more_than_asked_for(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append([record(second) for second in range(5)])
        assert records(tmp_path, 3, 10) == [(3, record(3)), (4, record(4))]
        assert records(tmp_path, 0, 2) == [(0, record(0)), (1, record(1))]
        assert records(tmp_path, 5, 10) == []


def test_records_are_read_across_segments(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", Signer(ORIGIN, KEY), segment_bytes=1)) as journal:
        for second in range(5):
            journal.append([record(second)])
        assert len(list((tmp_path / "journal").glob("*.db"))) == 5
        assert records(tmp_path, 1, 3) == [(1, record(1)), (2, record(2)), (3, record(3))]
        assert records(tmp_path, 4, 3) == [(4, record(4))]
        acknowledge_first(journal)
        journal.prune(keep=0)
        assert records(tmp_path, 0, 2) == [(1, record(1)), (2, record(2))]


def acknowledge_first(journal: Journal) -> None:
    acknowledge(journal, 1, dead_lettered=0, received_ns=1)


def test_lost_records_are_left_out(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append([record(second) for second in range(3)])
        stretch = journal.stretch(0, 3, 1 << 20)
        assert stretch is not None
    with closing(sqlite3.connect(tmp_path / SEGMENT, isolation_level=None)) as other:
        other.execute("UPDATE commits SET body = ?", (encode_records([record(0), record(2)]),))
        other.execute("INSERT INTO lost VALUES (1, x'00')")
    assert records(tmp_path, 0, 5) == [(0, record(0)), (2, record(2))]


def test_bytes_that_are_no_record_have_no_time() -> None:
    assert captured_unix_ns(record(7)) == 7 * 10**9
    assert captured_unix_ns(b"\xff\xff\xff") is None
