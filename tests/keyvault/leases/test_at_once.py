"""Many at once, in real transactions."""

from functools import partial
from uuid import uuid4

import pytest

from keyvault.audit import Actor
from keyvault.errors import PoolEmptyError, StateError
from keyvault.leases import LeaseAsk, create_token, issue_lease, issue_once, release_token
from keyvault.models import AuditEntry, BackendToken, Keychain, Lease
from tests.keyvault import factories
from tests.keyvault.at_once import at_once
from tests.keyvault.leases.test_tokens import ANNA, asked_for
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store() -> Keychain:
    return factories.keychain()


@pytest.fixture
def backend() -> Api:
    return Api(token_of())


def test_callers_at_once_never_get_more_than_the_windows_hold(
    backend: Api, store: Keychain
) -> None:
    key_of(store, limits=[[60, 10]])
    key_of(store, limits=[[60, 7]])

    def lease() -> int:
        try:
            return issue_lease(
                digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=2)
            ).permits
        except PoolEmptyError:
            return 0

    granted = at_once([lease] * 16)

    assert sum(granted) == 17
    assert sum(Lease.objects.values_list("counted", flat=True)) == 17


def test_the_same_request_many_times_at_once_has_one_effect(backend: Api, store: Keychain) -> None:
    key_of(store)

    def lease() -> str:
        found = issue_once(
            digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=2), key="one"
        )
        return str(found.id)

    found = at_once([lease] * 20)

    assert len(found) == 20
    assert len(set(found)) == 1
    assert Lease.objects.count() == 1
    assert AuditEntry.objects.filter(action="lease.granted").count() == 1


def test_a_form_sent_many_times_at_once_makes_one_token() -> None:
    form_id, owner = uuid4(), asked_for()

    def make() -> int:
        made = create_token(
            backend_id=owner.backend_id, scopes=[], days=1, actor=ANNA, form_id=form_id
        )
        return made.token_id

    found = at_once([make] * 8)

    assert sum(isinstance(each, int) for each in found) == 1
    assert sum(isinstance(each, StateError) for each in found) == 7
    assert BackendToken.objects.filter(form_id=form_id).count() == 1


def test_of_many_second_persons_at_once_one_lets_a_token_work() -> None:
    made = asked_for()
    people = [Actor(kind="person", id=str(number)) for number in range(2, 8)]

    def release(actor: Actor) -> None:
        release_token(token_id=made.token_id, actor=actor)

    found = at_once([partial(release, each) for each in people])

    assert found.count(None) == 1
    assert AuditEntry.objects.filter(action="token.created").count() == 1
