"""Merkle trees after RFC 9162, section 2.1: hashing, growth, inclusion and consistency proofs. Pure.

SHA-256 throughout; every hash is 32 bytes. Sizes and indices count leaves from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_SIZE = 32

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree with no leaves (RFC 9162, 2.1.1)."""

OnLevel = Callable[[int, int, Sequence[bytes]], None]
"""(level, first index, roots): of perfect subtrees over 1 << level leaves that lie one after another."""

Node = Callable[[int, int], bytes]
"""(level, index) -> root of the perfect subtree over leaves [index << level, (index + 1) << level)."""


class ProofError(ValueError):
    """A proof, or what it is about, does not hold; the text says where."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is needed of a tree to let it grow: the roots of its perfect subtrees, largest first.

    There is one for each bit set in `size`, so a tree of any size is kept in at most 64 hashes.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def grown(self, leaf_hashes: Iterable[bytes], on_level: OnLevel | None = None) -> Frontier:
        """The frontier after these leaves (given as leaf hashes) are appended.

        Level by level, siblings in one go: cheaper than leaf by leaf. `on_level` is told the roots of the perfect
        subtrees that become complete, for who keeps some of them.
        """
        nodes = list(leaf_hashes)
        size = self.size + len(nodes)
        higher, made = list(self.peaks), []
        level = 0
        while nodes:
            if self.size >> level & 1:
                nodes.insert(0, higher.pop())
            if len(nodes) & 1:
                made.append(nodes.pop())
            pairs = iter(nodes)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level += 1
            if on_level is not None:
                on_level(level, self.size >> level, nodes)
        return Frontier(size, (*higher, *reversed(made)))

    def root(self) -> bytes:
        """Root hash of the whole tree."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node

    def to_bytes(self) -> bytes:
        """The peaks, concatenated; the size is kept beside them."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, peaks: bytes) -> Frontier:
        """Read what `to_bytes` wrote; ProofError when there are not as many peaks as `size` needs."""
        if size < 0 or len(peaks) != HASH_SIZE * size.bit_count():
            raise ProofError(f"a tree of {size} leaves has other than {len(peaks)} bytes of peaks")
        return cls(size, tuple(peaks[i : i + HASH_SIZE] for i in range(0, len(peaks), HASH_SIZE)))


def range_root(start: int, end: int, node: Node) -> bytes:
    """Root over the leaves [start, end), where `start` is a multiple of the next power of two not below the length."""
    length = end - start
    if length == 0:
        return EMPTY_ROOT
    if length & (length - 1) == 0:
        level = length.bit_length() - 1
        return node(level, start >> level)
    split = start + _largest_power_below(length)
    return node_hash(range_root(start, split, node), range_root(split, end, node))


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Audit path of the leaf at `index` in the tree of `size` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _largest_power_below(end - start)
        if index < split:
            path.append(range_root(split, end, node))
            end = split
        else:
            path.append(range_root(start, split, node))
            start = split
    path.reverse()
    return path


def growth_node(base: Frontier, leaves: Sequence[bytes]) -> Node:
    """Nodes of the tree that `base` becomes when these leaf hashes are appended, for proofs of the new leaves.

    It knows the peaks of `base` and what stands over at least one new leaf: all that the inclusion proof of a new leaf
    in the grown tree needs. Every node is hashed once, however many proofs are made.
    """
    made: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        if (index + 1) << level <= base.size:  # asked for only where the parent is not within `base`: a peak
            return base.peaks[(base.size >> (level + 1)).bit_count()]
        if level == 0:
            return leaves[index - base.size]
        if (level, index) not in made:
            made[level, index] = node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        return made[level, index]

    return node


def growth_proof(base: Frontier, leaves: Sequence[bytes], offset: int) -> list[bytes]:
    """Inclusion proof of `leaves[offset]` in the tree that `base` becomes when all of `leaves` are appended.

    Several proofs over the same leaves cost less with `inclusion_proof` over one `growth_node`.
    """
    if not 0 <= offset < len(leaves):
        raise ProofError(f"leaf {offset} is not among the {len(leaves)} that are appended")
    return inclusion_proof(base.size + offset, base.size + len(leaves), growth_node(base, leaves))


def consistency_proof(old_size: int, new_size: int, node: Node) -> list[bytes]:
    """Proof that the tree of `old_size` leaves is a prefix of the tree of `new_size` (RFC 9162, 2.1.4.1)."""
    if not 0 < old_size <= new_size:
        raise ProofError(f"no consistency proof leads from {old_size} to {new_size} leaves")
    proof: list[bytes] = []
    start, end, whole = 0, new_size, True
    while old_size != end:
        split = start + _largest_power_below(end - start)
        if old_size <= split:
            proof.append(range_root(split, end, node))
            end = split
        else:
            proof.append(range_root(start, split, node))
            start, whole = split, False
    if not whole:
        proof.append(range_root(start, end, node))
    proof.reverse()
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with hash `leaf` is at `index` of the tree with `size` and `root` (RFC 9162, 2.1.3.2).

    Raises ProofError when it is not.
    """
    _check_hashes("leaf hash", [leaf])
    _check_hashes("proof", proof)
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError(f"the inclusion proof has {len(proof)} hashes, more than leaf {index} of {size} needs")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError(f"the inclusion proof has {len(proof)} hashes, fewer than leaf {index} of {size} needs")
    if node != root:
        raise ProofError(f"leaf {index} of {size}: the proof leads to root {node.hex()}, not {root.hex()}")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree (old_size, old_root) is a prefix of (new_size, new_root) (RFC 9162, 2.1.4.2).

    Raises ProofError when it is not. From size 0 nothing can be proved, so that is an error too.
    """
    _check_hashes("proof", proof)
    if not 0 <= old_size <= new_size:
        raise ProofError(f"{old_size} leaves are not a prefix of {new_size}")
    if old_size == 0:
        raise ProofError("consistency with an empty tree proves nothing")
    if old_size == new_size:
        if proof:
            raise ProofError("the sizes are equal, so the consistency proof must be empty")
        if old_root != new_root:
            raise ProofError(f"two roots for size {old_size}: {old_root.hex()} and {new_root.hex()}")
        return
    if not proof:
        raise ProofError(f"the consistency proof from {old_size} to {new_size} is empty")
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    old, new = _replay_consistency(old_size, new_size, path)
    if old != old_root:
        raise ProofError(f"the proof leads to old root {old.hex()}, not {old_root.hex()}")
    if new != new_root:
        raise ProofError(f"the proof leads to new root {new.hex()}, not {new_root.hex()}")


def _replay_consistency(old_size: int, new_size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that the path leads to (steps 3 to 7 of RFC 9162, 2.1.4.2)."""
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError(f"the consistency proof from {old_size} to {new_size} is too long")
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError(f"the consistency proof from {old_size} to {new_size} is too short")
    return old, new


def _largest_power_below(length: int) -> int:
    """The largest power of two strictly below `length` (2 or more)."""
    return 1 << ((length - 1).bit_length() - 1)


def _check_hashes(what: str, hashes: Sequence[bytes]) -> None:
    for item in hashes:
        if len(item) != HASH_SIZE:
            raise ProofError(f"{what}: a hash has {len(item)} bytes, not {HASH_SIZE}")
