"""Keys of sailings at the gate: there while the sailing lasts, nowhere afterwards."""

from __future__ import annotations

import secrets
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import EdgeAgentError
from edge_agent.reference.sailing_keys import SailingKeys
from gate_contract.v1.reference_pb2 import SailingKey

NOW = 1_790_000_000_000_000_000


def key(number: int, secret: bytes = bytes(32), expires: int = NOW) -> SailingKey:
    return SailingKey(key_id=f"K-{number}", sailing_id=f"S-{number}", key=secret, expires_unix_ns=expires)


def test_keys_are_there_after_a_restart_for_nobody_but_the_agent(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    keys = SailingKeys(path)
    keys.take([key(1), SailingKey(key_id="short", key=b"short")])
    keys.close()
    again = SailingKeys(path)
    assert (len(again), again.key("K-1"), again.key("short")) == (1, bytes(32), None)
    assert again.of_sailing("S-1") == ("K-1", bytes(32))
    assert again.of_sailing("S-2") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again.close()


def test_a_key_that_was_destroyed_is_in_no_file_any_more(tmp_path: Path) -> None:
    secret, other = secrets.token_bytes(32), secrets.token_bytes(32)
    keys = SailingKeys(tmp_path / "k.db")
    keys.take([key(1, secret), key(2, other, NOW + 1)])
    assert any(secret in file.read_bytes() for file in tmp_path.iterdir())
    assert keys.destroy_over(NOW, {"K-1", "K-2"}) == 1
    assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())
    assert (keys.key("K-1"), keys.key("K-2")) == (None, other)
    keys.close()
    assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())


def test_a_key_that_no_manifest_names_is_destroyed_and_a_clock_nobody_believes_ends_none(tmp_path: Path) -> None:
    keys = SailingKeys(tmp_path / "k.db")
    keys.take([key(1), key(2), key(3, expires=0)])
    assert keys.destroy_over(None, {"K-1", "K-3"}) == 1
    assert keys.key("K-2") is None
    assert keys.destroy_over(NOW, {"K-1", "K-3"}) == 1
    assert len(keys) == 1, "one without a term ends with its manifest"
    keys.close()


@pytest.mark.parametrize("column", ["key = zeroblob(31) || x'01'", "expires_ns = expires_ns + 1", "key_id = 'K-9'"])
def test_a_key_that_is_another_by_now_is_not_used_and_everything_is_to_be_fetched(tmp_path: Path, column: str) -> None:
    path = tmp_path / "k.db"
    keys = SailingKeys(path)
    keys.take([key(1)])
    keys.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"UPDATE sailing_keys SET {column}")  # noqa: S608 - of this test
    lost: list[bool] = []
    keys = SailingKeys(path, lambda: lost.append(True))
    assert (len(keys), lost) == (0, [True])
    keys.take([key(1)])
    keys.close()
    assert len(SailingKeys(path)) == 1


def test_a_file_of_before_keys_were_checked_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE sailing_keys (key_id TEXT PRIMARY KEY, sailing_id, key, expires_ns) WITHOUT ROWID")
    lost: list[bool] = []
    SailingKeys(path, lambda: lost.append(True)).close()
    assert lost == [True]


def test_a_damaged_file_is_made_anew_and_everything_is_to_be_fetched(tmp_path: Path) -> None:
    (tmp_path / "k.db").write_bytes(b"not a database" * 100)
    lost = []
    keys = SailingKeys(tmp_path / "k.db", lambda: lost.append(True))
    assert (len(keys), lost) == (0, [True])
    keys.take([key(1)])
    keys.close()


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgeAgentError, match=r"the keys of sailings in .* cannot be used"):
        SailingKeys(tmp_path / "nowhere" / "k.db")
