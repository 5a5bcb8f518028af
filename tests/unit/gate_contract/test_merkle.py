from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    consistency_proof,
    growth_node,
    growth_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_root,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "merkle"

if not VECTORS.exists():  # the project's own tests do not need them
    VECTOR_FILES: list[Any] = [pytest.param(None, marks=pytest.mark.skip(reason="../shared/vectors/merkle is absent"))]
else:
    VECTOR_FILES = [pytest.param(path, id=str(path.relative_to(VECTORS))) for path in sorted(VECTORS.rglob("*.json"))]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def nodes(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    return lambda level, index: naive_root(leaves[index << level : (index + 1) << level])


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("path", VECTOR_FILES)
def test_the_published_vectors_pass_and_the_bad_ones_are_refused(path: Path) -> None:
    vector = json.loads(path.read_text())

    def raw(text: str | None) -> bytes:
        return base64.b64decode(text or "")

    proof = [raw(item) for item in vector["proof"] or []]

    def verify() -> None:
        if "leafIdx" in vector:
            verify_inclusion(vector["leafIdx"], vector["treeSize"], raw(vector["leafHash"]), proof, raw(vector["root"]))
        else:
            roots = raw(vector["root1"]), raw(vector["root2"])
            verify_consistency(vector["size1"], vector["size2"], *roots, proof)

    if vector["wantErr"]:
        with pytest.raises(ProofError):
            verify()
    else:
        verify()


def test_hashes_are_domain_separated_as_in_rfc_9162() -> None:
    assert leaf_hash(b"") == bytes.fromhex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    assert node_hash(b"a" * 32, b"b" * 32) == sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()


@given(st.lists(st.integers(1, 40), max_size=6))
def test_a_frontier_grown_in_any_portions_has_the_root_of_the_whole_tree(portions: list[int]) -> None:
    leaves = hashes(sum(portions))
    frontier, start = Frontier(), 0
    for portion in portions:
        frontier = frontier.grown(leaves[start : start + portion])
        start += portion
    assert frontier.root() == naive_root(leaves)
    assert frontier.size == len(leaves)
    assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier


@given(st.integers(0, 40), st.integers(0, 40))
def test_growth_tells_of_every_subtree_that_becomes_complete(base: int, new: int) -> None:
    leaves = hashes(base + new)
    told: dict[tuple[int, int], bytes] = {}

    def keep(level: int, first: int, roots: Sequence[bytes]) -> None:
        told.update({(level, index): root for index, root in enumerate(roots, first)})

    assert Frontier().grown(leaves[:base]).grown(leaves[base:], keep) == Frontier().grown(leaves)
    complete = {(level, index) for level in range(1, 7) for index in range(base >> level, base + new >> level)}
    assert told == {(level, index): nodes(leaves)(level, index) for level, index in complete}


@pytest.mark.parametrize(("size", "peaks"), [(0, b"x" * 32), (3, b"x" * 32), (3, b"x" * 63), (-1, b"")])
def test_peaks_that_do_not_fit_the_size_are_refused(size: int, peaks: bytes) -> None:
    with pytest.raises(ProofError, match="bytes of peaks"):
        Frontier.from_bytes(size, peaks)


@given(st.data(), st.integers(1, 70))
def test_every_leaf_is_proved_to_be_in_its_tree(data: st.DataObject, size: int) -> None:
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, nodes(leaves))
    verify_inclusion(index, size, leaves[index], proof, naive_root(leaves))


@given(st.data(), st.integers(0, 70), st.integers(1, 70))
def test_every_leaf_just_appended_is_proved_from_the_peaks_before_it(data: st.DataObject, base: int, new: int) -> None:
    leaves = hashes(base + new)
    offset = data.draw(st.integers(0, new - 1))
    proof = growth_proof(Frontier().grown(leaves[:base]), leaves[base:], offset)
    assert proof == inclusion_proof(base + offset, base + new, nodes(leaves))
    verify_inclusion(base + offset, base + new, leaves[base + offset], proof, naive_root(leaves))


