"""Merkle trees with sixteen children to a node."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from keyvault.audit import checkpoints, tree

ENTRIES = st.lists(st.binary(max_size=8), min_size=1, max_size=300)


def _root(leaves: list[bytes]) -> bytes:
    """The definition, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    groups = [leaves[start : start + 16] for start in range(0, len(leaves), 16)]
    return _root([sha256(b"\1" + b"".join(group)).digest() for group in groups])


def _leaves(entries: list[bytes]) -> list[bytes]:
    return [tree.leaf_hash(entry) for entry in entries]


@given(ENTRIES)
def test_the_root_is_as_defined(entries: list[bytes]) -> None:
    leaves = _leaves(entries)
    assert tree.root_of(b"".join(leaves)) == _root(leaves)


@given(ENTRIES, st.data())
def test_every_entry_is_proved_and_no_other(entries: list[bytes], data: st.DataObject) -> None:
    leaves = _leaves(entries)
    index = data.draw(st.integers(0, len(entries) - 1))
    path = tree.path_in(tree.levels_of(b"".join(leaves)), index)
    assert tree.root_from(leaves[index], path) == _root(leaves)
    assert tree.root_from(tree.leaf_hash(b"another entry"), path) != _root(leaves)


@given(st.sets(st.integers(1, 300), min_size=1))
def test_ranges_hold_exactly_their_ids(ids: set[int]) -> None:
    ordered = sorted(ids)
    assert list(checkpoints.ids_in(checkpoints.ranges_of(ordered))) == ordered
