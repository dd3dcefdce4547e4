"""Sets of ids that come in long runs, which a list of their ends holds in little memory."""

from bisect import bisect_right


class Spans:
    """Ids as disjoint spans in order; neighbours are joined."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._count = 0

    def add(self, *, first: int, last: int) -> bool:
        """Takes the ids of a span; False when one of them is in it already, or there are none."""
        at = bisect_right(self._firsts, first)
        follows = at > 0 and self._lasts[at - 1] >= first
        if last < first or follows or (at < len(self._firsts) and self._firsts[at] <= last):
            return False
        self._count += last - first + 1
        if at > 0 and self._lasts[at - 1] == first - 1:
            self._lasts[at - 1] = last
        else:
            self._firsts.insert(at, first)
            self._lasts.insert(at, last)
        return True

    def __contains__(self, wanted: int) -> bool:
        """Whether an id is in it."""
        at = bisect_right(self._firsts, wanted)
        return at > 0 and self._lasts[at - 1] >= wanted

    def __len__(self) -> int:
        """How many ids there are."""
        return self._count
