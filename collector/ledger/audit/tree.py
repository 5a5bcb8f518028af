"""A tree grown again from its leaves, compared with the tiles that are stored of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection, func, select

from collector.ledger import tiles
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.merkle import Frontier

_MANY = 256  # tiles looked up in one statement


class GrownTree:
    """One tree of `tiles`, grown leaf by leaf."""

    def __init__(self, connection: Connection, tree: str, problems: Problems) -> None:
        """`tree` is "ledger" or a journal's origin."""
        self.frontier = Frontier()
        self._connection = connection
        self._tree = tree
        self._problems = problems
        self._unchecked: list[tiles.Tile] = []
        self._tiles = 0

    def grow(self, leaves: Sequence[bytes]) -> None:
        """Append leaf hashes; tiles they complete are compared some at a time."""
        completing = tiles.Completing()
        self.frontier = self.frontier.grown(leaves, completing)
        self._unchecked += completing.tiles
        if len(self._unchecked) >= _MANY:
            self._compare()

    def finish(self) -> None:
        """Compare what is left, and look for tiles that should not be there."""
        self._compare()
        table = schema.tiles.c
        stored = self._connection.scalar(select(func.count()).where(table.tree == self._tree)) or 0
        if stored != self._tiles:
            self._problems.add(f"tiles of {self._tree}", f"{stored} are stored, the leaves make {self._tiles}")

    def _compare(self) -> None:
        table = schema.tiles.c
        for level, group in groupby(sorted(self._unchecked, key=lambda tile: tile.level), lambda tile: tile.level):
            grown = {tile.index: tile.root for tile in group}
            rows = self._connection.execute(
                select(table.tile_index, table.root).where(
                    table.tree == self._tree, table.level == level, table.tile_index.in_(grown)
                )
            )
            stored = {row.tile_index: row.root for row in rows}
            for index, root in grown.items():
                if stored.get(index) != root:
                    self._problems.add(
                        f"tile {index} of level {level} of {self._tree}",
                        "its root is not that of its leaves" if index in stored else "it is missing",
                    )
            self._tiles += len(grown)
        self._unchecked.clear()
