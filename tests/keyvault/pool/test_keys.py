"""Keys under a lock."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from keyvault.models import Credential
from keyvault.pool.keys import locked_keys
from tests.keyvault import factories
from tests.keyvault.lending import key_of

pytestmark = pytest.mark.django_db


def test_a_key_that_is_resumed_while_others_are_locked_is_not_among_them() -> None:
    store = factories.keychain()
    first, second = key_of(store), key_of(store)
    Credential.objects.filter(pk=second.pk).update(state="paused")

    def resume_after_locking(
        execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        found = execute(sql, parameters, many, context)
        if sql.startswith('SELECT "keyvault_poolkey"."id"'):
            Credential.objects.filter(pk=second.pk).update(state="active")
        return found

    with transaction.atomic(), connection.execute_wrapper(resume_after_locking):
        locked = [row.credential_id for row in locked_keys(keychain_id=store.pk)]

    assert locked == [first.pk]
    assert Credential.objects.filter(state="active").count() == 2
