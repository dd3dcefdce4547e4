"""Merkle trees over entries, with SHA-256 and sixteen children to a node.

A leaf is SHA-256 of an entry's canonical form, which begins with the letter "l"; a node is SHA-256
of 0x01 and the hashes of up to sixteen children in order. So a node is never taken for a leaf. The
shape follows from the number of leaves, which is signed with the root. A tree of one leaf is that
leaf.

Sixteen and not two: nodes then cost a fifteenth of a hash per entry instead of a whole one, and a
proof over a thousand entries is 1.4 KB.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
_NODE_BYTES: Final = 16 * HASH_BYTES


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of one canonical entry."""
    return sha256(entry).digest()


def root_of(leaves: bytes) -> bytes:
    """The root over leaves in order.

    Args:
        leaves: their hashes, joined; at least one.

    Returns:
        32 bytes.
    """
    while len(leaves) > HASH_BYTES:
        leaves = _next_level(leaves)
    return leaves


def levels_of(leaves: bytes) -> list[bytes]:
    """Every level of the tree, each joined: the leaves first, the root last."""
    levels = [leaves]
    while len(levels[-1]) > HASH_BYTES:
        levels.append(_next_level(levels[-1]))
    return levels


def path_in(levels: Sequence[bytes], index: int) -> list[tuple[bytes, bytes]]:
    """The nodes that lead from one leaf to the root.

    Args:
        levels: as `levels_of` gives them.
        index: which leaf to prove.

    Returns:
        From the leaf upwards: the joined siblings on its left, and those on its right.
    """
    path = []
    for level in levels[:-1]:
        here = index * HASH_BYTES
        start = here - here % _NODE_BYTES
        path.append((level[start:here], level[here + HASH_BYTES : start + _NODE_BYTES]))
        index //= 16
    return path


def root_from(leaf: bytes, path: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The root that a leaf and its proof lead to."""
    node = leaf
    for left, right in path:
        node = sha256(b"\1" + left + node + right).digest()
    return node


def _next_level(level: bytes) -> bytes:
    starts = range(0, len(level), _NODE_BYTES)
    return b"".join(
        [sha256(b"\1" + level[start : start + _NODE_BYTES]).digest() for start in starts]
    )
