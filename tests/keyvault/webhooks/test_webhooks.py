"""Events on their way to backends."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug import Request, Response

from keyvault import due, vault
from keyvault.audit import SYSTEM
from keyvault.errors import UnknownRecordError
from keyvault.leases import Scope, create_backend, switch_backend
from keyvault.models import (
    AuditEntry,
    Backend,
    Credential,
    Keychain,
    WebhookDelivery,
    WebhookEndpoint,
)
from keyvault.webhooks import (
    Sent,
    enable,
    register,
    remove,
    replace_key,
    replay,
    replay_failed,
)
from keyvault.webhooks.delivering import PRUNED_AT_A_TIME
from keyvault.webhooks.outcomes import record
from tests.keyvault import factories
from tests.keyvault.delivering import deliver
from tests.keyvault.lending import key_of

pytestmark = pytest.mark.django_db


class Receiver:
    """A backend's own server."""

    def __init__(self, server: HTTPServer) -> None:
        self.requests: list[Request] = []
        self.status = 204
        self.retry_after = ""
        server.expect_request("/hook").respond_with_handler(self._answer)
        self.url = server.url_for("/hook")

    def _answer(self, request: Request) -> Response:
        request.get_data()
        self.requests.append(request)
        return Response(status=self.status, headers={"Retry-After": self.retry_after})


@pytest.fixture
def receiver(httpserver: HTTPServer, settings: Settings) -> Receiver:
    settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"{httpserver.host}:{httpserver.port}"]
    return Receiver(httpserver)


def _listen(url: str, stores: list[Keychain] | None = None) -> str:
    made = create_backend(
        name=f"b{Credential.objects.count()}{len(stores or [])}",
        scopes=list(Scope),
        stores=None if stores is None else [each.pk for each in stores],
        days=1,
        actor=SYSTEM,
    )
    endpoint = register(backend_id=made.backend_id, url=url, actor=SYSTEM)
    return endpoint.signing_key.get_secret_value()


def _suspend(store: Keychain, key: Credential) -> None:
    vault.set_state(
        credential_id=key.pk,
        keychain_id=store.pk,
        to=Credential.State.SUSPENDED,
        actor=SYSTEM,
    )


