"""Stored roots of perfect subtrees, so that a proof costs the same in a log of any size.

A tree is cut into tiles of 2^8 leaves, tiles of 2^8 such tiles, and so on. A tile's root is stored when the tile is
complete; levels count in powers of two (8, 16, 24 ...). A proof then reads at most one run of 255 hashes a level at
each end of the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from collector.errors import StoreError
from collector.store import schema

HEIGHT = 8
"""Levels of the tree that one tile spans."""

WIDTH = 1 << HEIGHT

Leaves = Callable[[int, int], Sequence[bytes]]
"""(start, end) -> the leaf hashes [start, end) as far as they exist, in order."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Root of the perfect subtree over leaves [index << level, (index + 1) << level)."""

    level: int
    index: int
    root: bytes


class Completing:
    """Gathers the tiles that a growing tree completes: hand it to Frontier.grown as `on_level`."""

    def __init__(self) -> None:
        self.tiles: list[Tile] = []
        """By level, then by index."""

    def __call__(self, level: int, first: int, roots: Sequence[bytes]) -> None:
        """The roots of perfect subtrees of one level that lie one after another."""
        if level % HEIGHT == 0:
            self.tiles.extend(Tile(level, index, root) for index, root in enumerate(roots, first))


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Root over 1, 2, 4, 8 ... hashes."""
    level = hashes
    while len(level) > 1:
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def store(connection: Connection, tree: str, tiles: Iterable[Tile]) -> None:
    """Store completed tiles of the tree named "ledger" or by a journal's origin."""
    rows = [{"tree": tree, "level": tile.level, "tile_index": tile.index, "root": tile.root} for tile in tiles]
    if rows:
        connection.execute(insert(schema.tiles), rows)


class StoredTree:
    """Nodes of one stored tree, for gate_contract.merkle's proofs. Lives as long as the read transaction."""

    def __init__(self, connection: Connection, tree: str, leaves: Leaves) -> None:
        """`tree` names it in `tiles`; `leaves` reads its leaf hashes."""
        self._connection = connection
        self._tree = tree
        self._leaves = leaves
        self._runs: dict[tuple[int, int], Sequence[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Root of the perfect subtree over leaves [index << level, (index + 1) << level).

        Raises StoreError when what it is made of is not stored.
        """
        base = level - level % HEIGHT
        span = 1 << (level - base)
        run, offset = divmod(index * span, WIDTH)
        hashes = self._run(base, run)[offset : offset + span]
        if len(hashes) != span:
            raise StoreError(
                f"the tree of {self._tree} lacks nodes of level {base} at {index * span}",
                fix="run `gate-collector audit`",
            )
        return perfect_root(hashes)

    def _run(self, level: int, run: int) -> Sequence[bytes]:
        """The hashes of one level that one tile of the next stands on, as far as they exist."""
        key = (level, run)
        if key not in self._runs:
            start, end = run * WIDTH, (run + 1) * WIDTH
            self._runs[key] = self._tiles(level, start, end) if level else self._leaves(start, end)
        return self._runs[key]

    def _tiles(self, level: int, start: int, end: int) -> Sequence[bytes]:
        table = schema.tiles.c
        return self._connection.scalars(
            select(table.root)
            .where(table.tree == self._tree, table.level == level, table.tile_index >= start, table.tile_index < end)
            .order_by(table.tile_index)
        ).all()
