"""Ids as spans behave like the set that they stand for."""

from hypothesis import example, given
from hypothesis import strategies as st

from keyvault.audit.spans import Spans

PAIRS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)), max_size=20)


@given(PAIRS)
@example([(1, 2), (5, 2), (4, 0), (3, 0)])
def test_spans_take_each_id_once(pairs: list[tuple[int, int]]) -> None:
    spans, plain = Spans(), set[int]()
    for first, length in pairs:
        ids = set(range(first, first + length))
        assert spans.add(first=first, last=first + length - 1) == bool(ids and not ids & plain)
        if not ids & plain:
            plain |= ids
        assert len(spans) == len(plain)
        assert {wanted for wanted in range(60) if wanted in spans} == plain
