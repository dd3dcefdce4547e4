"""What is written for backends, in the transaction of what happened."""

import json
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from keyvault import backup, vault
from keyvault.audit import SYSTEM
from keyvault.leases import create_backend
from keyvault.models import Credential, WebhookDelivery, WebhookEndpoint
from keyvault.webhooks import register
from tests.keyvault import factories

pytestmark = pytest.mark.django_db
State = Credential.State


@pytest.fixture
def listening() -> UUID:
    made = create_backend(name="app", scopes=[], stores=None, days=1, actor=SYSTEM)
    return register(backend_id=made.backend_id, url="https://example.test/", actor=SYSTEM).id


def _key() -> Credential:
    """One of which backends have heard before."""
    key = factories.credential()
    WebhookDelivery.objects.all().delete()
    return key


def _move(key: Credential, to: Credential.State) -> None:
    vault.set_state(credential_id=key.pk, keychain_id=key.keychain_id, to=to, actor=SYSTEM)


def _told() -> list[tuple[str, dict[str, str]]]:
    written = WebhookDelivery.objects.order_by("created_at").values_list("type", "body")
    return [(kind, json.loads(body)["data"]) for kind, body in written]


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize(
    ("before", "to", "event"),
    [
        (State.ACTIVE, State.SUSPENDED, "credential.failing"),
        (State.SUSPENDED, State.ACTIVE, "credential.recovered"),
        (State.PAUSED, State.ACTIVE, "credential.activated"),
        (State.REPLACED, State.ACTIVE, "credential.activated"),
        (State.ACTIVE, State.REPLACED, "credential.replaced"),
        (State.ACTIVE, State.REVOKED, "credential.revoked"),
        (State.REPLACED, State.REVOKED, "credential.revoked"),
    ],
)
def test_a_step_is_told_once(before: Credential.State, to: Credential.State, event: str) -> None:
    key = _key()
    Credential.objects.filter(pk=key.pk).update(state=before)

    _move(key, to)

    data = {"store": str(key.keychain_id), "credential": str(key.pk), "state": to.value}
    assert _told() == [(event, data)]
    _move(key, to)
    assert len(_told()) == 1


@pytest.mark.usefixtures("listening")
def test_shredding_tells_that_each_key_is_revoked() -> None:
    store = factories.keychain()
    keys = [factories.credential(of=store) for _ in range(2)]
    gone = factories.credential(of=store)
    _move(gone, State.REVOKED)
    WebhookDelivery.objects.all().delete()

    backup.shred(keychain_id=store.pk, now=timezone.now(), actor=SYSTEM)

    assert [(kind, data["credential"]) for kind, data in _told()] == [
        ("credential.revoked", str(each.pk)) for each in keys
    ]


@pytest.mark.usefixtures("listening")
def test_what_is_rolled_back_is_told_to_nobody() -> None:
    key = _key()

    with transaction.atomic():
        _move(key, State.SUSPENDED)
        transaction.set_rollback(True)

    assert _told() == []


def test_what_happens_while_an_address_is_switched_off_waits_for_it(listening: UUID) -> None:
    key = _key()
    WebhookEndpoint.objects.filter(pk=listening).update(disabled_at=timezone.now())

    _move(key, State.SUSPENDED)

    assert [kind for kind, _ in _told()] == ["credential.failing"]
