from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import StoreError
from collector.ledger import tiles
from collector.ledger.tiles import Completing, StoredTree, Tile, perfect_root
from collector.store.engine import Store, open_store
from gate_contract.merkle import Frontier, inclusion_proof, node_hash, verify_consistency, verify_inclusion
from gate_contract.merkle import consistency_proof as prove_consistency

SIZE = 66_100  # one tile of level 16, 258 of level 8, and some leaves
LEAVES = [sha256(b"%d" % number).digest() for number in range(SIZE)]


def completed(frontier: Frontier, hashes: Sequence[bytes]) -> list[Tile]:
    completing = Completing()
    frontier.grown(hashes, completing)
    return completing.tiles


def portions(sizes: Sequence[int]) -> list[Tile]:
    frontier, start, found = Frontier(), 0, []
    for size in sizes:
        hashes = LEAVES[start : start + size]
        found += completed(frontier, hashes)
        frontier, start = frontier.grown(hashes), start + size
    return found


def test_the_root_of_a_perfect_subtree_is_that_of_rfc_9162() -> None:
    assert perfect_root(LEAVES[:1]) == LEAVES[0]
    assert perfect_root(LEAVES[:2]) == node_hash(*LEAVES[:2])
    assert perfect_root(LEAVES[:256]) == Frontier().grown(LEAVES[:256]).root()


@given(st.lists(st.sampled_from([1, 7, 255, 256, 257, 600]), max_size=8))
def test_tiles_are_the_same_however_the_tree_grows(sizes: list[int]) -> None:
    found = portions(sizes)
    whole = sum(sizes) // 256
    assert sorted((tile.level, tile.index) for tile in found) == [(8, index) for index in range(whole)]
    assert all(tile.root == perfect_root(LEAVES[tile.index * 256 : (tile.index + 1) * 256]) for tile in found)


def test_a_tile_of_tiles_is_complete_with_its_last_tile() -> None:
    first = Frontier().grown(LEAVES[:65_535])
    assert [(tile.level, tile.index) for tile in completed(first, LEAVES[65_535:65_537])] == [(8, 255), (16, 0)]
    assert completed(first, LEAVES[65_535:65_537])[1].root == perfect_root(LEAVES[:65_536])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('tiles') / 'c.db'}")
    with store.write() as connection:
        tiles.store(connection, "a/tree", completed(Frontier(), LEAVES))
    yield store
    store.close()


def counting(asked: list[int]) -> Callable[[int, int], Sequence[bytes]]:
    def leaves(start: int, end: int) -> Sequence[bytes]:
        found = LEAVES[start:end]
        asked.append(len(found))
        return found

    return leaves


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, SIZE - 1])
def test_proofs_are_made_of_tiles_and_few_leaves(tree: Store, index: int) -> None:
    asked: list[int] = []
    with tree.read() as connection:
        stored = StoredTree(connection, "a/tree", counting(asked))
        proof = inclusion_proof(index, SIZE, stored.node)
    verify_inclusion(index, SIZE, LEAVES[index], proof, Frontier().grown(LEAVES).root())
    assert sum(asked) <= 2 * 256


@pytest.mark.parametrize("old", [1, 300, 65_536, 65_999, SIZE])
def test_a_prefix_is_proved_from_tiles_too(tree: Store, old: int) -> None:
    asked: list[int] = []
    with tree.read() as connection:
        proof = prove_consistency(old, SIZE, StoredTree(connection, "a/tree", counting(asked)).node)
    roots = Frontier().grown(LEAVES[:old]).root(), Frontier().grown(LEAVES).root()
    verify_consistency(old, SIZE, *roots, proof)
    assert sum(asked) <= 2 * 256


def test_a_tile_that_is_missing_is_named(tree: Store) -> None:
    with tree.read() as connection:
        lacking = StoredTree(connection, "another/tree", counting([]))
        with pytest.raises(StoreError, match=r"the tree of another/tree lacks nodes of level 16 at 0.*audit"):
            inclusion_proof(65_999, SIZE, lacking.node)