def test_an_event_arrives_signed(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    signing_key = _listen(receiver.url)
    _suspend(store, key)

    assert deliver(timezone.now()) == 1

    request = receiver.requests[0]
    event = Webhook(signing_key).verify(request.get_data(), dict(request.headers))
    assert event["type"] == "credential.failing"
    assert event["data"]["credential"] == str(key.pk)
    assert WebhookDelivery.objects.get().delivered_at is not None
    assert deliver(timezone.now()) == 0


def test_only_backends_of_the_store_are_told(receiver: Receiver) -> None:
    store, other = factories.keychain(), factories.keychain()
    key = key_of(store)
    _listen(receiver.url, stores=[other])

    _suspend(store, key)

    assert not WebhookDelivery.objects.exists()


def test_a_backend_that_is_switched_off_is_not_told(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    Backend.objects.update(is_active=False)

    _suspend(store, key)

    assert not WebhookDelivery.objects.exists()


def test_what_waits_for_a_backend_that_is_switched_off_is_held(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    backend = Backend.objects.get()
    switch_backend(backend_id=backend.pk, is_active=False, actor=SYSTEM)

    assert deliver(timezone.now()) == 0

    assert receiver.requests == []
    with pytest.raises(UnknownRecordError):
        replay(delivery_id=WebhookDelivery.objects.get().pk, actor=SYSTEM)
    assert not AuditEntry.objects.filter(action="work.retried").exists()

    switch_backend(backend_id=backend.pk, is_active=True, actor=SYSTEM)
    assert deliver(timezone.now()) == 1
    assert len(receiver.requests) == 1


def test_days_in_which_a_backend_was_switched_off_are_no_failures(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    receiver.status = 503
    before = timezone.now() - timedelta(days=4)
    WebhookEndpoint.objects.update(failing_since=before)
    backend = Backend.objects.get()
    for is_active in (False, True):
        switch_backend(backend_id=backend.pk, is_active=is_active, actor=SYSTEM)

    deliver(timezone.now())

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.disabled_at is None
    assert endpoint.failing_since is not None
    assert endpoint.failing_since > before


def test_a_backend_that_is_switched_off_takes_no_place_of_others(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _listen(receiver.url, stores=[store])
    _suspend(store, key)
    off, _ = WebhookDelivery.objects.select_related("endpoint")
    switch_backend(backend_id=off.endpoint.backend_id, is_active=False, actor=SYSTEM)

    assert deliver(timezone.now()) == 1

    assert WebhookDelivery.objects.get(delivered_at=None).pk == off.pk


def test_a_failure_is_tried_again_later(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    receiver.status = 500

    deliver(timezone.now())

    row = WebhookDelivery.objects.get()
    assert row.delivered_at is None
    assert row.last_status == 500
    assert row.due_at > timezone.now()
    receiver.status = 200
    assert deliver(row.due_at) == 1
    row.refresh_from_db()
    assert row.delivered_at is not None
    assert WebhookEndpoint.objects.get().failing_since is None


def test_an_endpoint_that_fails_for_three_days_is_switched_off(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    receiver.status = 302
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=3, seconds=1))

    deliver(timezone.now())

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.disabled_at is not None
    assert AuditEntry.objects.filter(subject=f"webhook:{endpoint.pk}").exists()
    assert deliver(timezone.now() + timedelta(days=1)) == 0

    WebhookDelivery.objects.update(due_at=timezone.now() + timedelta(hours=6))
    enable(endpoint_id=endpoint.pk, actor=SYSTEM)
    receiver.status = 200
    assert deliver(timezone.now()) == 1
    assert WebhookDelivery.objects.get().due_at is None


@pytest.mark.parametrize(
    ("asked", "pause"),
    [("120", 120), ("1", 5), ("", 5), ("99999999", 6 * 3600), ("-1", 5), ("soon", 5)],
)
def test_who_asks_for_a_pause_gets_it_up_to_the_longest(
    asked: str, pause: int, receiver: Receiver
) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    receiver.status, receiver.retry_after = 429, asked

    before = timezone.now()
    deliver(before)

    due_at = WebhookDelivery.objects.get().due_at
    assert before < due_at - timedelta(seconds=pause) <= timezone.now()


def test_an_address_that_is_gone_for_good_is_switched_off_at_once(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    receiver.status = 410

    deliver(timezone.now())

    assert WebhookEndpoint.objects.get().disabled_at is not None
    entry = AuditEntry.objects.get(subject__startswith="webhook:")
    assert entry.facts == {"enabled": False, "status": 410}
    assert deliver(timezone.now() + timedelta(days=1)) == 0
    assert len(receiver.requests) == 1


def test_an_event_can_be_sent_again_under_its_own_id(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    deliver(timezone.now())

    replay(delivery_id=WebhookDelivery.objects.get().pk, actor=SYSTEM)
    deliver(timezone.now())

    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    with pytest.raises(UnknownRecordError):
        replay(delivery_id=store.pk, actor=SYSTEM)
    assert AuditEntry.objects.filter(action="work.retried").count() == 1


def test_what_failed_is_sent_again_at_once(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    receiver.status = 500
    _suspend(store, key)
    deliver(timezone.now())
    endpoint = WebhookEndpoint.objects.get()
    assert deliver(timezone.now()) == 0

    receiver.status = 200
    assert replay_failed(endpoint_id=endpoint.pk, actor=SYSTEM) == 1
    assert deliver(timezone.now()) == 1

    assert replay_failed(endpoint_id=endpoint.pk, actor=SYSTEM) == 0
    entry = AuditEntry.objects.get(action="work.retried")
    assert (entry.subject, entry.facts) == (f"webhook:{endpoint.pk}", {"rows": 1})


def test_an_address_that_is_switched_off_gets_nothing_again(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    receiver.status = 500
    _suspend(store, key)
    deliver(timezone.now())
    WebhookEndpoint.objects.update(disabled_at=timezone.now())

    assert replay_failed(endpoint_id=WebhookEndpoint.objects.get().pk, actor=SYSTEM) == 0
    with pytest.raises(UnknownRecordError):
        replay(delivery_id=WebhookDelivery.objects.get().pk, actor=SYSTEM)


def test_a_worker_that_is_late_does_not_undo_that_an_event_is_sent_again(
    receiver: Receiver,
) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    (claimed,) = due.claim(WebhookDelivery.objects.all(), now=timezone.now(), claim_seconds=60)

    replay(delivery_id=claimed.pk, actor=SYSTEM)

    assert not due.finish(claimed, due_at=None)
    assert deliver(timezone.now()) == 1


def test_events_are_kept_for_thirty_days(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    deliver(timezone.now())
    now = WebhookDelivery.objects.get().created_at + timedelta(days=30)

    deliver(now - timedelta(seconds=1))
    assert WebhookDelivery.objects.exists()
    deliver(now + timedelta(seconds=1))
    assert not WebhookDelivery.objects.exists()


def test_old_events_are_deleted_some_at_a_time(receiver: Receiver) -> None:
    _listen(receiver.url)
    now = timezone.now()
    old = now - timedelta(days=31)
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=WebhookEndpoint.objects.get(), body="{}", created_at=old)
        for _ in range(PRUNED_AT_A_TIME + 1)
    )

    deliver(now)
    assert WebhookDelivery.objects.count() == 1
    deliver(now)
    assert not WebhookDelivery.objects.exists()


def _verifies(key: str, request: Request) -> bool:
    try:
        Webhook(key).verify(request.get_data(), dict(request.headers))
    except WebhookVerificationError:
        return False
    return True


def test_after_a_new_signing_key_the_old_one_signs_for_a_day_too(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    first = _listen(receiver.url)
    endpoint = WebhookEndpoint.objects.get()
    second = replace_key(endpoint_id=endpoint.pk, actor=SYSTEM).get_secret_value()

    _suspend(store, key)
    deliver(timezone.now())
    assert [_verifies(each, receiver.requests[-1]) for each in (first, second)] == [True, True]

    WebhookEndpoint.objects.update(old_key_until=timezone.now())
    replay(delivery_id=WebhookDelivery.objects.get().pk, actor=SYSTEM)
    deliver(timezone.now())
    assert [_verifies(each, receiver.requests[-1]) for each in (first, second)] == [False, True]
    assert AuditEntry.objects.get(subject=f"webhook:{endpoint.pk}").facts == {"key_version": 2}


def test_a_signing_key_that_is_replaced_twice_is_over_at_once(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    first = _listen(receiver.url)
    endpoint = WebhookEndpoint.objects.get()
    later = [
        replace_key(endpoint_id=endpoint.pk, actor=SYSTEM).get_secret_value() for _ in range(2)
    ]

    _suspend(store, key)
    deliver(timezone.now())

    verified = [_verifies(each, receiver.requests[-1]) for each in (first, *later)]
    assert verified == [False, True, True]


def test_an_address_that_is_removed_is_told_nothing_more(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    endpoint = WebhookEndpoint.objects.get()

    remove(endpoint_id=endpoint.pk, actor=SYSTEM)

    assert deliver(timezone.now()) == 0
    _suspend(store, key_of(store))
    assert WebhookDelivery.objects.filter(type="credential.failing").count() == 1
    endpoint.refresh_from_db()
    assert (bytes(endpoint.sealed_key), endpoint.sealed_old_key) == (b"", None)
    for act in (enable, remove, replace_key):
        with pytest.raises(UnknownRecordError):
            act(endpoint_id=endpoint.pk, actor=SYSTEM)
    deliver(timezone.now() + timedelta(days=31))
    deliver(timezone.now() + timedelta(days=31))
    assert not WebhookEndpoint.objects.exists()


def test_an_address_may_be_removed_while_an_event_is_on_its_way(receiver: Receiver) -> None:
    store = factories.keychain()
    key = key_of(store)
    _listen(receiver.url)
    _suspend(store, key)
    (claimed,) = due.claim(
        WebhookDelivery.objects.select_related("endpoint"), now=timezone.now(), claim_seconds=60
    )
    endpoint = WebhookEndpoint.objects.get()
    remove(endpoint_id=endpoint.pk, actor=SYSTEM)
    switched_off_at = WebhookEndpoint.objects.get().disabled_at

    record(claimed, sent=Sent(status=410), now=timezone.now() + timedelta(days=4))

    assert WebhookEndpoint.objects.get().disabled_at == switched_off_at


def test_the_signing_key_is_sealed(receiver: Receiver) -> None:
    signing_key = _listen(receiver.url)

    assert signing_key.encode() not in bytes(WebhookEndpoint.objects.get().sealed_key)
    assert signing_key not in str(list(AuditEntry.objects.values()))
