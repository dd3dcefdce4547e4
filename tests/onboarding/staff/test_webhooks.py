"""Staff see where events go, send them again, and are told when an address is switched off."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.mail import EmailMultiAlternatives
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_httpserver import HTTPServer

from keyvault.leases import create_backend, switch_backend
from keyvault.models import AuditEntry, Backend, WebhookDelivery, WebhookEndpoint
from keyvault.webhooks import register, remove
from onboarding.notices.preferences import Choice, Topic, save_choices
from onboarding.staff.work.selectors import work_kinds
from tests.keyvault.delivering import deliver
from tests.onboarding.cast import BY_TESTS, person, signed_in, staff_in, staff_member

pytestmark = pytest.mark.django_db
ENDPOINTS = "admin:keyvault_webhookendpoint_changelist"
EVENTS = "admin:keyvault_webhookdelivery_changelist"
# Of a port that nobody has; "invalid" is nobody's name (RFC 2606).
NOBODYS = "https://nobody.invalid/hook"


def endpoint(url: str = NOBODYS) -> WebhookEndpoint:
    made = create_backend(name="app", scopes=[], stores=None, days=1, actor=BY_TESTS)
    registered = register(backend_id=made.backend_id, url=url, actor=BY_TESTS)
    return WebhookEndpoint.objects.get(pk=registered.id)


def event(of: WebhookEndpoint, **facts: object) -> WebhookDelivery:
    now = timezone.now()
    defaults = {"type": "credential.failing", "body": "{}", "created_at": now, "due_at": now}
    return WebhookDelivery.objects.create(endpoint=of, **{**defaults, **facts})


def failed(of: WebhookEndpoint) -> WebhookDelivery:
    later = timezone.now() + timedelta(hours=1)
    return event(of, last_status=503, attempts=4, due_at=later)


def ask(
    client: Client, address: str, action: str, row: object, *, confirmed: bool = True
) -> HttpResponse:
    form = {"action": action, ACTION_CHECKBOX_NAME: [str(row)]}
    if confirmed:
        form["confirmed"] = "1"
    return client.post(reverse(address), form, follow=confirmed)


def test_the_lists_say_how_far_events_have_come() -> None:
    address = endpoint()
    failed(address)
    event(address)
    event(address, delivered_at=timezone.now(), last_status=204, due_at=None)
    client = signed_in(staff_member())

    events = client.get(reverse(EVENTS)).content.decode()
    for words in ("Failed, tried again", "Waiting", "Delivered", "503", "204"):
        assert words in events
    addresses = client.get(reverse(ENDPOINTS)).content.decode()
    assert re.search(r"field-waiting[^>]*>2<", addresses)
    assert re.search(r"field-failed[^>]*>1<", addresses)


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_sent_again_before_it_is_confirmed(*, whole: bool) -> None:
    delivery = failed(endpoint())
    before = delivery.due_at
    client = signed_in(staff_member())
    choice = (ENDPOINTS, "send_failed_again", delivery.endpoint_id)
    choice = choice if whole else (EVENTS, "send_again", delivery.pk)

    page = ask(client, *choice, confirmed=False)
    delivery.refresh_from_db()
    assert "again?" in page.content.decode()
    assert page.content.decode().count("<h1>") == 1
    assert delivery.due_at == before

    answer = ask(client, *choice)
    delivery.refresh_from_db()
    assert "1 event is sent again now." in answer.content.decode()
    assert delivery.due_at <= timezone.now()
    assert AuditEntry.objects.get(action="work.retried").actor.startswith("person:")


def test_an_address_that_is_off_is_switched_on_first() -> None:
    delivery = failed(endpoint())
    WebhookEndpoint.objects.update(disabled_at=timezone.now())
    client = signed_in(staff_member())

    answer = ask(client, EVENTS, "send_again", delivery.pk)
    assert "Nothing is sent" in answer.content.decode()
    assert "Address switched off" in client.get(reverse(EVENTS)).content.decode()
    assert "Switched off" in client.get(reverse(ENDPOINTS)).content.decode()

    answer = ask(client, ENDPOINTS, "switch_on", delivery.endpoint_id)
    assert "1 address is on again." in answer.content.decode()
    assert WebhookEndpoint.objects.get().disabled_at is None


def test_an_address_that_was_removed_stays_so() -> None:
    delivery = failed(endpoint())
    remove(endpoint_id=delivery.endpoint_id, actor=BY_TESTS)
    client = signed_in(staff_member())

    answer = ask(client, ENDPOINTS, "switch_on", delivery.endpoint_id)
    assert "0 addresses are on again." in answer.content.decode()
    assert "Removed" in client.get(reverse(ENDPOINTS)).content.decode()
    answer = ask(client, EVENTS, "send_again", delivery.pk)
    assert "Nothing is sent" in answer.content.decode()


def test_events_that_a_closed_backend_holds_back_say_so() -> None:
    delivery = failed(endpoint())
    switch_backend(backend_id=Backend.objects.get().pk, is_active=False, actor=BY_TESTS)
    client = signed_in(staff_member())

    for address in (EVENTS, ENDPOINTS):
        assert "Backend: Closed" in client.get(reverse(address)).content.decode()
    row = reverse("admin:keyvault_webhookdelivery_change", args=[delivery.pk])
    assert "Failed, tried again" not in client.get(row).content.decode()
    answer = ask(client, EVENTS, "send_again", delivery.pk)
    assert "Nothing is sent" in answer.content.decode()
    (work,) = (each for each in work_kinds(now=timezone.now()) if "webhook" in each.name)
    assert (work.failing, work.later) == (0, 0)


def test_support_sees_and_sends_nothing() -> None:
    delivery = failed(endpoint())
    client = signed_in(staff_in("support"))

    assert "Send again" not in client.get(reverse(EVENTS)).content.decode()
    ask(client, EVENTS, "send_again", delivery.pk)

    delivery.refresh_from_db()
    assert delivery.due_at > timezone.now()


def test_staff_are_told_when_an_address_is_switched_off(
    mailoutbox: list[EmailMultiAlternatives],
) -> None:
    told, deaf = staff_member("told"), staff_member("deaf")
    save_choices(user=deaf, choices={Topic.ALERTS: Choice.OFF})
    staff_in(None)
    person("owner")
    address = endpoint()
    event(address)
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=3, seconds=1))

    deliver(timezone.now())

    assert WebhookEndpoint.objects.get().disabled_at is not None
    deliver(timezone.now())
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([told.email], "app is no longer told of changes")
    assert f"{NOBODYS} has not answered for three days" in str(mail.body)


def test_staff_are_told_that_a_receiver_wants_nothing_any_more(
    mailoutbox: list[EmailMultiAlternatives], httpserver: HTTPServer, settings: Settings
) -> None:
    staff_member()
    settings.KEYVAULT_WEBHOOK_ALLOWED_ADDRESSES = [f"{httpserver.host}:{httpserver.port}"]
    httpserver.expect_request("/").respond_with_data(status=410)
    event(endpoint(httpserver.url_for("/")))

    deliver(timezone.now())

    (mail,) = mailoutbox
    assert "gone for good (410)" in str(mail.body)


def test_the_signing_key_of_a_webhook_is_on_no_page() -> None:
    address = endpoint()
    sealed = bytes(address.sealed_key).hex()
    page = signed_in(staff_member()).get(
        reverse("admin:keyvault_webhookendpoint_change", args=[address.pk])
    )

    assert sealed not in page.content.decode()
    assert "whsec_" not in page.content.decode()
    assert Backend.objects.get().name in page.content.decode()
