"""Writes of many threads: each by itself, whether or not they share a commit."""

from collections.abc import Callable, Sequence

import pytest
from django.db import IntegrityError

from keyvault.models import Keychain, PoolKey
from keyvault.pool.rows import KeyRow, read_keys
from keyvault.pool.writing import Effect, write_key
from tests.keyvault import factories
from tests.keyvault.at_once import at_once
from tests.keyvault.lending import key_of

pytestmark = pytest.mark.django_db(transaction=True)

# A use of no token: the database refuses it.
REFUSED = Effect(
    sql="INSERT INTO keyvault_tokenuse (token_id, minute, count) SELECT NULL, 1, 1 WHERE {saved}",
    parameters={},
)


@pytest.fixture
def rows() -> list[KeyRow]:
    store: Keychain = factories.keychain()
    for _ in range(8):
        key_of(store)
    return read_keys(where="TRUE", parameters={})


def _write(row: KeyRow, effects: Sequence[Effect] = ()) -> Callable[[], bool]:
    return lambda: write_key(
        key_id=row.id, version=row.version, state=row.advanced(), effects=effects
    )


def _versions() -> dict[int, int]:
    return dict(PoolKey.objects.values_list("pk", "version"))


def test_everybodys_write_takes_place(rows: list[KeyRow]) -> None:
    assert at_once([_write(row) for row in rows]) == [True] * 8
    assert _versions() == {row.id: row.version + 1 for row in rows}


def test_of_writes_to_one_version_one_takes_place(rows: list[KeyRow]) -> None:
    found = at_once([_write(rows[0])] * 8)
    assert sorted(found) == [False] * 7 + [True]
    assert _versions()[rows[0].id] == rows[0].version + 1


def test_a_write_that_fails_fails_alone(rows: list[KeyRow]) -> None:
    refused = [number % 2 == 0 for number in range(8)]
    found = at_once(
        [
            _write(row, [REFUSED] if is_refused else [])
            for row, is_refused in zip(rows, refused, strict=True)
        ]
    )
    assert [isinstance(each, IntegrityError) for each in found] == refused
    assert _versions() == {
        row.id: row.version + (not is_refused)
        for row, is_refused in zip(rows, refused, strict=True)
    }
