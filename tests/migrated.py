"""A new collector database, made once for each test process and then copied.

The migrations take a tenth of a second and a dozen syncs of the disk each time. What they do is tested in
tests/unit/collector/store; all other tests begin where they have ended.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from collector.store.engine import Store, open_store


def open_new(url: str) -> Store:
    """Like open_store; an SQLite database that is not there is copied instead of migrated."""
    database = make_url(url).database
    if url.startswith("sqlite") and database is not None and not Path(database).exists():
        copy_to(Path(database))
    return open_store(url)


def copy_to(path: Path) -> None:
    """Put an empty database of the newest schema there."""
    path.write_bytes(_template())


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory(prefix="tidegate-template-") as directory:
        path = Path(directory) / "collector.db"
        open_store(f"sqlite:///{path}").close()  # the last connection to close writes the log back
        return path.read_bytes()
