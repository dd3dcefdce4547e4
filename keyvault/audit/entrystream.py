"""Entries in the order of their ids, handed out checkpoint by checkpoint."""

from collections.abc import Iterator, Sequence

from keyvault.audit import tree
from keyvault.audit.leaves import NEWLINES, all_leaves

_FORGED = b""


class EntryStream:
    """Reads every entry once.

    Most checkpoints cover the very next ids without a gap: `take_run` hands those out as a slice.
    Whatever is passed over waits in a table, for the later checkpoint that a late commit ended in.
    """

    def __init__(self) -> None:
        self._portions = all_leaves()
        self._ids: list[int] = []
        self._leaves: list[bytes] = []
        self._at = 0
        self._passed: dict[int, bytes] = {}

    def take_run(self, *, first: int, last: int, count: int) -> list[bytes] | None:
        """The leaves of the next entries, when they are exactly that run of ids.

        Returns:
            The leaves, or None when the run has a gap, a stranger or does not come next; nothing is
            taken then.
        """
        if last - first + 1 != count or not self._have(count):
            return None
        end = self._at + count
        if self._ids[self._at] != first or self._ids[end - 1] != last:
            return None
        leaves = self._leaves[self._at : end]
        self._at = end
        return leaves

    def take(self, ids: Sequence[int]) -> list[bytes | None]:
        """The leaves of these ids in their order; None where there is no such entry."""
        highest = max(ids, default=0)
        while self._have(1) and self._ids[self._at] <= highest:
            self._passed[self._ids[self._at]] = self._leaves[self._at]
            self._at += 1
        return [self._passed.pop(entry_id, None) for entry_id in ids]

    def left_over(self) -> Iterator[int]:
        """The ids that nobody has taken; ends the stream."""
        yield from self._passed
        while self._have(1):
            yield from self._ids[self._at :]
            self._at = len(self._ids)

    def _have(self, count: int) -> bool:
        while len(self._ids) - self._at < count:
            rows = next(self._portions, None)
            if rows is None:
                return False
            self._ids = self._ids[self._at :]
            self._leaves = self._leaves[self._at :]
            self._at = 0
            for entry_id, entry in rows:
                fits = entry.count(b"\n") == NEWLINES
                self._ids.append(entry_id)
                self._leaves.append(tree.leaf_hash(entry) if fits else _FORGED)
        return True
