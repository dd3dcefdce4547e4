"""Merkle trees over entries, as in RFC 6962 section 2.1, with SHA-256.

A leaf is SHA-256(0x00 + entry), a node SHA-256(0x01 + left + right). Building level by level and
carrying an odd last node up unchanged gives the RFC's tree for every number of leaves.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of one canonical entry."""
    return sha256(b"\0" + entry).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over the leaves in order.

    Args:
        leaves: at least one leaf hash.

    Returns:
        32 bytes.
    """
    level = list(leaves)
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Every level of the tree, the leaves first, the root last."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        levels.append(_next_level(levels[-1]))
    return levels


def path_in(levels: Sequence[Sequence[bytes]], index: int) -> list[tuple[str, bytes]]:
    """The nodes that lead from one leaf to the root.

    Args:
        levels: as `levels_of` gives them.
        index: which leaf to prove.

    Returns:
        From the leaf upwards: on which side the sibling stands ("left" or "right"), and its hash.
    """
    path = []
    for level in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(("left" if sibling < index else "right", level[sibling]))
        index //= 2
    return path


def root_from(leaf: bytes, path: Sequence[tuple[str, bytes]]) -> bytes:
    """The root that a leaf and its proof lead to."""
    node = leaf
    for side, sibling in path:
        pair = sibling + node if side == "left" else node + sibling
        node = sha256(b"\1" + pair).digest()
    return node


def _next_level(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    if len(level) % 2:
        above.append(level[-1])
    return above
