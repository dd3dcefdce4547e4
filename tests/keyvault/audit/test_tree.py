"""Merkle trees against RFC 6962's own definition."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from keyvault.audit import checkpoints, tree


def _rfc(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + _rfc(leaves[:split]) + _rfc(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70))
def test_the_root_is_the_rfcs(entries: list[bytes]) -> None:
    assert tree.root_of([tree.leaf_hash(entry) for entry in entries]) == _rfc(entries)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_every_entry_is_proved_and_no_other(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [tree.leaf_hash(entry) for entry in entries]
    index = data.draw(st.integers(0, len(entries) - 1))
    path = tree.path_in(tree.levels_of(leaves), index)
    assert tree.root_from(leaves[index], path) == tree.root_of(leaves)
    assert tree.root_from(tree.leaf_hash(b"another entry"), path) != tree.root_of(leaves)


@given(st.sets(st.integers(1, 300), min_size=1))
def test_ranges_hold_exactly_their_ids(ids: set[int]) -> None:
    ordered = sorted(ids)
    assert list(checkpoints.ids_in(checkpoints.ranges_of(ordered))) == ordered