def test_many_proofs_of_one_growth_hash_each_node_once() -> None:
    leaves = hashes(1000)
    base = Frontier().grown(leaves[:313])
    node = growth_node(base, leaves[313:])
    for index in range(313, 1000):
        proof = inclusion_proof(index, 1000, node)
        verify_inclusion(index, 1000, leaves[index], proof, base.grown(leaves[313:]).root())


@pytest.mark.parametrize("offset", [-1, 3])
def test_no_growth_proof_is_made_for_a_leaf_that_is_not_appended(offset: int) -> None:
    with pytest.raises(ProofError, match=f"leaf {offset} is not among the 3"):
        growth_proof(Frontier(), hashes(3), offset)


@given(st.data(), st.integers(1, 70))
def test_every_prefix_is_proved_to_be_one(data: st.DataObject, size: int) -> None:
    leaves = hashes(size)
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(old, size, nodes(leaves))
    verify_consistency(old, size, naive_root(leaves[:old]), naive_root(leaves), proof)


@given(st.data(), st.integers(2, 70))
def test_an_inclusion_proof_with_one_bit_changed_is_refused(data: st.DataObject, size: int) -> None:
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, nodes(leaves))
    which, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = int.from_bytes(proof[which]) ^ (1 << bit)
    proof[which] = changed.to_bytes(32)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaves[index], proof, naive_root(leaves))


@given(st.data(), st.integers(2, 70))
def test_a_tree_that_changed_its_past_has_no_consistency_proof(data: st.DataObject, size: int) -> None:
    leaves = hashes(size)
    old = data.draw(st.integers(1, size - 1))
    changed = list(leaves)
    changed[data.draw(st.integers(0, old - 1))] = leaf_hash(b"another past")
    proof = consistency_proof(old, size, nodes(changed))
    with pytest.raises(ProofError):
        verify_consistency(old, size, naive_root(leaves[:old]), naive_root(changed), proof)


@pytest.mark.parametrize("change", ["shorter", "longer"])
def test_a_proof_of_the_wrong_length_is_refused_in_words(change: str) -> None:
    leaves = hashes(7)
    proof = inclusion_proof(3, 7, nodes(leaves))
    other = proof[:-1] if change == "shorter" else [*proof, leaf_hash(b"more")]
    with pytest.raises(ProofError, match=r"fewer than|more than"):
        verify_inclusion(3, 7, leaves[3], other, naive_root(leaves))
    consistency = consistency_proof(3, 7, nodes(leaves))
    other = consistency[:-1] if change == "shorter" else [*consistency, leaf_hash(b"more")]
    with pytest.raises(ProofError, match=r"too short|too long|leads to"):
        verify_consistency(3, 7, naive_root(leaves[:3]), naive_root(leaves), other)


def test_hashes_of_a_wrong_length_are_refused() -> None:
    with pytest.raises(ProofError, match="31 bytes"):
        verify_inclusion(0, 1, b"x" * 31, [], b"x" * 32)
    with pytest.raises(ProofError, match="33 bytes"):
        verify_consistency(1, 2, b"x" * 32, b"y" * 32, [b"x" * 33])


@pytest.mark.parametrize(("index", "size"), [(3, 3), (0, 0), (-1, 3)])
def test_no_proof_is_made_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError, match="is not in a tree"):
        inclusion_proof(index, size, nodes(hashes(3)))
    with pytest.raises(ProofError, match="is not in a tree"):
        verify_inclusion(index, size, b"x" * 32, [], b"x" * 32)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_no_consistency_proof_is_made_where_there_is_none(old: int, new: int) -> None:
    with pytest.raises(ProofError, match="no consistency proof"):
        consistency_proof(old, new, nodes(hashes(3)))


def test_a_range_is_the_root_of_its_leaves() -> None:
    leaves = hashes(13)
    assert range_root(8, 13, nodes(leaves)) == naive_root(leaves[8:])
    assert range_root(5, 5, nodes(leaves)) == EMPTY_ROOT
